"""Prints how long 10 s of sound take here and in transformers: Conformer-Small, the same threads, turn by turn; and live.

    pip install numpy torch transformers
    swift build -c release --package-path Plugins/Speech
    python3 Plugins/Speech/Tests/reference/compare_speed.py [THREADS [ROUNDS]]
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetFeatureExtractor, ParakeetForCTC

probe = pathlib.Path(__file__).parents[2] / ".build/release/speech-probe"
threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
seconds = 10
torch.set_num_threads(threads)
torch.manual_seed(0)

with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    # Sixteen blocks of width 176 with four heads, eight frames to a row.
    encoder = ParakeetEncoderConfig(hidden_size=176, num_hidden_layers=16, num_attention_heads=4, intermediate_size=704)
    model = ParakeetForCTC(ParakeetCTCConfig(vocab_size=1025, pad_token_id=1024, encoder_config=encoder)).eval()
    extractor = ParakeetFeatureExtractor()
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    vocabulary = {f"▁p{i}": i for i in range(1024)}
    pathlib.Path(folder, "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    samples = (np.random.default_rng(0).normal(0, 0.1, seconds * 16000)).astype(np.float32)
    samples.tofile(f"{folder}/samples")

    times = {}
    for _ in range(rounds):
        printed = subprocess.run(
            [probe, folder, f"{folder}/samples", "--threads", str(threads), "--repeat", "12"],
            check=True, capture_output=True, text=True).stdout
        for line in printed.splitlines():
            word, part, *values = line.split()
            if word == "times":
                # The first ones find caches cold.
                times.setdefault(("gatehouse", part), []).extend(int(value) / 1000 for value in values[3:])
        for turn in range(12):
            start = time.perf_counter()
            features = extractor(samples, sampling_rate=16000, return_tensors="pt")
            middle = time.perf_counter()
            model(**features)
            end = time.perf_counter()
            if turn >= 3:
                times.setdefault(("transformers", "features"), []).append((middle - start) * 1000)
                times.setdefault(("transformers", "encoder"), []).append((end - middle) * 1000)
    live = []
    for _ in range(rounds):
        printed = subprocess.run(
            [probe, folder, f"{folder}/samples", "--threads", str(threads), "--repeat", "3", "--live", "20"],
            check=True, capture_output=True, text=True).stdout
        live += [[int(value) / 1000 for value in line.split()[1:3]]
                 for line in printed.splitlines() if line.startswith("live")]
        delay = float(printed.split("delay")[1])

for who in ("gatehouse", "transformers"):
    times[who, "both"] = [sum(pair) for pair in zip(times[who, "features"], times[who, "encoder"])]
print(f"Conformer-Small, {seconds} s of sound, {threads} threads, torch {torch.__version__}, milliseconds\n")
print("| | gatehouse, median (least) | transformers, median (least) | times as fast, median (least) |\n|---|---|---|---|")
for part in ("features", "encoder", "both"):
    ours, theirs = times["gatehouse", part], times["transformers", part]
    print(f"| {part} | {statistics.median(ours):.1f} ({min(ours):.1f}) "
          f"| {statistics.median(theirs):.1f} ({min(theirs):.1f}) "
          f"| {statistics.median(theirs) / statistics.median(ours):.2f} ({min(theirs) / min(ours):.2f}) |")
whole, longest = ([run[i] for run in live] for i in (0, 1))
print(f"\nLive, 20 ms at a time, one thread: a real-time factor of {statistics.median(whole) / seconds / 1000:.4f} "
      f"({min(whole) / seconds / 1000:.4f}); the longest push {statistics.median(longest):.1f} ms ({min(longest):.1f}); "
      f"text is final {delay:.4f} s after its sound and that.")
