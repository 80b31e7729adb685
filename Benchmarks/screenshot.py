#!/usr/bin/env python3
"""A screenshot of a phone, answered by a model with an encoder of its own: the time and memory of each stage, in Markdown.

    Benchmarks/random_checkpoint.py FOLDER/9b          # AutoGLM-Phone-9B's shapes with random weights
    Benchmarks/screenshot.py FOLDER/9b [--quantize int8] [--size 1080x2400] [--tokens 16] [--options "--max-pixels 5000000"]

The daemon is started, asked about text, and three times about the screenshot: after the first time the host has it already.
Answers have one token, but for the last, which tells how fast tokens come. Memory is the proportional set size (what
/proc/PID/smaps_rollup says), the most of what was seen four times a second.
"""

import argparse
import base64
import http.client
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
READY = "[SUCCESS]"


def screenshot(width, height):
    """A PNG of flat areas and lines of specks, as a settings page has them."""
    random_ = random.Random(1)
    rows = []
    for y in range(height):
        band = y // 120
        row = bytearray((bytes([245, 246, 250]) if band % 2 else bytes([255, 255, 255])) * width)
        if 40 < y % 120 < 72:
            for x in range(90, width - 90):
                if random_.random() < 0.35:
                    row[3 * x:3 * x + 3] = bytes([40, 44, 52])
        rows.append(b"\0" + bytes(row))
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(rows), 6)) + chunk(b"IEND", b"")


class Memory(threading.Thread):
    """The most that a process and its children took together, and each of them, in bytes."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.parts = pid, 0, (0, 0)
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.25):
            host, workers = self.proportional(self.pid), sum(map(self.proportional, self.children()))
            if host + workers > self.most:
                self.most, self.parts = host + workers, (host, workers)

    def children(self):
        path = pathlib.Path(f"/proc/{self.pid}/task")
        try:
            return [int(pid) for task in path.iterdir() for pid in (task / "children").read_text().split()]
        except OSError:
            return []

    @staticmethod
    def proportional(pid):
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            return 0
        return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) << 10


def ask(port, parts, tokens):
    """Seconds to the first chunk, which comes when media are encoded, and to the end; the report on media; the usage."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = {"messages": [{"role": "user", "content": parts}], "temperature": 0, "max_tokens": tokens, "stream": True,
            "stream_options": {"include_usage": True}}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(response.read().decode())
    encoded, report, usage = None, [], {}
    for line in response:
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line[6:])
        now = time.monotonic() - started
        if encoded is None:
            encoded, report = now, chunk["gatehouse"]["modalities"]
        usage = chunk.get("usage") or usage
    return encoded, time.monotonic() - started, report, usage


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--quantize", default="int8")
    parser.add_argument("--size", default="1080x2400")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--options", default="", help="more options of gatehouse serve")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    url = "data:image/png;base64," + base64.b64encode(screenshot(width, height)).decode()
    picture = {"type": "image_url", "image_url": {"url": url}}
    question = {"type": "text", "text": "What is on this screen?"}
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        daemon = subprocess.Popen(
            [ROOT / ".build/release/gatehouse", "serve", "--model", arguments.model, "--quantize", arguments.quantize,
             "--port", "0", "--data", folder, "--socket", f"{folder}/s", "--ctx", "25480", *arguments.options.split()],
            stdout=subprocess.PIPE, text=True, cwd=ROOT)
        memory = Memory(daemon.pid)
        memory.start()
        port, model = None, ""
        for line in daemon.stdout:
            port = int(line.rsplit(":", 1)[1]) if "Server started at" in line else port
            model = line.split(": ", 1)[1].strip() if "Model ready" in line else model
            if line.startswith(READY):
                break
        else:
            sys.exit("the daemon did not start")
        ready = time.monotonic() - started
        rows = [("start: model read and quantised", f"{ready:.1f} s", f"{memory.most / 1e9:.1f} GB")]
        for name, parts in (("text", [question]), ("screenshot", [picture, question]), ("the same again", [picture, question])):
            encoded, whole, report, usage = ask(port, parts, 1)
            prompt = usage["prompt_tokens"]
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            if report:
                state = "kept by the host" if report[0]["cached"] else \
                    f"{report[0]['encode_ms'] / 1e3:.1f} s, start of the plugin {report[0]['load_ms'] / 1e3:.2f} s"
                rows.append((f"{name}: encoder, {report[0]['tokens']} rows", state, ""))
            rows.append((f"{name}: prompt of {prompt} tokens, {cached} of them kept",
                         f"{whole - encoded:.1f} s, {(prompt - cached) / (whole - encoded):.0f} tokens/s",
                         f"{memory.most / 1e9:.1f} GB ({memory.parts[0] / 1e9:.1f} host, {memory.parts[1] / 1e9:.1f} encoder)"))
        encoded, longer, _, usage = ask(port, parts, arguments.tokens)
        written = usage["completion_tokens"]
        rows.append((f"answer of {written} tokens after it", f"{(written - 1) / (longer - whole):.2f} tokens/s", ""))
        memory.done.set()
        daemon.terminate()
        daemon.wait()
    print(f"{model}; {arguments.quantize}; a screenshot of {width} × {height}\n")
    print("| stage | time | most memory so far |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
