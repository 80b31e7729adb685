#!/usr/bin/env python3
"""Makes the reference that the decoder's tests compare with: logits of a 64-token text, computed plainly in float32.

    python3 Tests/DecoderTests/Fixtures/make_logits_reference.py [MODEL.gguf]

needs numpy only. It reads the GGUF file, dequantises every weight to float32 and runs the forward pass of the llama
family as the paper has it, all positions at once, nothing cached. Two files are written beside this script:

    logits_reference.json   the ids, for each position the most likely token, and the stride of the columns
    logits_reference.f32    float32, little-endian, [positions, columns]: every 97th column of the logits

Weights are those of SmolLM2-135M-Instruct.Q4_1.gguf (SHA-256 in the JSON).
"""

import hashlib
import json
import pathlib
import struct
import sys

import numpy as np

# The first 64 tokens of: "The river rises in the hills above the town and runs for ninety miles to the sea. In spring,
# when the snow melts, it floods the low meadows, and the farmers move their sheep to higher ground. Every few years the
# old stone bridge is closed for repairs, and people cross by boat instead, which takes much longer […]"
IDS = [
    504, 4626, 13685, 281, 260, 12610, 2120, 260, 3102, 284, 7313, 327, 34069, 4158, 288, 260,
    3426, 30, 533, 4921, 28, 645, 260, 5806, 34294, 28, 357, 15515, 260, 1642, 31693, 28,
    284, 260, 5283, 1485, 480, 11108, 288, 2061, 2118, 30, 5081, 1443, 929, 260, 1573, 5692,
    7395, 314, 6370, 327, 18924, 28, 284, 701, 3050, 411, 9741, 2489, 28, 527, 2933, 1083,
]
COLUMN_STRIDE = 97

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


class GGUF:
    """Metadata and dequantised tensors of a GGUF file, version 3."""

    def __init__(self, data):
        self.data, self.at = data, 0
        magic, version, tensor_count, entry_count = self.take("<4sIQQ")
        assert magic == b"GGUF" and version == 3, (magic, version)
        self.metadata = {}
        for _ in range(entry_count):
            key = self.string()
            self.metadata[key] = self.value(*self.take("<I"))
        entries = []
        for _ in range(tensor_count):
            name = self.string()
            (dimensions,) = self.take("<I")
            extents = self.take(f"<{dimensions}Q")
            entries.append((name, extents[::-1], *self.take("<IQ")))
        alignment = self.metadata.get("general.alignment", 32)
        start = -(-self.at // alignment) * alignment
        self.tensors = {
            name: dequantise(data, start + offset, kind, shape) for name, shape, kind, offset in entries}

    def take(self, layout):
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def string(self):
        (length,) = self.take("<Q")
        self.at += length
        return self.data[self.at - length:self.at].decode("utf-8", "replace")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.take("<IQ")
            return [self.value(element) for _ in range(count)]
        return self.take(SCALARS[kind])[0]


def dequantise(data, offset, kind, shape):
    """float32 of a stored tensor. Types: 0 is F32, 3 is Q4_1 (scale, minimum, 32 nibbles), 8 is Q8_0 (scale, 32
    bytes). The low nibbles of a Q4_1 block are its first 16 elements, the high ones its last."""
    count = int(np.prod(shape))
    if kind == 0:
        return np.frombuffer(data, "<f4", count, offset).reshape(shape)
    if kind == 3:
        blocks = np.frombuffer(data, [("d", "<f2"), ("m", "<f2"), ("q", "u1", 16)], count // 32, offset)
        nibbles = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1).astype(np.float32)
        values = nibbles * blocks["d"].astype(np.float32)[:, None] + blocks["m"].astype(np.float32)[:, None]
        return values.reshape(shape)
    if kind == 8:
        blocks = np.frombuffer(data, [("d", "<f2"), ("q", "i1", 32)], count // 32, offset)
        return (blocks["q"].astype(np.float32) * blocks["d"].astype(np.float32)[:, None]).reshape(shape)
    raise SystemExit(f"tensor type {kind} is not among those of the default model")


def rms_norm(x, weight, epsilon):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(epsilon)) * weight


def rotate(x, base):
    """Rotary positions on [positions, heads, dimensions]; GGUF stores the pairs of this family side by side."""
    positions, _, dimensions = x.shape
    frequencies = base ** (-np.arange(0, dimensions, 2, dtype=np.float64) / dimensions)
    angles = np.arange(positions)[:, None, None] * frequencies
    cosine, sine = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    even, odd = x[..., 0::2], x[..., 1::2]
    rotated = np.empty_like(x)
    rotated[..., 0::2] = even * cosine - odd * sine
    rotated[..., 1::2] = even * sine + odd * cosine
    return rotated


def forward(model, ids):
    """Logits [positions, vocabulary] of the llama family, float32."""
    number = lambda name: model.metadata["llama." + name]
    heads, kv_heads = number("attention.head_count"), number("attention.head_count_kv")
    epsilon, base = number("attention.layer_norm_rms_epsilon"), number("rope.freq_base")
    tensor = lambda name: model.tensors[name + ".weight"]

    x = tensor("token_embd")[ids]
    positions, hidden = x.shape
    dimensions = hidden // heads
    mask = np.triu(np.full((positions, positions), -np.inf, np.float32), 1)
    for layer in range(number("block_count")):
        part = lambda name: tensor(f"blk.{layer}.{name}")
        normed = rms_norm(x, part("attn_norm"), epsilon)
        query = rotate((normed @ part("attn_q").T).reshape(positions, heads, dimensions), base)
        key = rotate((normed @ part("attn_k").T).reshape(positions, kv_heads, dimensions), base)
        value = (normed @ part("attn_v").T).reshape(positions, kv_heads, dimensions)
        key = np.repeat(key, heads // kv_heads, axis=1)
        value = np.repeat(value, heads // kv_heads, axis=1)
        scores = np.einsum("qhd,khd->hqk", query, key) / np.sqrt(np.float32(dimensions)) + mask
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        attended = np.einsum("hqk,khd->qhd", weights, value).reshape(positions, hidden)
        x = x + attended @ part("attn_output").T
        normed = rms_norm(x, part("ffn_norm"), epsilon)
        gate = normed @ part("ffn_gate").T
        x = x + (gate / (1 + np.exp(-gate)) * (normed @ part("ffn_up").T)) @ part("ffn_down").T
    x = rms_norm(x, tensor("output_norm"), epsilon)
    output = model.tensors.get("output.weight", model.tensors["token_embd.weight"])
    logits = x @ output.T
    assert logits.dtype == np.float32
    return logits


def main():
    here = pathlib.Path(__file__).resolve().parent
    default = here.parents[2] / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    data = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else default).read_bytes()
    logits = forward(GGUF(data), IDS)
    reference = {
        "model_sha256": hashlib.sha256(data).hexdigest(),
        "column_stride": COLUMN_STRIDE,
        "ids": IDS,
        "top": logits.argmax(axis=1).tolist(),
    }
    (here / "logits_reference.json").write_text(json.dumps(reference) + "\n")
    logits[:, ::COLUMN_STRIDE].astype("<f4").tofile(here / "logits_reference.f32")
    best_two = np.sort(logits, axis=1)[:, -2:]
    print(f"{len(IDS)} positions; the closest race for the top token is {np.min(best_two[:, 1] - best_two[:, 0]):.4f}")


if __name__ == "__main__":
    main()
