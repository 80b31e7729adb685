#!/usr/bin/env python3
"""Writes a GGUF model of random weights: a shape and a type to measure speed on, without any text it could write.

    Benchmarks/random_model.py --shape 360m --type q4_0 FOLDER/360m-q4_0.gguf
    Benchmarks/random_model.py --shape glm4-9b --type q4_0 FOLDER/glm4-9b-q4_0.gguf

All matrices have the one type; norms are 1, biases small. Weights have the spread 1/√inputs, so that activations stay as
large as in a trained model. They repeat after 16 MB, which no speed depends on. The tokenizer is that of --tokenizer, a
GGUF file, filled up with unused tokens where the shape has more.
"""

import argparse
import math
import os
import pathlib
import random
import struct
import sys

import gguf_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALIGNMENT = 32
POOL_BYTES = 16 << 20

SHAPES = {
    # SmolLM2-360M, whose widths of 960 are brought up to a multiple of 256, the block of the K types.
    "360m": dict(architecture="llama", layers=32, hidden=1024, heads=16, kv_heads=4, head=64, ffn=2560, vocabulary=49152,
                 context=8192, base=100000.0, epsilon=1e-5, tied=True),
    # GLM-4-9B-0414.
    "glm4-9b": dict(architecture="glm4", layers=40, hidden=4096, heads=32, kv_heads=2, head=128, ffn=13696,
                    vocabulary=151552, context=32768, base=10000.0, epsilon=1e-5, tied=False),
}


def half(value):
    return struct.pack("<e", value)


def spread(data, start, stride, value):
    """Sets one half-precision number of every block."""
    blocks = (len(data) - start + stride - 1) // stride
    low, high = half(value)
    data[start::stride] = bytes([low]) * blocks
    data[start + 1::stride] = bytes([high]) * blocks


# What makes random bytes blocks of a type whose values have the standard deviation `deviation` and a mean near 0.

def as_q4_0(data, deviation):
    spread(data, 0, 18, deviation / 4.6)


def as_q8_0(data, deviation):
    data[:] = data.translate(bytes(range(128)) + b"\x81" + bytes(range(129, 256)))  # no -128: quantisers write none
    spread(data, 0, 34, deviation / 73.6)


def as_q4_k(data, deviation):
    # Scales and minima of six random bits each: values are d·scale·(0 … 15) − dmin·minimum.
    spread(data, 0, 144, deviation / 350)
    spread(data, 2, 144, 7.5 * deviation / 350)


def as_f16(data, deviation):
    # Random sign and fraction below one exponent: magnitudes from 1 to 2 times a power of two.
    exponent = 15 + math.floor(math.log2(deviation / 1.5) + 0.5)
    data[1::2] = data[1::2].translate(bytes((byte & 0x83) | (exponent << 2) for byte in range(256)))


MAKERS = {"f16": as_f16, "q4_0": as_q4_0, "q8_0": as_q8_0, "q4_k": as_q4_k}
# GGUF's number of each type, its block in elements and bytes, and what makes blocks.
TYPES = {name.lower(): (number, elements, size, MAKERS[name.lower()])
         for number, (name, elements, size) in gguf_file.TYPES.items() if name.lower() in MAKERS}
F32 = 0
FILE_TYPES = {"f16": 1, "q4_0": 2, "q8_0": 7, "q4_k": 14}


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def field(value):
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<II", 4, value)


def extended(array, count, filler):
    """An array field filled up to `count` elements with what `filler` gives for each place."""
    head, element, length = struct.unpack_from("<IIQ", array)
    if length > count:
        sys.exit(f"the tokenizer has {length} tokens, more than the shape's {count}")
    return struct.pack("<IIQ", head, element, count) + array[16:] + b"".join(map(filler, range(length, count)))


