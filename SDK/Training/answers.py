"""What a gate does to answers: with parts that questions are about, and with parts beside questions that have no use for them.

    python3 answers.py --gatehouse HOST --registry registry.json --plugin ID --about picture --parts PARTS.jsonl

PARTS.jsonl is what the script that made the gate's parts writes with --keep, from another seed. Of a question about its part it
counts the answers that have the right word in them. Of one that has nothing to do with it, how often the answer is the same, and
for how many words it begins the same, as without any part.
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile

import messages

FIELDS = {".png": lambda data: {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
          ".wav": lambda data: {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}}


class Host:
    """A daemon with one plugin alone, with its gate or without."""

    def __init__(self, gatehouse, registry, plugin_id, gated):
        self.folder = tempfile.TemporaryDirectory()
        plugin, = [each for each in json.loads(registry.read_text())["plugins"] if each["id"] == plugin_id]
        version = plugin["versions"][0]
        for key in ("library", "weights", "gate"):
            if version.get(key):
                version[key] = str(registry.resolve().parent / version[key])
        if not gated:
            version.pop("gate", None)
            if version.get("weights"):
                # Beside the weights it would be found.
                copy = pathlib.Path(self.folder.name, "weights")
                shutil.copytree(version["weights"], copy, ignore=shutil.ignore_patterns("gate.safetensors"))
                version["weights"] = str(copy)
        path = pathlib.Path(self.folder.name, "registry.json")
        path.write_text(json.dumps({"format": 1, "plugins": [{**plugin, "versions": [version]}], "rules": []}))
        self.process = subprocess.Popen(
            [gatehouse, "serve", "--port", "0", "--registry", path, "--data", self.folder.name], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "GATEHOUSE_CONFIG": ""})
        for line in self.process.stdout:
            if found := re.search(r"started at http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
            if "ready for inference" in line:
                break

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.folder.cleanup()

    def ask(self, question, media=None):
        """An answer, and the weight that the part was given."""
        parts = [media, {"type": "text", "text": question}] if media else [{"type": "text", "text": question}]
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/v1/chat/completions", json.dumps(
            {"messages": [{"role": "user", "content": parts}], "temperature": 0, "max_tokens": 40}))
        answer = json.loads(connection.getresponse().read())
        weights = [report["weight"] for report in answer["gatehouse"]["modalities"]]
        return answer["choices"][0]["message"]["content"], weights[0] if weights else None


def media_part(path):
    path = pathlib.Path(path)
    return FIELDS[path.suffix](base64.b64encode(path.read_bytes()).decode())


def begins_alike(answer, other):
    """Words that two answers have in common before they part."""
    count = 0
    for one, two in zip(answer.split(), other.split()):
        if one != two:
            break
        count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", required=True, help="the host's executable")
    parser.add_argument("--registry", required=True, type=pathlib.Path)
    parser.add_argument("--plugin", required=True, help="its id in the registry")
    parser.add_argument("--about", required=True, choices=sorted(messages.ABOUT))
    parser.add_argument("--parts", required=True, type=pathlib.Path)
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.parts.read_text().splitlines() if line.strip()]
    hosts = {name: Host(options.gatehouse, options.registry, options.plugin, gated)
             for name, gated in (("without a gate", False), ("with its gate", True))}
    try:
        media = [media_part(line["file"]) for line in lines]
        about = [(part, *line["answers"][0]) for part, line in zip(media, lines) if line["answers"]]
        _, unrelated = messages.draw(options.about, True, len(lines), 1)
        print("| | right of those about the part | unrelated: same as without it | unrelated: words alike | "
              "weight, about | weight, unrelated |\n|---|---|---|---|---|---|")
        alone = [hosts["without a gate"].ask(question)[0] for question in unrelated]
        for name, host in hosts.items():
            answers = [(host.ask(question, part), word) for part, question, word in about]
            others = [host.ask(question, part) for question, part in zip(unrelated, media)]
            right = sum(word.lower() in answer.lower() for (answer, _), word in answers)
            same = sum(answer == other for (answer, _), other in zip(others, alone))
            alike = statistics.mean(begins_alike(answer, other) for (answer, _), other in zip(others, alone))
            weights = [f"{statistics.median(weight for _, weight in found):.2f}" for found in (
                [found for found, _ in answers], others)]
            print(f"| {name} | {right} of {len(answers)} | {same} of {len(others)} | {alike:.1f} | {weights[0]} | {weights[1]} |")
    finally:
        for host in hosts.values():
            host.close()


if __name__ == "__main__":
    main()
