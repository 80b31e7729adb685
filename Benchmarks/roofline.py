#!/usr/bin/env python3
"""Prints where the time of a decode step and of a prefill goes, and how near each operation comes to the machine's limit.

    Benchmarks/roofline.py                     # the default model; needs perf (Debian: linux-perf)

`perf` samples `gatehouse bench`; a sample belongs to the operation of the step (Host/CKernels/step.c) that was running, which
the line numbers in the call chain tell. So nothing is built into the kernels, and the time of an operation is its share of
the samples, of all threads, times the measured time of a step. Waiting at the barrier that ends an operation counts to it.

The limit of an operation is the longer of two times: its bytes at the read bandwidth, its operations at the peak of
arithmetic; both limits are measured in the same run. Bytes are weights, keys and values, each once.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from gguf_file import TYPES, GGUFFile

ROOT = pathlib.Path(__file__).resolve().parent.parent
STEP = ROOT / "Host/CKernels/step.c"

# What the line of step.c says that a sample came through, and the operation it belongs to.
OPERATIONS = [
    (r"begin_rows", "embedding, rotary angles"),
    (r"norm_rows|rms_norm", "norms"),
    (r"multiply\(.*\binputs\b", "query, key, value"),
    (r"place_rows", "rotation, storing keys and values"),
    (r"attend\(", "attention"),
    (r"add_change\(.*attention_output", "attention output"),
    (r"multiply\(.*\bexpansions\b", "gate, up"),
    (r"activate\(", "SwiGLU"),
    (r"add_change\(.*\bdown\b", "down"),
    (r"multiply\(.*\bhead\b", "head"),
]
QUANTISING = "quantising activations"
WAITING = re.compile(r"barrier|wait_while|sched_yield|futex|pthread_cond")


@dataclasses.dataclass
class Work:
    """What an operation has to do in a step: bytes to read, and operations, two for a product that is summed."""
    bytes: float = 0
    operations: float = 0
    is_integer: bool = False


def work(model, rows, context, logits):
    """The work of a step of `rows` rows of one sequence, which see `context` rows in the mean, by operation."""
    architecture = model.value("general.architecture")
    number = lambda name: model.value(f"{architecture}.{name}")
    heads, layers = number("attention.head_count"), number("block_count")
    head = number("attention.key_length") or number("embedding_length") // heads
    key_heads = number("attention.head_count_kv") or heads
    parts = {"attn_q": "query, key, value", "attn_k": "query, key, value", "attn_v": "query, key, value",
             "attn_output": "attention output", "ffn_gate": "gate, up", "ffn_up": "gate, up", "ffn_down": "down"}
    result = collections.defaultdict(Work)

    def add(name, tensor, rows):
        result[name].bytes += tensor.bytes
        result[name].operations += 2 * tensor.elements * rows
        result[name].is_integer |= TYPES[tensor.type][0].startswith("Q")

    is_tied = all(tensor.name != "output.weight" for tensor in model.tensors)
    for tensor in model.tensors:
        words = tensor.name.split(".")
        if len(tensor.extents) == 2 and words[0] == "blk" and words[2] in parts:
            add(parts[words[2]], tensor, rows)
        elif tensor.name == ("token_embd.weight" if is_tied else "output.weight"):
            add("head", tensor, logits)
    # Keys and values as float16; scores, and the sum that they weigh.
    result["attention"] = Work(
        bytes=layers * 2 * key_heads * head * 2 * context, operations=layers * 4 * heads * head * context * rows)
    return result


class Profile:
    """Samples of a run, by operation, and those of each that waited."""

    def __init__(self, binary, command):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder, "perf.data")
            recorded = subprocess.run(
                ["perf", "record", "--quiet", "-o", data, "-e", "cpu-clock", "-F", "1999", "-g", "--",
                 *map(str, command)],
                capture_output=True, text=True)
            if recorded.returncode != 0:
                sys.exit(f"perf record ended with {recorded.returncode}: {recorded.stderr.strip()}")
            self.printed = json.loads(recorded.stdout)
            script = subprocess.run(
                ["perf", "script", "-i", data, "--no-inline", "-F", "ip,sym,symoff"], check=True, capture_output=True,
                text=True)
        self.binary = binary
        self.lines = STEP.read_text().splitlines()
        self.symbols = self.read_symbols()
        samples = [block.split("\n") for block in script.stdout.split("\n\n")]
        self.samples = collections.Counter()
        self.waiting = collections.Counter()
        self.functions = collections.Counter()
        chains = [self.chain(sample) for sample in samples]
        frames = self.locate({address for chain in chains for _, address in chain if address is not None})
        for chain in chains:
            self.count(chain, frames)

    def read_symbols(self):
        """Addresses of the functions that step.c may be seen in."""
        printed = subprocess.run(["nm", self.binary], check=True, capture_output=True, text=True).stdout
        names = [line.split() for line in printed.splitlines()]
        return {words[2]: int(words[0], 16) for words in names if len(words) == 3 and words[1] in "tT"}

    def chain(self, sample):
        """Symbol of each frame, innermost first, and its address in the binary where it may lie in step.c."""
        chain = []
        for depth, line in enumerate(line for line in sample if line.strip()):
            found = re.match(r"\s*[0-9a-f]+ (\S+?)(?:\+0x([0-9a-f]+))?$", line)
            if not found:
                continue
            name, offset = found[1], int(found[2] or "0", 16)
            start = self.symbols.get(name) if name in STEP_FUNCTIONS else None
            # Above the innermost frame an address is that of the instruction after the call.
            chain.append((name, None if start is None else start + offset - (depth > 0)))
        return chain

    def locate(self, addresses):
        """The inlined frames at each address, outermost first, as (function, line of step.c)."""
        ordered = sorted(addresses)
        # Of the Swift toolchain: addr2line of Debian 12 loses inlined frames.
        printed = subprocess.run(
            ["llvm-symbolizer", f"--obj={self.binary}", "--inlines"], input="\n".join(map(hex, ordered)), check=True,
            capture_output=True, text=True).stdout
        frames = {}
        for address, block in zip(ordered, printed.strip().split("\n\n")):
            words = block.split("\n")
            places = [re.match(r".*/step\.c:(\d+)", place) for place in words[1::2]]
            pairs = [(name, place and int(place[1])) for name, place in zip(words[::2], places)]
            frames[address] = pairs[::-1]
        return frames

    def count(self, chain, frames):
        if not any(name == "run_tile" for name, _ in chain):
            return
        # Outermost first: run_tile, run_layer, then what they call.
        inlined = [frame for _, address in reversed(chain) if address is not None for frame in frames.get(address, [])]
        name = self.operation(inlined)
        leaf = chain[0][0]
        if "quantize" in leaf or any("quantize" in function for function, _ in inlined):
            name = QUANTISING
        self.samples[name] += 1
        self.functions[leaf] += 1
        names = [symbol for symbol, _ in chain]
        if any(map(WAITING.search, names[:names.index("run_tile")])):
            self.waiting[name] += 1

    def operation(self, inlined):
        for _, line in inlined:
            if line is None:
                continue
            text = self.lines[line - 1].strip()
            for pattern, name in OPERATIONS:
                if re.search(pattern, text):
                    return name
        return "other"


# Every function of step.c: which of them are inlined is the compiler's choice.
STEP_FUNCTIONS = set(re.findall(r"^static [\w\s*]*?\b(\w+)\(", STEP.read_text(), re.MULTILINE))


def table(title, profile, seconds, works, limits):
    """Prints a table; `seconds` is the time of what `works` is the work of."""
    total = sum(profile.samples.values())
    print(f"### {title}: {seconds * 1000:.2f} ms\n")
    print("| operation | time, ms | share of time | waiting | MB | GB/s | million operations | GOP/s | limit "
          "| share of the limit |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|---:|")
    for name, count in profile.samples.most_common():
        time = seconds * count / total
        cells = [name, f"{time * 1000:.2f}", f"{100 * count / total:.1f}%",
                 f"{100 * profile.waiting[name] / count:.0f}%"]
        found = works.get(name)
        if found:
            reading = found.bytes / limits["read"]
            computing = found.operations / limits["int16" if found.is_integer else "float32"]
            cells += [f"{found.bytes / 1e6:.1f}", f"{found.bytes / time / 1e9:.1f}", f"{found.operations / 1e6:,.0f}",
                      f"{found.operations / time / 1e9:,.0f}", "reading" if reading > computing else "arithmetic",
                      f"{100 * max(reading, computing) / time:.0f}%"]
        else:
            cells += [""] * 6
        print("| " + " | ".join(cells) + " |")
    functions = ", ".join(f"`{name}` {100 * count / total:.1f}%" for name, count in profile.functions.most_common(10))
    print(f"\nBy function: {functions}.\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatehouse", default=str(ROOT / ".build/release/gatehouse"))
    parser.add_argument("--model", default=str(ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--written", type=int, default=128)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    model = GGUFFile(arguments.model)
    bench = [arguments.gatehouse, "bench", "--json", "--model", arguments.model, "--threads", arguments.threads,
             "--repetitions", arguments.repetitions]

    def measure(prompt, written):
        profile = Profile(arguments.gatehouse, [*bench, "-p", prompt, "-n", written])
        result, = profile.printed["results"]
        limits = {"read": profile.printed["read_bandwidth_gb_per_s"] * 1e9,
                  "float32": profile.printed["peak_float32_gop_per_s"] * 1e9,
                  # Activations have sixteen bits: a vector holds half as many products as of eight.
                  "int16": profile.printed["peak_int8_gop_per_s"] * 1e9 / 2}
        return profile, result["tokens_per_second"], limits

    decode, rate, limits = measure(0, arguments.written)
    print(f"{pathlib.Path(arguments.model).stem}, {decode.printed['backend']}, {arguments.threads} threads. Limits of "
          f"this run: read bandwidth {limits['read'] / 1e9:.1f} GB/s, arithmetic {limits['float32'] / 1e9:,.0f} GFLOP/s in float32, "
          f"{limits['int16'] / 1e9:,.0f} GOP/s in int16. A cache that holds weights makes shares above 100%.\n")
    context = (arguments.written + 1) / 2
    table(f"One step of decoding {arguments.written} tokens", decode, 1 / rate, work(model, 1, context, 1), limits)
    prefill, rate, limits = measure(arguments.prompt, 0)
    works = work(model, arguments.prompt, (arguments.prompt + 1) / 2, 1)
    table(f"Prefill of {arguments.prompt} tokens", prefill, arguments.prompt / rate, works, limits)


if __name__ == "__main__":
    main()
