#!/bin/sh
# Prints how many instructions each function takes for a short prefill and a short decode, as callgrind counts them: the
# counts repeat exactly, whatever else the machine does. Needs valgrind, and `swift build -c release` before.
#
#     Benchmarks/instructions.sh [MODEL]
#
# valgrind knows no AVX-512, so the path without it is counted; GATEHOUSE_CPU=portable counts that one.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
model=${1:-$root/models/SmolLM2-135M-Instruct.Q4_1.gguf}
command -v valgrind >/dev/null || { echo "valgrind is missing; install the Debian package valgrind" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
GATEHOUSE_CPU=${GATEHOUSE_CPU:-avx2}
export GATEHOUSE_CPU

# Debian's valgrind cannot read the debug information of this toolchain; names of functions are enough.
strip --strip-debug -o "$folder/steps" "$root/.build/release/steps"

# Title, tokens, and the arguments of steps, which runs all twice.
count() {
    title=$1 tokens=$2
    shift 2
    # Only what a step runs is counted.
    valgrind --quiet --tool=callgrind --toggle-collect=run_tile --callgrind-out-file="$folder/out" \
        "$folder/steps" "$model" "$@" >"$folder/printed" 2>"$folder/errors" \
        || { cat "$folder/errors" >&2; exit 1; }
    # From here on only figures: instructions, then `file:function`.
    callgrind_annotate --threshold=99.9 "$folder/out" | awk -v title="$title" -v path="$(cat "$folder/printed")" -v tokens="$tokens" '
        / PROGRAM TOTALS$/ { gsub(",", "", $1); total = $1; next }
        /^ *[0-9,]+ \([ 0-9.]+%\) / {
            count = $1
            gsub(",", "", count)
            name = $0
            sub(/^[^)]*\) */, "", name)
            sub(/ \[[^]]*\]$/, "", name)
            sub(/^.*:/, "", name)
            sub(/.clone.*$/, "", name)
            sums[name] += count
            if (!(name in seen)) { seen[name] = 1; order[++n] = name }
        }
        END {
            printf "### %s, %s: %.3f million instructions a token\n\n", title, path, total / tokens / 2e6
            print "| function | million a token | share |\n|---|---:|---:|"
            for (i = 1; i <= n && i <= 15; i++)
                printf "| `%s` | %.3f | %.1f%% |\n", order[i], sums[order[i]] / tokens / 2e6, 100 * sums[order[i]] / total
            print ""
        }'
}

count "Prefill of 32 tokens" 32 32 0
count "Decode of 4 tokens" 4 0 4
