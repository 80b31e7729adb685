#!/bin/sh
# Prints libabigail's report on how the ABI of gatehouse.h differs from the frozen 1.0. It is to be read, not
# judged by: layout.c and the frozen plugin decide, since a differ cannot see through `void *` extensions.
set -eu
sdk=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
frozen=$sdk/Tests/Frozen/1.0
current=$sdk/Sources/CGatehouse/include

command -v abidiff >/dev/null || {
    echo "abidiff is not installed (Debian: abigail-tools): no report"
    exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The same plugin, seen through each header.
${CC:-cc} -std=c11 -g -fPIC -shared -fvisibility=hidden -I "$frozen" "$frozen/plugin.c" -o "$work/frozen.so"
cp "$frozen/plugin.c" "$work/plugin.c"
${CC:-cc} -std=c11 -g -fPIC -shared -fvisibility=hidden -I "$current" "$work/plugin.c" -o "$work/current.so"
echo "libabigail on gatehouse.h, 1.0 against current:"
# Its exit status counts kinds of change.
report=$(abidiff "$work/frozen.so" "$work/current.so") || true
echo "${report:-no difference}"
