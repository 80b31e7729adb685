"""What a gate does to answers: with screens that questions are about, and with screens beside questions that have no use for them.

    python3 answers.py --gatehouse ../../../.build/release/gatehouse --gate ../gate.safetensors

Of a question about its screen it counts the answers that have the right word in them. Of one that has nothing to do with it, how
often the answer is the same, and for how many words it begins the same, as without any screen. Questions and screens are those
that training withheld.
"""

import argparse
import base64
import http.client
import io
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "SDK" / "Training"))

import messages  # noqa: E402
import screens  # noqa: E402


class Host:
    """A daemon with `screen-text` alone, with a gate or without."""

    def __init__(self, gatehouse, gate):
        self.folder = tempfile.TemporaryDirectory()
        registry = json.loads((ROOT / "registry.json").read_text())
        plugin, = [plugin for plugin in registry["plugins"] if plugin["id"] == "screen-text"]
        version = {key: value for key, value in plugin["versions"][0].items() if key != "gate"}
        version["library"] = str(ROOT / version["library"])
        if gate:
            version["gate"] = str(pathlib.Path(gate).resolve())
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

    def ask(self, question, image=None):
        """An answer, and the weight that the screen was given."""
        parts = [{"type": "text", "text": question}]
        if image:
            parts.insert(0, {"type": "image_url", "image_url": {"url": image}})
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/v1/chat/completions", json.dumps(
            {"messages": [{"role": "user", "content": parts}], "temperature": 0, "max_tokens": 40}))
        answer = json.loads(connection.getresponse().read())
        weights = [report["weight"] for report in answer["gatehouse"]["modalities"]]
        return answer["choices"][0]["message"]["content"], weights[0] if weights else None


def data_url(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


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
    parser.add_argument("--gate", required=True)
    parser.add_argument("--count", type=int, default=100, help="questions of each kind")
    parser.add_argument("--seed", type=int, default=1000, help="of the screens; training has 0")
    options = parser.parse_args()
    hosts = {"without a gate": Host(options.gatehouse, None), "with its gate": Host(options.gatehouse, options.gate)}
    try:
        pictures = [screens.screen(options.seed, number) for number in range(options.count)]
        about = [(data_url(image), *next(ask for ask in asks if ask[1])) for image, asks in pictures
                 if any(word for _, word in asks)]
        _, unrelated = messages.draw("picture", True, options.count, options.seed)
        print("| | right of those about the screen | unrelated: same as without a screen | unrelated: words alike | "
              "weight, about | weight, unrelated |\n|---|---|---|---|---|---|")
        alone = [hosts["without a gate"].ask(question)[0] for question in unrelated]
        for name, host in hosts.items():
            answers = [(host.ask(question, image), word) for image, question, word in about]
            others = [host.ask(question, data_url(image)) for question, (image, _) in zip(unrelated, pictures)]
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
