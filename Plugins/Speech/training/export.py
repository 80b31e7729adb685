"""Writes the best weights as the plugin reads them: int8 with a scale for each output.

    python3 Plugins/Speech/training/export.py --folder F --output W

Checks that the files are not larger than the repository has room for.
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import ParakeetFeatureExtractor

import checkpoint
import language
import pieces
from texts import Texts

MOST_BYTES = 15_000_000


def quantised(state):
    """Tensors of more than one dimension as int8, each output's greatest weight being 127 times its scale."""
    stored = {}
    for name, value in state.items():
        if value.dim() > 1 and "bias" not in name:
            scale = (value.flatten(1).abs().amax(1) / 127).clamp(min=1e-8)
            stored[name] = torch.round(value / scale.reshape(-1, *[1] * (value.dim() - 1))).to(torch.int8).contiguous()
            stored[f"{name}_scale"] = scale
        elif not name.endswith("num_batches_tracked"):
            stored[name] = value.contiguous()
    return stored


def dequantised(stored):
    """The float32 weights that the plugin computes with."""
    return {name: value.float() * stored[f"{name}_scale"].reshape(-1, *[1] * (value.dim() - 1)) if value.dtype == torch.int8
            else value for name, value in stored.items() if not name.endswith("_scale")}


def export(folder, output):
    vocabulary = pieces.Pieces(folder / "tokenizer.json")
    net, known = checkpoint.best(folder, vocabulary)
    if not (folder / "language_model.safetensors").exists():
        language.lay(folder, Texts(folder), vocabulary)
    output.mkdir(parents=True, exist_ok=True)
    net.config.architectures = ["ParakeetForCTC"]
    net.config.save_pretrained(output)
    ParakeetFeatureExtractor().save_pretrained(output)
    for name in ("tokenizer.json", "language_model.safetensors"):
        shutil.copy(folder / name, output)
    shutil.copy(pathlib.Path(__file__).with_name("data-card.md"), output)
    kept = {name: value for name, value in net.state_dict().items() if not name.startswith("phonemes.")}
    save_file(quantised(kept), output / "model.safetensors", {"format": "pt"})
    # Workers are other users than the host.
    (output / "model.safetensors").chmod(0o644)
    size = sum(path.stat().st_size for path in output.iterdir())
    if size > MOST_BYTES:
        raise SystemExit(f"{output}: at most {MOST_BYTES} bytes in all, found {size}: train a smaller model")
    return known, size


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="of training")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="of the weights")
    options = parser.parse_args()
    known, size = export(options.folder, options.output)
    print(json.dumps({"step": known["step"], "minutes": round(known["seconds"] / 60), "errors": known["errors"], "bytes": size}))
