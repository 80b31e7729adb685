#!/bin/sh
# Builds the CPU backend with its tests in C and runs them on this processor, and on an x86-64 machine those for AArch64
# in an emulator too. It installs nothing; for the emulator it needs Debian's libc6-dev-arm64-cross,
# libgcc-12-dev-arm64-cross and qemu-user.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
kernels="$here/../../Host/CKernels"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The compiler that comes with Swift also knows other processors.
build() {
    program=$1
    shift
    clang -std=c11 -O2 -Wall -Wextra -Werror "$@" -I "$kernels/include" "$here"/*.c "$kernels"/*.c -o "$work/$program" \
        -lm -lpthread
}

echo "The paths of this processor:"
build native
"$work/native"

[ "$(uname -m)" = x86_64 ] || exit 0
if ! command -v qemu-aarch64 >/dev/null || [ ! -f /usr/aarch64-linux-gnu/lib/libc.a ] ||
    [ -z "$(find /usr/lib/gcc-cross/aarch64-linux-gnu -name libgcc.a 2>/dev/null)" ]; then
    echo "The paths of AArch64 are not tried here: that takes libc6-dev-arm64-cross, libgcc-12-dev-arm64-cross and" \
        "qemu-user"
    exit 0
fi
echo "The paths of AArch64, in an emulator:"
build aarch64 --target=aarch64-linux-gnu -static -fuse-ld=lld
qemu-aarch64 "$work/aarch64"
