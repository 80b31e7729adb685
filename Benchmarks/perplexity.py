#!/usr/bin/env python3
"""Measures what each weight format costs: the perplexity of a text against float32, as a table.

    swift build -c release
    Benchmarks/perplexity.py
    Benchmarks/perplexity.py --formats int8 --text FILE…

Several files are one text, one after the other. The default model's weights were published in Q4_1; its dequantised values are the float32 that the others are compared
with, so Q4_1 loses almost nothing here, and neither row says what the rounding to Q4_1 itself had cost.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = ["f16", "bf16", "q8_0", "q6_k", "q5_1", "q5_k", "q5_0", "q4_1", "q4_k", "q4_0"]
QUANTIZED_AS_LOADED = ["int8", "int4"]


def measure(arguments, text, model, *options):
    command = [arguments.gatehouse, "perplexity", text, "--model", model, "--threads", arguments.threads, "--json"]
    return json.loads(subprocess.run([*command, *options], check=True, capture_output=True, text=True).stdout)


def row(name, size, result, base):
    change = 100 * (result["perplexity"] / base["perplexity"] - 1)
    print(f"| {name} | {size / 1e6:.1f} | {result['perplexity']:.4f} | {change:+.3f}% |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatehouse", default=str(ROOT / ".build/release/gatehouse"))
    parser.add_argument("--model", default=str(ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--threads", default=str(os.cpu_count()))
    parser.add_argument("--text", nargs="+", metavar="FILE", default=[str(ROOT / "Benchmarks/perplexity.txt")])
    parser.add_argument("--formats", nargs="*", default=TYPES + QUANTIZED_AS_LOADED)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        def quantize(source, kind):
            path = f"{folder}/{kind}.gguf"
            command = [arguments.gatehouse, "quantize", source, path, "--type", kind]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            return path

        text = f"{folder}/text"
        pathlib.Path(text).write_text("\n".join(pathlib.Path(file).read_text() for file in arguments.text))
        floats = quantize(arguments.model, "f32")
        size = os.path.getsize(floats)
        base = measure(arguments, text, floats, "--precise")
        print(f"{pathlib.Path(arguments.model).name} as float32, {' '.join(arguments.text)}: {base['tokens']} "
              "tokens foretold in windows of 512\n")
        print("| weights | MB | perplexity | against float32 |\n|---|---:|---:|---:|")
        row("float32, `--precise`", size, base, base)
        row("float32", size, measure(arguments, text, floats), base)
        for kind in arguments.formats:
            if kind in QUANTIZED_AS_LOADED:
                row(f"float32, `--quantize {kind}`", size, measure(arguments, text, floats, "--quantize", kind), base)
                continue
            path = quantize(floats, kind)
            row(kind, os.path.getsize(path), measure(arguments, text, path), base)
            os.unlink(path)


if __name__ == "__main__":
    main()
