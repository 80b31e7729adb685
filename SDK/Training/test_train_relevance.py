"""A gate learns from some texts which messages are about them, and the host gives the weights that training saw.

python3 -m unittest, in this folder, with PyTorch, after ./run_server.sh or ./run_tests.sh has built the host.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import torch

from decoder_rows import DecoderRows
from gate import Gate, normalized_mean
from train_relevance import auc

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = ROOT / ".build" / "release" / "gatehouse"
MODEL = ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
PICTURE = ROOT / "Plugins" / "ScreenText" / "Tests" / "images" / "light.png"
TOPICS = ["train", "mail", "receipt", "recipe", "weather", "song", "alarm", "invoice", "ticket", "lesson"]


class AUCTests(unittest.TestCase):
    def test_it_is_the_share_of_pairs_in_order(self):
        self.assertEqual(auc(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([1.0, 1.0, 0.0])), 1)
        self.assertEqual(auc(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0])), 0.5)
        self.assertEqual(auc(torch.tensor([1.0, 2.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])), 0.5)


class RelevanceTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.decoder = DecoderRows(MODEL, HOST)

    def test_a_soft_token_that_is_sure_is_its_text(self):
        text = " gear icon, settings"
        soft = self.decoder.soft_mean([[(text, 0.7)]])
        torch.testing.assert_close(soft, self.decoder.text_mean(text))
        half = self.decoder.soft_mean([[(" on", 0.5), (" off", 0.5)]])
        rows = self.decoder.embedding[torch.cat([self.decoder.tokens(" on"), self.decoder.tokens(" off")])]
        torch.testing.assert_close(half, normalized_mean(rows))

    def test_it_separates_and_the_host_agrees(self):
        draw = random.Random(1)
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        with open(folder / "parts.jsonl", "w") as file:
            for number in range(24):
                topic = draw.choice(TOPICS)
                text = f"The {topic} number {draw.randint(1, 99)} for {draw.choice(['Anna', 'Hugo', 'Mei'])}"
                file.write(json.dumps({"segments": [{"kind": "text", "text": text}], "asks": [f"Whose {topic} is it?"]}) + "\n")
        gate = folder / "gate.safetensors"
        printed = subprocess.run(
            [sys.executable, "train_relevance.py", "--gatehouse", HOST, "--decoder", MODEL, "--about", "picture", "--parts", folder / "parts.jsonl",
             "--registry", ROOT / "registry.json", "--plugin", "screen-text", "--pairs", "400", "--output", gate], capture_output=True, text=True, cwd=ROOT / "SDK" / "Training")
        self.assertEqual(printed.returncode, 0, printed.stderr)
        report = json.loads(printed.stdout[:printed.stdout.rindex("}") + 1])
        self.assertGreater(report["messages for any part"]["auc"], 0.8)

        from safetensors.torch import load_file
        tensors = load_file(gate)
        trained = Gate(len(tensors["decoder.weight"]) // 3)
        trained.weight.data, trained.bias.data = tensors["decoder.weight"], tensors["decoder.bias"]
        encoded = json.loads(subprocess.run(
            [HOST, "encode", "--plugin", "screen-text", "--input", PICTURE, "--json"], capture_output=True, check=True,
            cwd=ROOT).stdout)
        registry = json.loads((ROOT / "registry.json").read_text())
        plugin, = [plugin for plugin in registry["plugins"] if plugin["id"] == "screen-text"]
        version = plugin["versions"][0]
        s = self.decoder.text_mean(plugin["prompt"].replace("{output}", encoded["segments"][0]["text"]))
        plugin["versions"] = [{**version, "library": str(ROOT / version["library"]), "gate": str(gate)}]
        (folder / "registry.json").write_text(json.dumps({**registry, "plugins": [plugin], "rules": [], "gate_threshold": 0}))
        for message in ("What does it say?", "Write a haiku about rain."):
            answer = json.loads(subprocess.run(
                [HOST, "chat", "--json", "--max-tokens", "1", "--registry", folder / "registry.json", "--image", PICTURE, message],
                capture_output=True, check=True, cwd=ROOT).stdout)
            t = self.decoder.text_mean(message)
            expected = trained(s, t).item()
            told, = [report["gate"] for report in answer["gatehouse"]["modalities"]]
            self.assertAlmostEqual(told, expected, delta=1e-3)


if __name__ == "__main__":
    unittest.main()
