"""A gate learns on a toy problem which segment answers the question: python3 -m unittest, in this folder, with PyTorch."""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

import torch
import torch.nn.functional as functional
from safetensors import safe_open
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import gate as gates
from train_gate import Example, biased_logits, loss_of, mean, read_examples, text_mean, train, train_early

# Two kinds of segments, of which each tells one of four values; a question for either kind.
BEGIN, QUESTIONS, VALUES = 0, (1, 2), ((3, 4, 5, 6), (7, 8, 9, 10))
HIDDEN = 32


class Toy:
    def __init__(self, seed=0):
        torch.manual_seed(seed)
        self.random = random.Random(seed)
        self.kinds = torch.randn(2, HIDDEN)
        self.values = torch.randn(4, HIDDEN)
        self.decoder = LlamaForCausalLM(LlamaConfig(
            hidden_size=HIDDEN, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=4, vocab_size=11, max_position_embeddings=64, attn_implementation="eager"))

    def segment(self, kind, value):
        rows = 0.3 * (self.kinds[kind] + self.values[value]).repeat(3, 1)
        return rows + 0.03 * torch.randn(3, HIDDEN)

    def example(self, distracted):
        """The value of one segment in the words of its kind; a distractor is of the other kind."""
        kind, value, other = self.random.randrange(2), self.random.randrange(4), self.random.randrange(4)
        distractors = [self.segment(1 - kind, other)] if distracted else []
        return Example([QUESTIONS[kind]], [VALUES[kind][value]], [self.segment(kind, value)], distractors)

    def teach_decoder(self, steps=250):
        """Has the decoder answer from one segment alone; what a second one means to it nobody taught it."""
        optimizer = torch.optim.AdamW(self.decoder.parameters(), lr=3e-3)
        for _ in range(steps):
            examples = [self.example(distracted=False) for _ in range(16)]
            logits = torch.cat([
                biased_logits(self.decoder, e, e.relevant, [torch.ones(())], [BEGIN]) for e in examples])
            loss = functional.cross_entropy(logits, torch.tensor([e.answer[0] for e in examples]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    def score(self, gate, examples):
        """Mean loss, weight of what is relevant, and weight of what distracts."""
        with torch.no_grad():
            results = [loss_of(self.decoder, gate, e, [BEGIN], self.random) for e in examples]
        return (mean([loss.item() for loss, _, _ in results]), mean([w for _, r, _ in results for w in r]),
                mean([w for _, _, d in results for w in d]))


def save_checkpoint(folder):
    """A small random decoder whose tokens are single bytes, as Hugging Face publishes one."""
    letters = {chr(byte): index for index, byte in enumerate(range(0x20, 0x7F))}
    tokenizer = Tokenizer(models.BPE(letters, []))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    LlamaForCausalLM(LlamaConfig(
        hidden_size=HIDDEN, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=4,
        vocab_size=len(letters))).save_pretrained(folder)


class TrainingTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.toy = Toy()
        cls.decoder_loss = cls.toy.teach_decoder()

    def learn(self, teacher):
        toy = self.toy
        examples = [toy.example(distracted=True) for _ in range(200)]
        unseen = [toy.example(distracted=True) for _ in range(100)]
        before = toy.score(gates.Gate(HIDDEN), unseen)
        began = time.monotonic()
        gate = train(toy.decoder, examples, [BEGIN], steps=120, batch=16, rate=0.05, teacher=teacher,
                     report=lambda line: None)
        return gate, before, toy.score(gate, unseen), time.monotonic() - began

    def test_what_distracts_comes_to_weigh_less(self):
        self.assertLess(self.decoder_loss, 0.1, "the decoder has learnt to read one segment")
        for teacher in (0.0, 1.0):
            with self.subTest(teacher=teacher):
                _, before, after, seconds = self.learn(teacher)
                print(f"\nteacher {teacher}: loss {before[0]:.3f} to {after[0]:.3f}, relevant {after[1]:.3f}, "
                      f"distractors {after[2]:.3f}, {seconds:.0f} s")
                self.assertAlmostEqual(before[1], before[2], places=5)
                self.assertLess(after[0], 0.5 * before[0])
                self.assertGreater(after[1], 0.7)
                self.assertLess(after[2], 0.3)

    def test_a_weight_of_one_is_no_gate(self):
        example = self.toy.example(distracted=False)
        with torch.no_grad():
            one = biased_logits(self.toy.decoder, example, example.relevant, [torch.ones(())], [BEGIN])
            rows = torch.cat([self.toy.decoder.get_input_embeddings()(torch.tensor([BEGIN])), *example.relevant,
                              self.toy.decoder.get_input_embeddings()(torch.tensor(example.text + example.answer))])
            plain = self.toy.decoder(inputs_embeds=rows[None]).logits[0, -2:-1]
        torch.testing.assert_close(one, plain)

    def test_an_early_gate_skips_what_the_text_does_not_need(self):
        # Words that ask for a segment, words that do not, and words that stand in texts of either kind.
        asking, plain, common = range(0, 12), range(12, 24), range(24, 64)
        torch.manual_seed(1)
        decoder = LlamaForCausalLM(LlamaConfig(
            hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=4,
            vocab_size=64))
        chance = random.Random(1)

        def example(needs):
            text = chance.choices(common, k=4) + [chance.choice(asking if needs else plain)]
            chance.shuffle(text)
            rows = [torch.randn(2, 64)]
            return Example(text, [0], rows if needs else [], [] if needs else rows)

        began = time.monotonic()
        gate = train_early(decoder, [example(i % 2) for i in range(400)], report=print)
        with torch.no_grad():
            weights = {needs: [gate(text_mean(decoder, example(needs))).item() for _ in range(200)] for needs in (0, 1)}
        print(f"early gate: {mean(weights[0]):.3f} without need, {mean(weights[1]):.3f} with, "
              f"{time.monotonic() - began:.0f} s")
        # Below the host's threshold of 0.05 nothing is encoded.
        self.assertGreater(sum(weight < 0.05 for weight in weights[0]), 160)
        self.assertLess(sum(weight < 0.05 for weight in weights[1]), 5)

    def test_the_whole_script_writes_both_gates(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            save_checkpoint(folder)
            torch.randn(2, HIDDEN).numpy().tofile(folder / "r.f32")
            lines = [{"text": "look!", "answer": "a", "rows": ["r.f32"], "distractors": ["r.f32"]},
                     {"text": "count?", "answer": "b", "rows": [], "distractors": ["r.f32"]}]
            data = folder / "data.jsonl"
            data.write_text("\n".join(map(json.dumps, lines)))
            command = [sys.executable, pathlib.Path(__file__).with_name("train_gate.py"), "--decoder", folder,
                       "--data", data, "--output", folder / "gate.safetensors", "--steps", "3", "--teacher", "0.5",
                       "--early"]
            subprocess.run(command, check=True, capture_output=True)
            with safe_open(folder / "gate.safetensors", "pt") as file:
                self.assertEqual(file.metadata(), {"decoder.family": "llama"})
                self.assertEqual(file.get_slice("decoder.early.weight").get_shape(), [HIDDEN])
                self.assertGreater(file.get_tensor("decoder.early.weight").abs().max().item(), 0)
            data.write_text(json.dumps(lines[0]))
            result = subprocess.run(command, capture_output=True, text=True)
            self.assertIn("--early needs examples with rows and examples without", result.stderr)

    def test_the_file_holds_what_the_host_looks_for(self):
        gate = gates.Gate(HIDDEN)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "gate.safetensors"
            gates.save(gate, path, "llama", torch.zeros(64, 8), early=gates.EarlyGate(HIDDEN))
            with safe_open(path, "pt") as file:
                self.assertEqual(file.metadata(), {"decoder.family": "llama"})
                shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}
        self.assertEqual(shapes, {
            "decoder.weight": [3 * HIDDEN], "decoder.bias": [1], "decoder.fingerprint": [64, 8],
            "decoder.early.weight": [HIDDEN], "decoder.early.bias": [1]})

    def test_examples_that_are_none_are_named_with_their_line(self):
        class Letters:
            def encode(self, text, add_special_tokens):
                return list(text.encode())

        good = {"text": "a", "answer": "b", "rows": ["r.f32"], "distractors": ["r.f32"]}
        bad = [("{", "line 2: expected text"), (json.dumps({"text": "a"}), "line 2: expected text"),
               (json.dumps({**good, "answer": ""}), "line 2: expected a text and an answer"),
               (json.dumps({**good, "rows": ["cut.f32"]}), "cut.f32: expected rows of 2 float32, found 3 numbers")]
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "r.f32").write_bytes(bytes(16))
            (folder / "cut.f32").write_bytes(bytes(12))
            data = folder / "data.jsonl"
            for line, message in bad:
                data.write_text(json.dumps(good) + "\n" + line)
                with self.assertRaisesRegex(SystemExit, message):
                    read_examples(data, Letters(), 2)
            data.write_text(json.dumps({**good, "distractors": []}))
            with self.assertRaisesRegex(SystemExit, "no example has distractors"):
                read_examples(data, Letters(), 2)
            data.write_text(json.dumps(good))
            self.assertEqual(len(read_examples(data, Letters(), 2)), 1)


if __name__ == "__main__":
    unittest.main()
