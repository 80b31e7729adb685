#!/bin/sh
# Replicas of the daemon behind HAProxy, on this machine: as many requests as before, and none lost while the daemon is upgraded.
#
#     Scripts/replicas.sh [--replicas N] [--port N] [OPTION OF gatehouse serve]…
#
# The balancer listens on --port (default: 8000) of --host (default: 127.0.0.1), replicas on the next N ports (default: 2) of
# 127.0.0.1, each supervised (Scripts/supervise.sh). Build the daemon first, by run_server.sh or swift build.
#
#     kill -USR1 PID    a rolling upgrade: one replica after the other finishes what it has and starts anew
#     kill -HUP PID     the replicas read registry, keys and certificates again
#     kill -TERM PID    no more requests; running ones finish
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=Scripts/setup.sh
. "$root/Scripts/setup.sh"

replicas=2
host=127.0.0.1
port=8000
left=$#
while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case $word in
    -h | --help)
        sed -n '2,/^set -eu/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
        exit 0
        ;;
    --replicas | --port | --host)
        [ "$left" -gt 0 ] || fail "$word needs a value"
        case $word in
        --replicas) replicas=$1 ;;
        --port) port=$1 ;;
        --host) host=$1 ;;
        esac
        shift
        left=$((left - 1))
        ;;
    --tls-*) fail "$word: TLS ends at the balancer; name the certificate at \`bind\` in Scripts/haproxy.cfg" ;;
    *) set -- "$@" "$word" ;;
    esac
done
for number in "$replicas" "$port"; do
    case $number in
    '' | *[!0-9]*) fail "expected a whole number, found \"$number\"" ;;
    esac
done
[ "$replicas" -ge 1 ] || fail "--replicas: expected at least 1, found $replicas"
gatehouse="$root/.build/release/gatehouse"
[ -x "$gatehouse" ] || fail "$gatehouse is not built: run ./run_server.sh once, or swift build -c release"
install_packages haproxy curl

threads=$(($(nproc) / replicas))
[ "$threads" -ge 1 ] || threads=1
# What options and settings may still say otherwise. A balancer sees that a replica is not ready before it refuses anything.
export GATEHOUSE_THREADS="${GATEHOUSE_THREADS:-$threads}" GATEHOUSE_DRAIN_GRACE="${GATEHOUSE_DRAIN_GRACE:-2}"
work=$(mktemp -d) || exit 1
balancer=
# Whatever ends this ends all.
clean_up() {
    trap '' TERM INT HUP USR1
    for file in "$work"/replica-*.pid; do kill -TERM "$(cat "$file" 2>/dev/null)" 2>/dev/null || :; done
    [ -z "$balancer" ] || kill -TERM "$balancer" 2>/dev/null || :
    rm -rf "$work"
}
trap clean_up EXIT
ending=no
upgrading=no
trap 'ending=yes' TERM INT
trap 'upgrading=yes' USR1
trap 'for file in "$work"/replica-*.pid; do kill -HUP "$(cat "$file")" 2>/dev/null || :; done' HUP

# The port of replica N, its beginning and its end. Sessions of their own: what a terminal sends comes to us alone.
replica_port() { echo $((port + $1)); }
start_replica() {
    number=$1
    shift
    setsid sh "$root/Scripts/supervise.sh" "$gatehouse" serve "$@" --host 127.0.0.1 --port "$(replica_port "$number")" \
        --socket "$work/replica-$number.sock" >/dev/null &
    echo $! >"$work/replica-$number.pid"
}
end_replica() { kill -TERM "$(cat "$work/replica-$1.pid")" 2>/dev/null || :; }

# Waits for a child through signals, which end a wait and not the child.
await() {
    while kill -0 "$1" 2>/dev/null; do wait "$1" || :; done
}

# Until a replica is ready; fails where it ends instead.
await_replica() {
    until curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$(replica_port "$1")/ready"; do
        kill -0 "$(cat "$work/replica-$1.pid")" 2>/dev/null || fail "replica $1 did not start; see above"
        [ "$ending" = no ] || return 0
        sleep 0.2
    done
}

# Until the balancer has seen that all are.
await_balancer() {
    until curl --silent --fail --max-time 2 "http://$host:$port/replicas" | grep -q "\"ready\":$replicas}"; do
        kill -0 "$balancer" 2>/dev/null || fail "the balancer ended; see above"
        [ "$ending" = no ] || return 0
        sleep 0.2
    done
}

number=1
while [ "$number" -le "$replicas" ]; do
    start_replica "$number" "$@"
    number=$((number + 1))
done
{
    sed -e '/^    server /d' -e "s/^    bind .*/    bind $host:$port/" "$root/Scripts/haproxy.cfg"
    number=1
    while [ "$number" -le "$replicas" ]; do
        echo "    server replica-$number 127.0.0.1:$(replica_port "$number")"
        number=$((number + 1))
    done
} >"$work/haproxy.cfg"
number=1
while [ "$number" -le "$replicas" ]; do
    await_replica "$number"
    number=$((number + 1))
done
setsid haproxy -q -f "$work/haproxy.cfg" &
balancer=$!
await_balancer
info "$replicas replicas at http://$host:$port"
printf '[SUCCESS] Model service is ready for inference!\n'

while [ "$ending" = no ]; do
    # A signal ends the wait.
    sleep 1 &
    wait $! || :
    kill -0 "$balancer" 2>/dev/null || fail "the balancer ended; see above"
    [ "$upgrading" = yes ] || continue
    upgrading=no
    number=1
    while [ "$number" -le "$replicas" ] && [ "$ending" = no ]; do
        info "Upgrading replica $number"
        end_replica "$number"
        await "$(cat "$work/replica-$number.pid")"
        start_replica "$number" "$@"
        await_replica "$number"
        await_balancer
        number=$((number + 1))
    done
    info "Upgraded"
done

info "Finishing running requests"
# The balancer takes no more connections and stays for those that it has.
kill -USR1 "$balancer"
for file in "$work"/replica-*.pid; do kill -TERM "$(cat "$file")" 2>/dev/null || :; done
for file in "$work"/replica-*.pid; do await "$(cat "$file")"; done
kill -TERM "$balancer" 2>/dev/null || :
await "$balancer"
info "Stopped"
