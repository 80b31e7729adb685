"""Writes parts as a plugin encodes them, with questions about each: what train_relevance.py and answers.py read."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def parser(description):
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--gatehouse", required=True, help="the host's executable")
    made.add_argument("--count", type=int, default=300)
    made.add_argument("--output", required=True, type=pathlib.Path)
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--keep", type=pathlib.Path, help="folder where the media stay, for answers.py")
    return made


def write(options, plugin, suffix, make):
    """`make(path, number)` writes a medium and gives its questions, each with a word of the answer, or None where there is no
    telling one."""
    with tempfile.TemporaryDirectory() as temporary, open(options.output, "w") as output:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(options.count):
            path = folder / f"{number}{suffix}"
            asks = make(path, number)
            printed = subprocess.run(
                [options.gatehouse, "encode", "--plugin", plugin, "--input", path, "--json"], capture_output=True, text=True)
            if printed.returncode:
                raise SystemExit(printed.stderr.strip())
            line = {"segments": json.loads(printed.stdout)["segments"], "asks": [question for question, _ in asks]}
            if options.keep:
                line |= {"file": str(path.resolve()), "answers": [pair for pair in asks if pair[1]]}
            output.write(json.dumps(line) + "\n")
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {options.count}", end="", file=sys.stderr)
