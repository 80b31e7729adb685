#!/bin/sh
# Installs the plugin SDK: SDK/install.sh PREFIX
#
#   bin/gatehouse-plugin             the checker
#   include/                         the ABI in C
#   lib/pkgconfig, lib/cmake         how C and C++ projects find it
#   share/gatehouse/GatehouseSDK     the Swift package
#   share/gatehouse/exports.map      what a plugin exports
#   share/gatehouse/templates        what `gatehouse-plugin new` begins with
#
# The checker is built unless it is there and newer than its sources. Where GATEHOUSE_BUILD names a build folder, it is
# taken from there as it is.
set -eu

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

[ $# = 1 ] || fail "usage: SDK/install.sh PREFIX"
case $1 in
-*) fail "usage: SDK/install.sh PREFIX" ;;
esac
sdk=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" 2>/dev/null || fail "$1 cannot be made; may you write there?"
prefix=$(cd "$1" && pwd)
[ -w "$prefix" ] || fail "$prefix cannot be written"
build=${GATEHOUSE_BUILD:-$sdk/.build}

checker=$build/release/gatehouse-plugin
if [ -n "${GATEHOUSE_BUILD-}" ]; then
    [ -x "$checker" ] || fail "GATEHOUSE_BUILD is $build, which holds no release/gatehouse-plugin"
elif [ ! -x "$checker" ] || [ -n "$(find "$sdk/Sources" "$sdk/Package.swift" -newer "$checker" -type f)" ]; then
    command -v swift >/dev/null || fail "swift is not on PATH, and the checker has to be built"
    swift build -c release --package-path "$sdk" --scratch-path "$build" --product gatehouse-plugin --quiet ||
        fail "the checker did not build"
fi

header=$sdk/Sources/CGatehouse/include/gatehouse.h
major=$(sed -n 's/.*GATEHOUSE_ABI_MAJOR = \([0-9]*\),/\1/p' "$header")
minor=$(sed -n 's/.*GATEHOUSE_ABI_MINOR = \([0-9]*\),/\1/p' "$header")

share=$prefix/share/gatehouse
# Whole, so that a file that an older SDK had does not stay.
rm -rf "$share/GatehouseSDK" "$share/templates"
mkdir -p "$prefix/bin" "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/Gatehouse" \
    "$share/GatehouseSDK/Sources"
cp "$sdk/Sources/CGatehouse/include/gatehouse.h" "$sdk/Sources/CGatehouse/include/gatehouse_check.h" "$prefix/include/"
cp "$sdk/Install/GatehouseConfig.cmake" "$prefix/lib/cmake/Gatehouse/"
sed "s/@VERSION@/$major.$minor/" "$sdk/Install/gatehouse.pc.in" >"$prefix/lib/pkgconfig/gatehouse.pc"
cp "$sdk/Install/Package.swift" "$share/GatehouseSDK/"
for target in CGatehouse GatehouseSDK GatehouseJSON GatehouseTensorFiles GatehouseNumerics CNumerics; do
    cp -R "$sdk/Sources/$target" "$share/GatehouseSDK/Sources/"
done
cp "$sdk/exports.map" "$share/"
cp -R "$sdk/Templates" "$share/templates"
# Beside it and renamed, since the one that is there may be running.
cp "$checker" "$prefix/bin/.gatehouse-plugin.new"
mv "$prefix/bin/.gatehouse-plugin.new" "$prefix/bin/gatehouse-plugin"
printf 'The Gatehouse SDK %s.%s is in %s; begin with %s/bin/gatehouse-plugin new MyPlugin --language swift\n' \
    "$major" "$minor" "$prefix" "$prefix"
