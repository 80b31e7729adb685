"""Measures Gatehouse against llama.cpp: the same files, the same threads, in turn. Prints Markdown.

    Benchmarks/build_llama_cpp.sh FOLDER
    python3 Benchmarks/compare --llama-cpp FOLDER/build/bin --models FOLDER
    python3 Benchmarks/compare --llama-cpp FOLDER/build/bin --only prefill,decode
"""

import argparse
import os
import pathlib
import signal
import sys
from collections.abc import Iterator

import report
import serving
import speed
from servers import Servers
from tools import Gatehouse, LlamaCpp

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUBJECTS = {
    "prefill": speed.prefill, "decode": speed.decode, "batch": speed.batch, "http": serving.http, "turn": serving.turn,
    "memory": serving.memory, "start": serving.start, "formats": speed.formats, "glm4": speed.glm4,
}
# These write random models, of 1.6 and 5.3 GB.
NEED_MODELS = {"formats", "glm4"}


class Context:
    """What all subjects are measured with."""

    def __init__(self, arguments):
        self.root = ROOT
        self.model = pathlib.Path(arguments.model)
        self.models = pathlib.Path(arguments.models) if arguments.models else None
        self.gatehouse = Gatehouse(pathlib.Path(arguments.gatehouse).resolve(), arguments.threads)
        self.llama_cpp = LlamaCpp(pathlib.Path(arguments.llama_cpp).resolve(), arguments.threads)
        self.servers = Servers(self.gatehouse, self.llama_cpp)
        self.scale = arguments.scale

    def scaled(self, tokens):
        """A number of tokens or requests, smaller in a trial."""
        return max(1, round(tokens * self.scale))

    def warm(self, path):
        """Reads a file, so that it lies in the page cache."""
        with open(path, "rb") as file:
            while file.read(64 << 20):
                pass


def parse():
    parser = argparse.ArgumentParser(
        prog="compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-cpp", required=True, metavar="FOLDER", help="where llama-bench and llama-server lie")
    parser.add_argument("--gatehouse", default=str(ROOT / ".build/release/gatehouse"))
    parser.add_argument("--model", default=str(ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--models", metavar="FOLDER", help="where random models lie or are to be written")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1, help="share of the tokens, for a trial (default: 1)")
    parser.add_argument("--only", metavar="A,B", help=f"some of {', '.join(SUBJECTS)}")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(SUBJECTS)
    for name in chosen:
        if name not in SUBJECTS:
            parser.error(f"--only: expected some of {', '.join(SUBJECTS)}, found {name}")
    if not arguments.models and NEED_MODELS & set(chosen):
        if arguments.only:
            parser.error(f"{' and '.join(sorted(NEED_MODELS & set(chosen)))} need --models FOLDER")
        print("without --models, formats and glm4 are left out", file=sys.stderr)
        chosen = [name for name in chosen if name not in NEED_MODELS]
    if arguments.rounds < 1:
        parser.error("--rounds: expected at least 1")
    return arguments, chosen


def main():
    arguments, chosen = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the servers too
    context = Context(arguments)
    scaled = "" if arguments.scale == 1 else f", a trial at {arguments.scale:g} of the tokens"
    print(f"{report.machine()}; {context.model.stem}, {arguments.threads} threads; Gatehouse {report.revision(ROOT)}; "
          f"{arguments.rounds} rounds{scaled}. Each figure: median (least to most).\n")
    for name in chosen:
        found = SUBJECTS[name](context)
        for subject in found if isinstance(found, Iterator) else [found]:
            print("\n".join(report.table(subject, subject.measure(arguments.rounds))), flush=True)


if __name__ == "__main__":
    main()