def metadata(shape, kind, tokenizer):
    a = shape["architecture"]
    fields = {
        "general.architecture": a, "general.name": "random weights", "general.file_type": FILE_TYPES[kind],
        "general.quantization_version": 2, f"{a}.block_count": shape["layers"], f"{a}.context_length": shape["context"],
        f"{a}.embedding_length": shape["hidden"], f"{a}.feed_forward_length": shape["ffn"],
        f"{a}.attention.head_count": shape["heads"], f"{a}.attention.head_count_kv": shape["kv_heads"],
        f"{a}.attention.layer_norm_rms_epsilon": shape["epsilon"], f"{a}.rope.freq_base": shape["base"],
        f"{a}.rope.dimension_count": shape["head"] // (2 if a == "glm4" else 1), f"{a}.vocab_size": shape["vocabulary"],
    }
    fields |= {name: value for name, value in gguf_file.GGUFFile(tokenizer).fields.items() if name.startswith("tokenizer.")}
    tokens, types = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
    unused = 5
    fields[tokens] = extended(fields[tokens], shape["vocabulary"], lambda place: text(f"<|unused_{place}|>"))
    fields[types] = extended(fields[types], shape["vocabulary"], lambda place: struct.pack("<i", unused))
    return fields


def tensors(shape):
    """Name and extents of each tensor, inputs first; a single extent is a vector, and so float32."""
    hidden, ffn = shape["hidden"], shape["ffn"]
    queries, keys = shape["heads"] * shape["head"], shape["kv_heads"] * shape["head"]
    sandwiched = shape["architecture"] == "glm4"
    yield "token_embd.weight", (hidden, shape["vocabulary"])
    for layer in range(shape["layers"]):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (hidden,)
        for name, width in (("q", queries), ("k", keys), ("v", keys)):
            yield f"{block}attn_{name}.weight", (hidden, width)
            if sandwiched:
                yield f"{block}attn_{name}.bias", (width,)
        yield block + "attn_output.weight", (queries, hidden)
        if sandwiched:
            yield block + "post_attention_norm.weight", (hidden,)
        yield block + "ffn_norm.weight", (hidden,)
        if not sandwiched:
            yield block + "ffn_gate.weight", (hidden, ffn)
        yield block + "ffn_up.weight", (hidden, 2 * ffn if sandwiched else ffn)
        yield block + "ffn_down.weight", (ffn, hidden)
        if sandwiched:
            yield block + "post_ffw_norm.weight", (hidden,)
    yield "output_norm.weight", (hidden,)
    if not shape["tied"]:
        yield "output.weight", (hidden, shape["vocabulary"])


def write(path, shape, kind, tokenizer):
    number, elements, block, make = TYPES[kind]
    plan, offset = [], 0
    for name, extents in tensors(shape):
        is_matrix = len(extents) == 2
        if is_matrix and extents[0] % elements:
            sys.exit(f"{name}: {extents[0]} columns are no multiple of {elements}, the block of {kind}")
        size = math.prod(extents) // elements * block if is_matrix else 4 * extents[0]
        plan.append((name, extents, number if is_matrix else F32, offset, size))
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    fields = metadata(shape, kind, tokenizer)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(plan), len(fields))
    head += b"".join(text(name) + field(value) for name, value in fields.items())
    for name, extents, type_number, start, _ in plan:
        head += text(name) + struct.pack(f"<I{len(extents)}QIQ", len(extents), *extents, type_number, start)
    head += bytes(-len(head) % ALIGNMENT)

    raw = random.Random(0).randbytes(POOL_BYTES // block * block)
    pools = {}
    written = 0
    part = f"{path}.part"
    with open(part, "wb") as file:
        file.write(head)
        for index, (name, extents, type_number, _, size) in enumerate(plan):
            if type_number == F32 and len(extents) == 1:
                value = 0.01 if name.endswith(".bias") else 1.0
                file.write(struct.pack("<f", value) * extents[0])
            else:
                if extents[0] not in pools:
                    data = bytearray(raw)
                    make(data, 1 / math.sqrt(extents[0]))
                    pools[extents[0]] = memoryview(data)
                pool = pools[extents[0]]
                at = index * 977 * block % len(pool)  # no two tensors begin alike
                left = size
                while left > 0:
                    taken = file.write(pool[at:at + left])
                    left -= taken
                    at = 0
            file.write(bytes(-size % ALIGNMENT))
            written += size
            if sys.stderr.isatty():
                print(f"\r{path}: {100 * written // offset}% of {offset / 1e9:.2f} GB", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    os.replace(part, path)  # whole, or not at all


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", metavar="FILE")
    parser.add_argument("--shape", choices=SHAPES, default="360m")
    parser.add_argument("--type", choices=TYPES, default="q4_0")
    parser.add_argument("--tokenizer", metavar="GGUF", default=str(ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    arguments = parser.parse_args()
    write(arguments.output, SHAPES[arguments.shape], arguments.type, arguments.tokenizer)


if __name__ == "__main__":
    main()
