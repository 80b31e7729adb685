#!/usr/bin/env python3
"""Measures how decoding scales: tokens per second and memory against sequences at once and tokens of context.

    Benchmarks/scaling.py                      # writes Docs/Scaling.md and Docs/Scaling.svg
    Benchmarks/scaling.py --most-tokens 8192   # a shorter run

A cell is one `gatehouse bench`: so many sequences, each with so many tokens of context when the last token is written.
Cells whose contexts together exceed --most-tokens are left out, for filling them would take most of the time.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys

import svg_plot

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCHES = [1, 2, 4, 8, 16, 32, 64]
CONTEXTS = [128, 256, 512, 1024, 2048, 4096, 8192]


def measure(arguments, batch, context):
    command = [arguments.gatehouse, "bench", "--json", "--model", arguments.model, "--threads", str(arguments.threads),
               "--repetitions", str(arguments.repetitions), "-p", "0", "-n", str(arguments.written), "--batch", str(batch),
               "-d", str(context - arguments.written)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result, = json.loads(printed)["results"]
    return {"batch": batch, "context": context, "rate": result["tokens_per_second"], "memory": result["resident_mb"],
            "share": result["read_bandwidth_share"]}


def table(cells, key, digits):
    """Markdown: contexts downwards, batches across."""
    found = {(cell["context"], cell["batch"]): cell[key] for cell in cells}
    contexts = [context for context in CONTEXTS if any(cell["context"] == context for cell in cells)]
    batches = [batch for batch in BATCHES if any(cell["batch"] == batch for cell in cells)]
    lines = ["| context | " + " | ".join(f"{batch}" for batch in batches) + " |", "|---:" * (len(batches) + 1) + "|"]
    for context in contexts:
        values = [found.get((context, batch)) for batch in batches]
        shown = ["" if value is None else f"{value:,.{digits}f}" for value in values]
        lines.append(f"| {context:,} | " + " | ".join(shown) + " |")
    return lines


def curves(cells, key):
    """A curve over the batches for each context."""
    return [(f"context {context:,}", [(cell["batch"], cell[key]) for cell in cells if cell["context"] == context])
            for context in CONTEXTS if sum(cell["context"] == context for cell in cells) > 1]


def report(arguments, cells):
    name = pathlib.Path(arguments.model).stem
    lines = [
        "# Scaling", "",
        f"Decoding with {name}, {arguments.threads} threads, keys and values as float16: columns are sequences at once, rows "
        "tokens of context of each when its last token is written. Contexts of more than "
        f"{arguments.most_tokens:,} tokens together are left out.", "",
        "```sh", shlex.join(["Benchmarks/scaling.py", *sys.argv[1:]]), "```", "", "![Tokens per second and memory](Scaling.svg)", "",
        "## Tokens per second, of all sequences together", "", *table(cells, "rate", 0), "",
        "## Resident memory, MB", "",
        "Of the process at the end of the cell: the weights, the pages of the contexts, the memory of a step.", "",
        *table(cells, "memory", 0), "",
        "## Share of the read bandwidth", "",
        "What a step has to read (weights once, keys and values of every sequence) times steps per second, over the read "
        "bandwidth measured in the same run. Many sequences share one reading of the weights: then arithmetic limits.", "",
        *table(cells, "share", 2), ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatehouse", default=str(ROOT / ".build/release/gatehouse"))
    parser.add_argument("--model", default=str(ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--written", type=int, default=32, help="tokens written in each cell (default: 32)")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--most-tokens", type=int, default=32768, help="of all contexts of a cell (default: 32768)")
    parser.add_argument("--output", metavar="FOLDER", type=pathlib.Path, default=ROOT / "Docs")
    arguments = parser.parse_args()
    plan = [(batch, context) for context in CONTEXTS for batch in BATCHES if batch * context <= arguments.most_tokens]
    cells = []
    for number, (batch, context) in enumerate(plan):
        print(f"{number + 1} of {len(plan)}: {batch} sequences of {context}", file=sys.stderr, flush=True)
        cells.append(measure(arguments, batch, context))
    (arguments.output / "Scaling.md").write_text(report(arguments, cells))
    (arguments.output / "Scaling.svg").write_text(svg_plot.document([
        svg_plot.Plot("Tokens per second", "sequences at once", curves(cells, "rate")),
        svg_plot.Plot("Resident memory, MB", "sequences at once", curves(cells, "memory"))]))
    print(arguments.output / "Scaling.md")


if __name__ == "__main__":
    main()
