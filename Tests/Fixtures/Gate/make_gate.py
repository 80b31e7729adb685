"""Makes gate.safetensors and reference.json here: a gate of random weights for the checkpoint llama-tied beside this folder,
as the training of gates writes it, and what PyTorch computes with it. Needs torch, transformers and safetensors.

    python3 Tests/Fixtures/Gate/make_gate.py
"""

import json
import pathlib
import sys

import torch
from safetensors import safe_open
from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[2] / "SDK/Training"))

from gate import Gate, byte_rows, fingerprint, normalized_mean, save  # noqa: E402

CHECKPOINT = HERE.parent / "Checkpoints/llama-tied"
TEXTS = ["What is in the picture?", "Look closely."]


def main():
    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    with safe_open(CHECKPOINT / "model.safetensors", "pt") as file:
        embedding = file.get_tensor("model.embed_tokens.weight").float()
    hidden = embedding.shape[1]
    gate = Gate(hidden)
    gate.weight.data = 0.3 * torch.randn(3 * hidden)
    gate.bias.data = torch.tensor([-0.4])
    early = (0.3 * torch.randn(hidden), torch.tensor([0.2]))
    save(gate, HERE / "gate.safetensors", "llama", fingerprint(byte_rows(embedding, tokenizer)), early=early)
    rows = torch.randn(5, hidden)
    tokens = [id for text in TEXTS for id in tokenizer.encode(text, add_special_tokens=False)]
    s, t = normalized_mean(rows), normalized_mean(embedding[torch.tensor(tokens)])
    reference = {
        "texts": TEXTS, "tokens": len(tokens), "rows": rows.flatten().tolist(), "weight": gate(s, t).item(),
        "early": torch.sigmoid(early[0] @ t + early[1]).item(),
    }
    (HERE / "reference.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
