#!/bin/sh
# Makes ../weights/gate.safetensors anew, for the default decoder: make_gate.sh FOLDER, that of the training. Needs the host and the plugin,
# built by run_server.sh, its weights, and what the training needs.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../../.." && pwd)
folder=$(CDPATH='' cd -- "$1" && pwd)
parts=$(mktemp)
trap 'rm -f "$parts"' EXIT
cd "$root"
python3 "$here/asked.py" --folder "$folder" --gatehouse .build/release/gatehouse --count 300 --output "$parts"
python3 SDK/Training/train_relevance.py --gatehouse .build/release/gatehouse \
    --decoder models/SmolLM2-135M-Instruct.Q4_1.gguf --about sound --decay 10 --registry registry.json --plugin speech \
    --parts "$parts" --output "$here/../weights/gate.safetensors"
