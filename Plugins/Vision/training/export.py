"""Writes the weights that the plugin reads from what training kept: int8 with a scale for each output.

    python3 Plugins/Vision/training/export.py --folder F --output Plugins/Vision/weights

The likeliest piece's probability is made to mean what it says: each slot's scores are divided by a temperature that is fitted on
the theme that training held back for development.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

import batches
import library
import slots
from model import load
from pictures import SCENES, THINGS, compose

SEPARATOR = ";"
LEAST = 0.3  # a slot whose likeliest piece has less of the probability is not said


def quantised(tensors):
    """Matrices as int8 with `<name>_scale`; what has one extent, or is named here, stays float32."""
    result = {}
    for name, value in tensors.items():
        value = value.detach().float().cpu()
        if not name.endswith(".weight") or value.dim() < 2:
            result[name] = value.contiguous().clone()
            continue
        rows = value.reshape(len(value), -1)
        scale = rows.abs().amax(1).clamp(min=1e-8) / 127
        result[name] = (rows / scale[:, None]).round().clamp(-127, 127).to(torch.int8).reshape(value.shape)
        result[f"{name}_scale"] = scale
    return result


def folded(convolution, norm):
    """Weight and bias of a convolution with the batch normalisation after it."""
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    return {"weight": convolution.weight * gain[:, None, None, None], "bias": norm.bias - norm.running_mean * gain}


def stem_tensors(stem):
    layers = {"first": folded(*stem.first)}
    for index, block in enumerate(stem.blocks):
        layers |= {f"blocks.{index}.first": folded(*block.first), f"blocks.{index}.second": folded(*block.second),
                   f"blocks.{index}.shortcut": {"weight": block.shortcut.weight}}
    return {f"{layer}.{name}": value for layer, values in layers.items() for name, value in values.items()}


def encoder_tensors(encoder):
    """By the names of Hugging Face's ViTModel, and the stem's."""
    result = {
        "embeddings.cls_token": encoder.class_token,
        "embeddings.position_embeddings": encoder.positions,
        "layernorm.weight": encoder.norm.weight, "layernorm.bias": encoder.norm.bias,
    }
    result |= {f"embeddings.patch_embeddings.stem.{name}": value for name, value in stem_tensors(encoder.stem).items()}
    for index, block in enumerate(encoder.blocks):
        prefix = f"encoder.layer.{index}."
        layers = {"layernorm_before": block.norm_1, "layernorm_after": block.norm_2, "attention.output.dense": block.output,
                  "intermediate.dense": block.up, "output.dense": block.down}
        for name, layer in layers.items():
            result |= {f"{prefix}{name}.weight": layer.weight, f"{prefix}{name}.bias": layer.bias}
        parts = zip(("query", "key", "value"), block.stacked.weight.chunk(3), block.stacked.bias.chunk(3))
        for name, weight, bias in parts:
            own = f"{prefix}attention.attention.{name}"
            result |= {f"{own}.weight": weight, f"{own}.bias": bias}
    return result


def head_tensors(head, temperatures):
    """Queries, one classifier of all slots' pieces, and the metadata that says whose piece is which."""
    made = [head.classifier(index) for index in range(len(slots.SLOTS))]
    tensors = {
        "queries": head.queries,
        "classifier.weight": torch.cat([weight / t for (weight, _), t in zip(made, temperatures)]),
        "classifier.bias": torch.cat([bias / t for (_, bias), t in zip(made, temperatures)]),
    }
    pieces, places = [], []
    for slot in slots.SLOTS:
        place = {"first": len(pieces), "count": slots.size(slot)}
        pieces += slot.texts
        if not slot.always:
            place["nothing"] = len(pieces)
            pieces.append("")
        places.append(place)
    metadata = {"pieces": json.dumps(pieces), "slots": json.dumps(places), "separator": SEPARATOR, "least": str(LEAST)}
    return tensors, metadata


def development(folder, side, count=600):
    """Pictures and labels with the theme that is held back for development: its drawings alone, and some composed."""
    own = library.open_library(folder, [library.DEVELOPMENT])
    pictures, labels, _ = batches.withheld(own, library.DEVELOPMENT, side)
    made = [compose(f"development {each}", own, side, SCENES if each % 3 == 0 else THINGS) for each in range(count)]
    return (np.concatenate([pictures, np.stack([pixels for pixels, _ in made])]),
            np.concatenate([labels, np.array([label for _, label in made])]))


@torch.no_grad()
def scores_of(model, pictures, size=64):
    """For each slot [pictures, pieces]."""
    device = next(model.parameters()).device
    made = [model(torch.from_numpy(pictures[first:first + size]).to(device)) for first in range(0, len(pictures), size)]
    return [torch.cat(each).cpu() for each in zip(*made)]


def temperatures_of(scores, labels):
    """Of each slot, the divisor of its scores that makes the labels likeliest."""
    choices = np.geomspace(0.4, 4, 41)
    result = []
    for index, own in enumerate(scores):
        target = torch.from_numpy(labels[:, index])
        known = target != slots.UNKNOWN
        errors = [functional.cross_entropy(own[known] / t, target[known]).item() for t in choices] if known.any() else [0]
        result.append(float(choices[int(np.argmin(errors))]) if known.any() else 1.0)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="of the training")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--checkpoint", type=pathlib.Path, help="in place of the best of the folder")
    options = parser.parse_args()

    model, state = load(options.checkpoint or options.folder / "best.pt")
    side = state["size"]
    temperatures = temperatures_of(*_scored(model, *development(options.folder, side)))
    options.output.mkdir(parents=True, exist_ok=True)
    encoder = model.encoder
    save_file(quantised(encoder_tensors(encoder)), options.output / "model.safetensors", {"format": "pt"})
    tensors, metadata = head_tensors(model.head, temperatures)
    save_file(quantised(tensors), options.output / "soft_head.safetensors", metadata)
    block = encoder.blocks[0]
    _write(options.output / "config.json", {
        "architectures": ["ViTModel"], "model_type": "vit", "hidden_size": encoder.positions.shape[2],
        "num_hidden_layers": len(encoder.blocks), "num_attention_heads": block.heads,
        "intermediate_size": block.up.out_features, "hidden_act": "gelu", "layer_norm_eps": block.norm_1.eps,
        "image_size": side, "patch_size": encoder.patch, "patch_embedding": "resnet", "num_channels": 3, "qkv_bias": True})
    _write(options.output / "preprocessor_config.json", {
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": side, "width": side},
        "resample": 2, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3})
    _write(options.output / "training.json", {
        **state, "temperatures": {slot.name: round(t, 3) for slot, t in zip(slots.SLOTS, temperatures)}})
    for path in options.output.glob("*.safetensors"):
        path.chmod(0o644)
    total = sum(path.stat().st_size for path in options.output.glob("*.safetensors"))
    print(f"wrote {options.output}: {total / 1e6:.1f} MB of weights for pictures of {side} × {side}, trained on "
          f"{state['pictures']:,} pictures")


def _scored(model, pictures, labels):
    return scores_of(model, pictures), labels


def _write(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main()
