#!/bin/sh
# Installs what is missing, builds, fetches the default model, and serves. The work of earlier runs is kept.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

usage() {
    cat <<'EOF'
usage: ./run_server.sh [OPTION]…

Installs the Debian packages that are missing, builds host, SDK and plugins, fetches the default model, and serves the
OpenAI API on 127.0.0.1:8000 until SIGINT or SIGTERM. A daemon that crashes is started again. What earlier runs did is
kept. Its own option is

  --allocator A      the daemon's memory allocator: tcmalloc or jemalloc, from Debian (default: the C library's)

All others go to gatehouse serve:

  --model P          a GGUF file, or the folder of a checkpoint (default: what models/ holds); with it no model is
                     fetched
  --registry P       the plugins (default: registry.json)
  --threads N        threads (default: one a core)
  --kv-type T        what keys and values are kept in: f16, f32 or int8 (default: f16)
  --shards N         parts to cut the weights in, each with its share of the threads (default: 1)
  --quantize T       quantise matrices of floating-point numbers as they load: int8 or int4
  --mmproj P         the model's own encoder, a GGUF file; a checkpoint's folder has it inside
  --max-pixels N     reduce larger images for the model's own encoder
  --ctx N            tokens that a prompt and its answer may take (default: as the model was trained)
  --prompt-lookup N  guess up to N tokens of greedy answers from what stands before; same answers
  --no-prefix-cache  keep nothing of a request for later ones that begin alike
  --media-cache N    MiB kept of what encoders made of media, for when it comes again (default: 256)
  --host H           the address to listen on (default: 127.0.0.1)
  --port N           the port to listen on, 0 for any free one (default: 8000)
  --model-name N     a name that the model answers to; may be repeated (default: the file's)
  --strict-model     answer 404 to any other model name
  --api-key-file F   the keys of clients; gatehouse key new makes them (default: no keys)
  --insecure         listen on an address that other machines reach though there are no keys
  --socket P         where gatehouse plugin finds the daemon
  --data D           what outlives the daemon (default: $XDG_DATA_HOME/gatehouse)
  --allow-media-host H  fetch pictures from this host, or from subdomains by *.H; may be repeated (default: from none)
  --max-media-parts N  images, sounds and files that a request may have (default: 64)
  --max-part-mb N    MiB that each of them may have (default: 64)
  --max-prompt-tokens N  tokens that a prompt may have (default: what --ctx leaves)
  --max-seconds N    seconds that writing an answer may take; it ends as at its token limit then (default: no limit)
  --max-choices N    answers that a request may ask for by n (default: 128)
  --admin            serve the operator's commands over HTTP too, under /admin
  --log-format T     text, or json: an object a line (default: text on a terminal, else json)
  --log-prompts      write what is asked and answered into the log, where it never is otherwise
  --config F         a file of these options (default: gatehouse.json where there is one); GATEHOUSE_… in the
                     environment counts more
  --check-config     tell the settings and what is wrong with them, and do not serve
  --tls-certificate F  serve HTTPS with this certificate chain, in PEM; seen when it changes (default: HTTP)
  --tls-key F        the certificate's private key, in PEM
  --allow-origin O   let pages of this origin ask in browsers, or any by *; may be repeated (default: none but its own)
  --drain-grace N    seconds to go on serving after a signal while /ready says 503, for a balancer (default: 0)
  --drain-seconds N  seconds that running requests then have to finish, while others get 503 (default: 30)
  --max-body-mb N    MiB that the body of a request may have (default: 64)
  --max-header-kb N  KiB that its first line and header fields may have (default: 16)
  --max-connections N  connections at once (default: 1024)
  --header-seconds N seconds in which a header that has begun is to be whole (default: 10)
  --body-seconds N   seconds in which the body is to follow (default: 120)
  --idle-seconds N   seconds after which a connection without a request is closed (default: 75)
EOF
}

for word in "$@"; do
    case $word in
    -h | --help)
        usage
        exit 0
        ;;
    esac
done

# shellcheck source=Scripts/setup.sh
. "$root/Scripts/setup.sh"

# Takes out what is for this script.
allocator=
left=$#
while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case $word in
    --allocator)
        [ "$left" -gt 0 ] || fail "--allocator needs a value: tcmalloc or jemalloc"
        allocator=$1
        shift
        left=$((left - 1))
        ;;
    --allocator=*) allocator=${word#*=} ;;
    *) set -- "$@" "$word" ;;
    esac
done
case $allocator in
'') library= ;;
tcmalloc) package=libtcmalloc-minimal4 library=libtcmalloc_minimal.so.4 ;;
jemalloc) package=libjemalloc2 library=libjemalloc.so.2 ;;
*) fail "--allocator: expected tcmalloc or jemalloc, found \"$allocator\"" ;;
esac

install_build_packages
info "Building the host"
swift build -c release --package-path "$root" --quiet || fail "the host did not build; see above"
build_plugins
gatehouse="$root/.build/release/gatehouse"
# What options, environment and gatehouse.json come to; what is wrong with them is told when it serves.
"$gatehouse" serve --check-config "$@" 2>/dev/null | grep -q '^model ' || fetch_model
if [ -n "$library" ]; then
    install_packages "$package"
    # env is replaced by the daemon; plugins' workers do not inherit it.
    set -- env LD_PRELOAD="$library" "$gatehouse" serve "$@"
else
    set -- "$gatehouse" serve "$@"
fi
exec sh "$root/Scripts/supervise.sh" "$@"
