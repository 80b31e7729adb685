"""Prints how near the plugin comes to transformers: processors and encoders, on random checkpoints of published widths.

    pip install numpy pillow torch torchvision transformers safetensors
    swift build -c release --package-path Plugins/Vision
    python3 Plugins/Vision/Tests/reference/parity.py
"""

import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import Glm4vVisionConfig, ViTConfig, ViTModel
from transformers.models.glm4v.image_processing_glm4v import Glm4vImageProcessor
from transformers.models.glm4v.modeling_glm4v import Glm4vVisionModel
from transformers.models.vit.image_processing_vit import ViTImageProcessor

features = pathlib.Path(__file__).parents[2] / ".build/release/vision-features"
torch.manual_seed(0)


def randomised(model):
    """Weights of 16 bits and of a size that keeps the signal through all blocks."""
    for parameter in model.parameters():
        scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.1
        value = torch.randn_like(parameter) * scale + (1.0 if parameter.dim() == 1 else 0.0)
        parameter.data = value.to(torch.bfloat16).float()
    return model.eval()


def picture(height, width):
    """Smooth shapes with edges and some noise, as screens and photos have them."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([np.sin(x / 17 + c) * np.cos(y / 23 - c) * 90 + 128 for c in range(3)], -1)
    base[(x // 40 + y // 60) % 3 == 0] += 70
    noise = np.random.default_rng(height * width).normal(0, 12, base.shape)
    return Image.fromarray(np.clip(base + noise, 0, 255).astype(np.uint8))


def run(folder, image, kind):
    path = f"{folder}/image.{kind}"
    image.save(path, **({"lossless": True} if kind == "webp" else {"quality": 92} if kind == "jpeg" else {}))
    printed = subprocess.run(
        [features, folder, path, "--threads", "2", "--out", f"{folder}/rows", "--pixels", f"{folder}/pixels"],
        check=True, capture_output=True, text=True).stdout.splitlines()
    height, width = map(int, printed[0].split()[1:])
    rows, columns = map(int, printed[1].split()[1:3])
    pixels = torch.from_numpy(np.fromfile(f"{folder}/pixels", np.float32).reshape(3, height, width))
    return Image.open(path).convert("RGB"), pixels, np.fromfile(f"{folder}/rows", np.float32).reshape(rows, columns)


def report(name, image, kind, reference_pixels, pixels, deviation, reference, rows):
    deviation = torch.tensor(deviation)[:, None, None]
    levels = ((reference_pixels - pixels) * deviation * 255).abs()
    error = np.abs(rows - reference).max() / np.sqrt((reference**2).mean())
    print(f"| {name} | {image.width} × {image.height} {kind} | {pixels.shape[2]} × {pixels.shape[1]} "
          f"| {levels.max():.2f} | {(levels > 0.01).float().mean() * 100:.2f}% | {error:.1e} |", flush=True)


print("| encoder | picture | becomes | pixels: most levels of 255 | values that differ | rows: greatest error, of their root mean square |")
print("|---|---|---|---|---|---|")
with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    for name, width, heads, side in (("ViT-Tiny", 192, 3, 224), ("ViT-Base, 4 blocks", 768, 12, 224), ("ViT-Tiny", 192, 3, 384)):
        config = ViTConfig(hidden_size=width, num_attention_heads=heads, intermediate_size=4 * width,
                           num_hidden_layers=4 if width == 768 else 12)
        model = randomised(ViTModel(config, add_pooling_layer=False))
        model.save_pretrained(folder)
        processor = ViTImageProcessor(size={"height": side, "width": side})
        processor.save_pretrained(folder)
        save_file({"linear_1.weight": torch.eye(width)}, f"{folder}/projector.safetensors", {"features": "all"})
        for height, wide, kind in ((480, 640, "jpeg"), (1, 1, "png"), (100, 90, "webp"), (1200, 37, "png")):
            image, pixels, rows = run(folder, picture(height, wide), kind)
            expected = processor(image, return_tensors="pt")["pixel_values"][0]
            # Of the plugin's own pixels, so that a level here and there does not count twice.
            state = model(pixels[None], interpolate_pos_encoding=True).last_hidden_state[0].numpy()
            report(name if side == 224 else f"{name} at {side}", image, kind, expected, pixels, processor.image_std, state, rows)

with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    config = Glm4vVisionConfig(depth=4)
    tower = randomised(Glm4vVisionModel(config))
    pathlib.Path(folder, "config.json").write_text(json.dumps({"model_type": "glm4v", "vision_config": config.to_dict()}))
    save_file({f"visual.{n}": v.to(torch.bfloat16) for n, v in tower.state_dict().items()}, f"{folder}/model.safetensors")
    for bounds in ({"shortest_edge": 112 * 112, "longest_edge": 28 * 28 * 15000}, {"shortest_edge": 112 * 112, "longest_edge": 500_000}):
        processor = Glm4vImageProcessor(size=bounds)
        processor.save_pretrained(folder)
        for height, wide, kind in ((336, 336, "png"), (600, 450, "jpeg"), (1, 1, "png"), (40, 700, "webp")):
            image, pixels, rows = run(folder, picture(height, wide), kind)
            made = processor(image, return_tensors="pt")
            _, tall, broad = made["image_grid_thw"][0].tolist()
            patches = pixels.reshape(3, tall // 2, 2, 14, broad // 2, 2, 14).permute(1, 4, 2, 5, 0, 3, 6)
            patches = patches.unsqueeze(5).expand(-1, -1, -1, -1, -1, 2, -1, -1).reshape(tall * broad, -1)
            expected = made["pixel_values"].reshape(tall // 2, broad // 2, 2, 2, 3, 2, 14, 14)[:, :, :, :, :, 0]
            expected = expected.permute(4, 0, 2, 5, 1, 3, 6).reshape(pixels.shape)
            reference = tower(patches, made["image_grid_thw"]).pooler_output.numpy()
            name = "GLM-4.1V tower, 4 blocks" + (", 500,000 pixels" if bounds["longest_edge"] == 500_000 else "")
            report(name, image, kind, expected, pixels, processor.image_std, reference, rows)
