#!/usr/bin/env python3
"""Writes a checkpoint with the shapes and names of AutoGLM-Phone-9B and GLM-4.1V-9B, and random weights.

    Benchmarks/random_checkpoint.py FOLDER [--names model]

20.6 GB of bfloat16 in five shards, as published; `--names model` gives tensors their older names. Norms are 1, biases small,
and matrices have the spread 1/√inputs, so that activations stay as large as in a trained model. They repeat after 16 MB, which
no time depends on. Tokenizer and template are those of Tests/Fixtures/Checkpoints/glm4v.
"""

import argparse
import json
import math
import os
import pathlib
import random
import shutil
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "Tests" / "Fixtures" / "Checkpoints"
POOL_BYTES = 16 << 20
SHARD_BYTES = 5_000_000_000
# Of the image processor of GLM-4.1V-9B-Thinking.
PREPROCESSOR = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Glm4vImageProcessor", "do_rescale": True, "patch_size": 14, "temporal_patch_size": 2,
    "merge_size": 2, "size": {"shortest_edge": 12544, "longest_edge": 9633792}}


def tensors(layout):
    """Names and shapes, with every * counted out."""
    for pattern, (count, shape) in layout.items():
        for number in range(count or 1):
            yield pattern.replace("*", str(number)), shape


def bfloat16(raw, deviation):
    """Random bytes as values of random sign and fraction below one exponent."""
    exponent = 127 + round(math.log2(deviation / 1.5))
    data = bytearray(raw)
    data[0::2] = data[0::2].translate(bytes((byte & 0x7F) | ((exponent & 1) << 7) for byte in range(256)))
    data[1::2] = data[1::2].translate(bytes((byte & 0x80) | (exponent >> 1) for byte in range(256)))
    return memoryview(data)


class Weights:
    def __init__(self):
        self.raw = random.Random(0).randbytes(POOL_BYTES)
        self.pools = {}

    def write(self, file, name, shape):
        size = 2 * math.prod(shape)
        if len(shape) == 1:
            value = 0.01 if name.endswith(".bias") else 1.0
            file.write(struct.pack("<f", value)[2:] * shape[0])
            return
        inputs = math.prod(shape[1:]) if "embed" not in name or "patch" in name else shape[1]
        pool = self.pools.setdefault(inputs, bfloat16(self.raw, 1 / math.sqrt(inputs)))
        at = zlib.crc32(name.encode()) % (POOL_BYTES // 2) * 2  # no two tensors begin alike
        while size > 0:
            taken = file.write(pool[at:at + size])
            size -= taken
            at = 0


def shards(entries):
    """Entries dealt to files of SHARD_BYTES at most, in order."""
    groups, size = [[]], 0
    for name, shape in entries:
        bytes_ = 2 * math.prod(shape)
        if size + bytes_ > SHARD_BYTES and groups[-1]:
            groups.append([])
            size = 0
        groups[-1].append((name, shape))
        size += bytes_
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("--names", choices=["model.language_model", "model"], default="model.language_model",
                        help="what the decoder's tensors begin with (default: model.language_model)")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    layout = json.loads((FIXTURES / "glm4v-9b-layout.json").read_text())
    groups = shards(tensors(layout["names"][arguments.names]))
    total = 2 * sum(math.prod(shape) for group in groups for _, shape in group)
    weights, places, written = Weights(), {}, 0
    for number, group in enumerate(groups, 1):
        name = f"model-{number:05}-of-{len(groups):05}.safetensors"
        header, offset = {}, 0
        for tensor, shape in group:
            end = offset + 2 * math.prod(shape)
            header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
            places[tensor], offset = name, end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(folder / f"{name}.part", "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for tensor, shape in group:
                weights.write(file, tensor, shape)
                written += 2 * math.prod(shape)
                if sys.stderr.isatty():
                    print(f"\r{folder}: {100 * written // total}% of {total / 1e9:.1f} GB", end="", file=sys.stderr)
        os.replace(folder / f"{name}.part", folder / name)  # whole, or not at all
    if sys.stderr.isatty():
        print(file=sys.stderr)
    for name, value in (("model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": places}),
                        ("config.json", layout["config"]), ("preprocessor_config.json", PREPROCESSOR)):
        (folder / name).write_text(json.dumps(value, indent=1))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(FIXTURES / "glm4v" / name, folder / name)


if __name__ == "__main__":
    main()
