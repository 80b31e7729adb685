"""A gate as the host computes it, and the file that it reads: see "Gates" in SDK/README.md."""

import pathlib

import torch
from safetensors.torch import save_file

MASK = (1 << 64) - 1


def normalized_mean(rows):
    """The mean of rows [count, hidden] over its root mean square, in float32: [hidden]."""
    mean = rows.float().mean(0)
    return mean / torch.sqrt(mean.square().mean() + 1e-6)


class Gate(torch.nn.Module):
    """alpha = sigmoid(w.[s; t; s*t] + b). It begins near 1, which leaves the decoder as it is."""

    def __init__(self, hidden, bias=3.0):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(3 * hidden))
        self.bias = torch.nn.Parameter(torch.tensor([bias]))

    def logit(self, s, t):
        """Of one pair, or of a batch of them."""
        return torch.cat([s, t, s * t], dim=-1) @ self.weight + self.bias[0]

    def forward(self, s, t):
        return torch.sigmoid(self.logit(s, t))


class EarlyGate(torch.nn.Module):
    """sigmoid(w.t + b): whether a text needs any segment, told before one is encoded."""

    def __init__(self, hidden):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(hidden))
        self.bias = torch.nn.Parameter(torch.zeros(1))

    def logit(self, t):
        return t @ self.weight + self.bias[0]

    def forward(self, t):
        return torch.sigmoid(self.logit(t))


def splitmix64(x):
    z = (x + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def fingerprint(rows):
    """Of the embedding rows [64, hidden] of the bytes 0x21 … 0x60: [64, 8], as gatehouse.h defines it."""
    hidden = rows.shape[1]
    signs = torch.tensor(
        [[1.0 if splitmix64(8 * d + j) >> 63 == 0 else -1.0 for j in range(8)] for d in range(hidden)],
        dtype=torch.float64)
    return (rows.double() @ signs).float()


def byte_rows(embedding, tokenizer):
    """The embedding rows of the 64 tokens that a fingerprint is made from."""
    ids = [tokenizer.encode(chr(byte), add_special_tokens=False) for byte in range(0x21, 0x61)]
    if any(len(each) != 1 for each in ids):
        raise SystemExit("the decoder's vocabulary has no token for some single byte, so it has no identity")
    return embedding[torch.tensor(ids).flatten()]


def save(gate, path, family, marks, name="decoder", early=None):
    """Writes a gate, and perhaps an early one, for the decoder of this family and fingerprint."""
    tensors = {
        f"{name}.weight": gate.weight.detach().float().cpu(), f"{name}.bias": gate.bias.detach().float().cpu(),
        f"{name}.fingerprint": marks.float().cpu(),
    }
    if early:
        tensors[f"{name}.early.weight"] = early.weight.detach().float().cpu()
        tensors[f"{name}.early.bias"] = early.bias.detach().float().cpu()
    tensors = {key: value.clone().contiguous() for key, value in tensors.items()}
    save_file(tensors, path, metadata={f"{name}.family": family})
    # save_file makes files for their owner alone.
    pathlib.Path(path).chmod(0o644)
