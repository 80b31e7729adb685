"""Writes dequantized.json: blocks of every weight format and what the `gguf` package makes of them.

    pip install gguf==0.19.0 && python make_dequantized.py

Each entry holds a few blocks of seeded random bytes, with scales replaced by finite ones, and the float32 values
as the hexadecimal digits of their bits (big-endian), so that the comparison is exact.
"""

import json
import pathlib

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T

# Where a block keeps half-precision numbers: random bytes there could be infinite or NaN.
HALVES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
}
random = np.random.default_rng(20)


def blocks_of(kind):
    size, width = GGML_QUANT_SIZES[kind]
    count = 2 if size > 1 else 40
    if size == 1:
        values = random.standard_normal(count).astype(np.float32)
        values[:4] = [0.0, -0.0, 6e-8, -3e-5]
        if kind == T.F32:
            return values.view(np.uint8).reshape(1, -1)
        if kind == T.F16:
            return values.astype(np.float16).view(np.uint8).reshape(1, -1)
        return (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8).reshape(1, -1)
    blocks = random.integers(0, 256, (count, width), dtype=np.uint8)
    for offset in HALVES[kind]:
        scales = (random.standard_normal((count, 1)) * 0.1).astype(np.float16)
        blocks[:, offset : offset + 2] = scales.view(np.uint8)
    return blocks.reshape(1, -1)


fixture = {}
for kind in [T.F32, T.F16, T.BF16, *HALVES]:
    blocks = blocks_of(kind)
    source = blocks.view({T.F32: np.float32, T.F16: np.float16}.get(kind, np.uint8))
    values = gguf.quants.dequantize(source, kind).reshape(-1).astype(np.float32)
    fixture[kind.name] = {
        "type": int(kind),
        "bytes": blocks.tobytes().hex(),
        "values": values.astype(">f4").tobytes().hex(),
    }
path = pathlib.Path(__file__).with_name("dequantized.json")
path.write_text(json.dumps(fixture, indent=1) + "\n")
