#!/bin/sh
# Makes ../gate.safetensors anew from screens that it draws; see SDK/Training/make_gate.sh. Needs Pillow from PyPI too.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec sh "$here/../../../SDK/Training/make_gate.sh" screen-text picture "$here/../gate.safetensors" 1 "$here/screens.py"
