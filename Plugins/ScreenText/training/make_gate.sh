#!/bin/sh
# Makes ../gate.safetensors anew, for the default decoder: draws screens, has them read, and learns which messages are about them.
# Needs the host and the plugin, built by run_server.sh, and torch, transformers, safetensors, gguf and Pillow from PyPI.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
python3 "$here/screens.py" --gatehouse .build/release/gatehouse --count 300 --output "$work/screens.jsonl"
python3 SDK/Training/train_relevance.py --gatehouse .build/release/gatehouse \
    --decoder models/SmolLM2-135M-Instruct.Q4_1.gguf --about picture --registry registry.json --plugin screen-text \
    --parts "$work/screens.jsonl" --output "$here/../gate.safetensors"
