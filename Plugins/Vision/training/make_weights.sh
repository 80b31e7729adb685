#!/bin/sh
# From nothing to weights: make_weights.sh FOLDER WEIGHTS. FOLDER gets what they are made from; the same command goes on where
# it was interrupted. Needs apt-get and dpkg-deb, and of PyPI: torch transformers safetensors numpy Pillow resvg_py.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1
weights=$2
mkdir -p "$folder"

# Sizes in turn, the smaller ones being the cheaper ones to learn from: SIZE MINUTES and what differs.
stage() {
    size=$1
    minutes=$2
    shift 2
    [ -e "$folder/$size.done" ] && return
    python3 "$here/train.py" --folder "$folder" --size "$size" --minutes "$minutes" "$@"
    touch "$folder/$size.done"
}
stage 64 40 --batch 192 --keep 1
stage 128 60
stage 224 40 --batch 64 --scenes 0.4 --rate 0.001
python3 "$here/export.py" --folder "$folder" --output "$weights"
python3 "$here/evaluate.py" --folder "$folder" --weights "$weights"
