#!/bin/sh
# From nothing to weights: make_weights.sh FOLDER WEIGHTS. FOLDER gets what they are made from; the same command goes on where it was
# interrupted. Needs what debian-packages.txt and requirements.txt name, and the plugin: swift build -c release.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1
weights=$2
# With more minutes, and without --blocks, it grows to ten blocks and errs less.
python3 "$here/train.py" --folder "$folder" --minutes 110 --blocks 5
python3 "$here/export.py" --folder "$folder" --output "$weights"
python3 "$here/tune.py" --folder "$folder" --weights "$weights"
python3 "$here/evaluate.py" --folder "$folder" --weights "$weights" --sphinx
