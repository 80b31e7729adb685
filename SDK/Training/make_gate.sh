#!/bin/sh
# Makes the gate of a plugin of this repository anew, for the default decoder: make_gate.sh ID ABOUT OUTPUT DECAY SCRIPT [WORD …], where
# SCRIPT writes parts by parts.py. Needs the host and the plugin, built by run_server.sh, and torch, transformers, safetensors and
# gguf from PyPI. Called by the plugins' own scripts.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
id=$1 about=$2 output=$3 decay=$4
shift 4
parts=$(mktemp)
trap 'rm -f "$parts"' EXIT
cd "$root"
python3 "$@" --gatehouse .build/release/gatehouse --count 300 --output "$parts"
python3 SDK/Training/train_relevance.py --gatehouse .build/release/gatehouse \
    --decoder models/SmolLM2-135M-Instruct.Q4_1.gguf --about "$about" --registry registry.json --plugin "$id" \
    --decay "$decay" --parts "$parts" --output "$output"
