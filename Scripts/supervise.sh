#!/bin/sh
# Runs a daemon, and starts it again when it crashes: after one second, then two, four, at most sixty; one that held for a
# minute begins at one second again. One that ends by itself, well or not, is let go with its exit code. TERM, INT and HUP
# are passed on. What it said last on standard error is told when it crashes.
#
#     Scripts/supervise.sh COMMAND [ARGUMENT]…
set -u

kept_lines=20
longest_delay=60
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
child=
stopping=no
pass() {
    [ "$1" = HUP ] || stopping=yes
    [ -z "$child" ] || kill -s "$1" "$child" 2>/dev/null
}
trap 'pass TERM' TERM
trap 'pass INT' INT
trap 'pass HUP' HUP

# Its lines go on to our own standard error, and the last of them to a file.
keep_lines() {
    trap '' TERM INT HUP
    while IFS= read -r line; do
        printf '%s\n' "$line" >&2
        printf '%s\n' "$line" >>"$work/lines"
        count=$((${count:-0} + 1))
        if [ "$count" -ge 1000 ]; then
            tail -n "$kept_lines" "$work/lines" >"$work/short" && mv "$work/short" "$work/lines"
            count=0
        fi
    done
}

delay=1
while :; do
    : >"$work/lines"
    started=$(date +%s)
    # A session of its own: what a terminal sends to all of us would reach it twice.
    if [ -t 2 ]; then
        setsid "$@" &
        child=$!
    else
        rm -f "$work/pipe"
        mkfifo "$work/pipe" || exit 1
        keep_lines <"$work/pipe" &
        keeper=$!
        setsid "$@" 2>"$work/pipe" &
        child=$!
    fi
    # A signal ends the waiting, not the daemon.
    while :; do
        wait "$child"
        status=$?
        kill -0 "$child" 2>/dev/null || break
    done
    child=
    [ -t 2 ] || wait "$keeper"
    if [ "$stopping" = yes ] || [ "$status" -le 128 ]; then
        exit "$status"
    fi
    [ $(($(date +%s) - started)) -lt 60 ] || delay=1
    printf '[ERROR] the daemon was ended by signal %s; it starts again in %s s\n' $((status - 128)) "$delay" >&2
    if [ -s "$work/lines" ]; then
        printf '[ERROR] its last lines were:\n' >&2
        tail -n "$kept_lines" "$work/lines" | sed 's/^/    /' >&2
    fi
    if [ "$stopping" = no ]; then
        sleep "$delay" &
        wait $!
    fi
    [ "$stopping" = no ] || exit "$status"
    delay=$((delay * 2))
    [ "$delay" -le "$longest_delay" ] || delay=$longest_delay
done
