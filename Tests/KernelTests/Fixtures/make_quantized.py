"""Writes quantized.json: numbers, and what the `gguf` package makes of them in the formats that it can write.

    pip install gguf==0.19.0 && python make_quantized.py

Q8_0, F16 and BF16 have one canonical rounding: their bytes are kept. Of the other types the root of the mean squared
error is kept, in float64, which an encoder that looks for good scales has to stay below.
"""

import json
import pathlib

import gguf
import numpy as np
from gguf.constants import GGMLQuantizationType as T

CANONICAL = [T.F32, T.F16, T.BF16, T.Q8_0]
OTHERS = [T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1]
random = np.random.default_rng(21)

# Blocks of a bell curve, of one with heavy tails, and of numbers that lie almost all on one side of zero.
values = np.concatenate([
    random.standard_normal(512) * 0.02, random.standard_t(4, 512) * 0.02, random.exponential(1, 512) * 0.02 - 0.006,
]).astype(np.float32)
# Ties, zeros and numbers that halves hold as subnormals.
values[:6] = [0.0, -0.0, 1.0 + 2.0**-11, 3e-8, -5e-6, 1.0 + 2.0**-8]

types = {}
for kind in CANONICAL + OTHERS:
    stored = gguf.quants.quantize(values.reshape(1, -1), kind)
    entry = {"type": int(kind)}
    if kind in CANONICAL:
        entry["bytes"] = stored.tobytes().hex()
    else:
        read = gguf.quants.dequantize(stored, kind).reshape(-1)
        entry["error"] = float(np.sqrt(np.mean((read.astype(np.float64) - values) ** 2)))
    types[kind.name] = entry
path = pathlib.Path(__file__).with_name("quantized.json")
path.write_text(json.dumps({"values": values.astype(">f4").tobytes().hex(), "types": types}, indent=1) + "\n")
