"""A gate learns on a toy problem which segment answers the question: python3 -m unittest, in this folder, with PyTorch."""

import json
import pathlib
import random
import tempfile
import time
import unittest

import torch
import torch.nn.functional as functional
from safetensors import safe_open
from transformers import LlamaConfig, LlamaForCausalLM

import gate as gates
from train_gate import Example, biased_logits, loss_of, mean, read_examples, train

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

    def test_the_file_holds_what_the_host_looks_for(self):
        gate = gates.Gate(HIDDEN)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "gate.safetensors"
            gates.save(gate, path, "llama", torch.zeros(64, 8), early=(torch.zeros(HIDDEN), torch.zeros(1)))
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
