#!/usr/bin/env python3
"""Measures Gatehouse against llama.cpp: the same file, the same threads, in turn.

A shared machine moves more than the programs do, so every round runs both sides and only the ratio of a round counts;
the table shows the median and the range of the rounds.

    Benchmarks/build_llama_cpp.sh FOLDER
    Benchmarks/compare.py --llama-bench FOLDER/build/bin/llama-bench
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def gatehouse(arguments):
    command = [arguments.gatehouse, "bench", "--json", "--repetitions", "1", "--model", arguments.model]
    command += ["-p", str(arguments.prompt), "-n", str(arguments.written), "--threads", str(arguments.threads)]
    results = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["results"]
    return {result["test"]: result["tokens_per_second"] for result in results}


def llama_bench(arguments):
    command = [arguments.llama_bench, "-o", "json", "-r", "1", "-m", arguments.model]
    command += ["-p", str(arguments.prompt), "-n", str(arguments.written), "-t", str(arguments.threads)]
    results = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    name = lambda row: f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
    return {name(row): row["avg_ts"] for row in results}


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-bench", required=True, help="the peer's llama-bench")
    parser.add_argument("--gatehouse", default=str(ROOT / ".build/release/gatehouse"))
    parser.add_argument("--model", default=str(ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--written", type=int, default=128)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    rounds = []
    for number in range(arguments.rounds):
        print(f"\rround {number + 1} of {arguments.rounds}", end="", file=sys.stderr, flush=True)
        # The order turns round by round, so that neither side always runs on the warmer machine.
        sides = [gatehouse, llama_bench] if number % 2 == 0 else [llama_bench, gatehouse]
        results = {side: side(arguments) for side in sides}
        rounds.append((results[gatehouse], results[llama_bench]))
    print(file=sys.stderr)

    print(f"{pathlib.Path(arguments.model).name}, {arguments.threads} threads, {arguments.rounds} rounds, tokens/s: "
          "median (least to most)\n")
    print("| test | Gatehouse | llama.cpp | ratio of a round |")
    print("|---|---|---|---|")
    for test in rounds[0][0]:
        ours = [round[0][test] for round in rounds]
        theirs = [round[1][test] for round in rounds]
        ratios = [a / b for a, b in zip(ours, theirs)]
        print(f"| {test} | {spread(ours, 0)} | {spread(theirs, 0)} | {spread(ratios, 2)} |")


if __name__ == "__main__":
    main()
