#!/bin/sh
# Makes ../weights/gate.safetensors anew: make_gate.sh FOLDER, that of the training; see SDK/Training/make_gate.sh. Needs the
# plugin's weights and what the training needs too.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$(CDPATH='' cd -- "$1" && pwd)
exec sh "$here/../../../SDK/Training/make_gate.sh" speech sound "$here/../weights/gate.safetensors" 10 "$here/asked.py" --folder "$folder"
