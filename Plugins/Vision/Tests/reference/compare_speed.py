"""Prints how long a ViT-Tiny takes here and in transformers: one picture, the same threads, turn by turn.

    pip install torch torchvision transformers
    swift build -c release --package-path Plugins/Vision
    python3 Plugins/Vision/Tests/reference/compare_speed.py [THREADS [ROUNDS]]
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import ViTConfig, ViTImageProcessor, ViTModel

plugin = pathlib.Path(__file__).parents[2]
threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
torch.set_num_threads(threads)
torch.manual_seed(0)

with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    model = ViTModel(
        ViTConfig(hidden_size=192, num_hidden_layers=12, num_attention_heads=3, intermediate_size=768)).eval()
    processor = ViTImageProcessor()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    save_file({"linear_1.weight": torch.eye(192)}, f"{folder}/projector.safetensors", {"features": "all"})
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8))
    image.save(f"{folder}/image.png")

    times = {}
    for _ in range(rounds):
        printed = subprocess.run(
            [plugin / ".build/release/vision-features", folder, f"{folder}/image.png", "--threads", str(threads),
             "--repeat", "20"], check=True, capture_output=True, text=True).stdout
        for line in printed.splitlines():
            part, *values = line.split()
            if part in ("processor", "encoder"):
                # The first ones find caches cold.
                times.setdefault(("gatehouse", part), []).extend(int(value) / 1000 for value in values[5:])
        for turn in range(20):
            start = time.perf_counter()
            pixels = processor(image, return_tensors="pt")["pixel_values"]
            middle = time.perf_counter()
            model(pixels)
            end = time.perf_counter()
            if turn >= 5:
                times.setdefault(("transformers", "processor"), []).append((middle - start) * 1000)
                times.setdefault(("transformers", "encoder"), []).append((end - middle) * 1000)

print(f"ViT-Tiny, 640 × 480 pixels to 224 × 224, {threads} threads, torch {torch.__version__}, milliseconds\n")
print("| | gatehouse, median (least) | transformers, median (least) | times as fast, median (least) |\n|---|---|---|---|")
for part in ("processor", "encoder"):
    ours, theirs = times["gatehouse", part], times["transformers", part]
    print(f"| {part} | {statistics.median(ours):.1f} ({min(ours):.1f}) "
          f"| {statistics.median(theirs):.1f} ({min(theirs):.1f}) "
          f"| {statistics.median(theirs) / statistics.median(ours):.2f} ({min(theirs) / min(ours):.2f}) |")
