#!/bin/sh
# From nothing to weights: make_weights.sh FOLDER WEIGHTS. FOLDER gets what they are made from; the same command goes on where
# it was interrupted. Needs apt-get and dpkg-deb, and of PyPI: torch transformers safetensors numpy Pillow resvg_py.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1
weights=$2
mkdir -p "$folder"

# Sizes in turn, the smaller ones being the cheaper ones to learn from, the convolutions before the transformer that looks at what
# they make: SIZE MINUTES and what differs. Longer stages, more of them and --depth 12 make better weights.
stage() {
    size=$1
    minutes=$2
    shift 2
    [ -e "$folder/$size.done" ] && return
    python3 "$here/train.py" --folder "$folder" --size "$size" --minutes "$minutes" "$@"
    touch "$folder/$size.done"
}
stage 64 12 --depth 0 --batch 64 --threads 1
stage 96 9 --depth 0 --batch 64 --threads 1
stage 160 31 --depth 6 --batch 32 --threads 1 --scenes 0.4 --rate 0.001
python3 "$here/export.py" --folder "$folder" --output "$weights"
python3 "$here/evaluate.py" --folder "$folder" --weights "$weights"
