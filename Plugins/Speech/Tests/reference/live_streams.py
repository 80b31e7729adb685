"""Prints how far behind live streams stay while text is being written: Conformer-Small with random weights, in the daemon.

    pip install numpy torch transformers
    ./run_server.sh once, so that all is built
    python3 Plugins/Speech/Tests/reference/live_streams.py [STREAMS [WRITERS [SECONDS]]]

Sound comes in blocks of 80 ms at the pace of speech, over `/v1/realtime`. The delay of an event is the time from the block that
made it to the event.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import threading
import time

import numpy as np
import torch
from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetFeatureExtractor, ParakeetForCTC

plugin = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(plugin.parents[1] / "Tests" / "EndToEnd"))
import checkout  # noqa: E402
import client  # noqa: E402
from daemon import Daemon  # noqa: E402
from websocket import BINARY, WebSocket  # noqa: E402

streams, writers, seconds = (int(sys.argv[i + 1]) if len(sys.argv) > i + 1 else value for i, value in enumerate((4, 4, 20)))
block = 0.08
torch.manual_seed(0)


def live(port, number, start, delays):
    samples = np.random.default_rng(number).normal(0, 0.1, seconds * 16000)
    sound = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    socket = WebSocket(port)
    socket.tell(type="start", sample_rate=16000)
    socket.event()
    sent = []

    def hear():
        while (event := socket.event())["type"] == "partial":
            delays.append(time.monotonic() - sent[min(len(sent) - 1, max(0, int((event["end"] - 1e-6) / block)))])
    listener = threading.Thread(target=hear)
    listener.start()
    size = int(16000 * block) * 2
    for index, at in enumerate(range(0, len(sound), size)):
        time.sleep(max(0, start + (index + 1) * block - time.monotonic()))
        sent.append(time.monotonic())
        socket.send(BINARY, sound[at:at + size])
    socket.tell(type="finish")
    listener.join()


def write(port, stop, counts):
    while not stop.is_set():
        counts.append(client.complete(port, "Write a long story about the sea.", max_tokens=64).json["usage"]["completion_tokens"])


with tempfile.TemporaryDirectory() as folder:
    encoder = ParakeetEncoderConfig(hidden_size=176, num_hidden_layers=16, num_attention_heads=4, intermediate_size=704)
    model = ParakeetForCTC(ParakeetCTCConfig(vocab_size=1025, pad_token_id=1024, encoder_config=encoder)).eval()
    weights = pathlib.Path(folder, "weights")
    model.save_pretrained(weights)
    ParakeetFeatureExtractor().save_pretrained(weights)
    (weights / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {f"▁p{i}": i for i in range(1024)}}}))
    # A worker may run as another user.
    for path in (pathlib.Path(folder), weights, *weights.iterdir()):
        path.chmod(0o755)
    entry = checkout.plugin(plugin / ".build/release/libSpeech.so", "speech", "audio", ["audio/wav"])
    entry["versions"][0]["weights"] = str(weights)
    daemon = Daemon("--registry", checkout.write_registry(folder, entry))
    print(f"{streams} streams of {seconds} s\n\n| writing | tokens/s | events | delay, median | 95% | most |\n|---|---|---|---|---|---|")
    try:
        for count in sorted({0, 1, writers}):
            stop, written, delays = threading.Event(), [], []
            start = time.monotonic() + 1
            threads = [threading.Thread(target=live, args=(daemon.port, i, start, delays)) for i in range(streams)]
            typists = [threading.Thread(target=write, args=(daemon.port, stop, written)) for _ in range(count)]
            for thread in threads + typists:
                thread.start()
            for thread in threads:
                thread.join()
            stop.set()
            took = time.monotonic() - start
            for thread in typists:
                thread.join()
            delays.sort()
            print(f"| {count} | {sum(written) / took:.0f} | {len(delays)} | {statistics.median(delays) * 1000:.0f} ms "
                  f"| {delays[int(0.95 * len(delays))] * 1000:.0f} ms | {delays[-1] * 1000:.0f} ms |")
    finally:
        daemon.stop()
        daemon.kill()
