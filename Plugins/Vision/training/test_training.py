"""The training makes weights that transformers and the plugin read: python3 -m unittest, in this folder, with PyTorch.

The plugin is asked where `swift build -c release --package-path Plugins/Vision` has been run.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import unittest

import numpy as np

try:
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as error:
    raise unittest.SkipTest(f"the training needs what is not installed: {error}") from None
from PIL import Image, ImageDraw, ImageFont
from torch.nn.functional import avg_pool2d, conv2d

import batches
import evaluate
import export
import library
import render
import slots
import sources
from concepts import CONCEPTS, ICON_COUNT
from drawing import dominant, named
from model import Seer, load, resized_positions
from pictures import SCENES, THINGS, compose

SIDE, HERE = 32, pathlib.Path(__file__).parent
STEM = "embeddings.patch_embeddings.stem."


def make_folder(folder):
    """A training folder with drawings made here: letters on discs, in every theme another."""
    font = pathlib.Path(ImageFont.truetype("DejaVuSans.ttf", 90).path)
    icons, pixels = [], []
    for number, theme in enumerate([*library.TRAINING, library.DEVELOPMENT, library.TEST, "emoji"]):
        for concept in [*range(6), ICON_COUNT, ICON_COUNT + 1] if theme == "emoji" else range(6):
            image = Image.new("RGBA", (render.SIDE, render.SIDE))
            draw = ImageDraw.Draw(image)
            if number % 2:
                draw.ellipse((0, 0, 127, 127), fill=(20 * number, 200 - 10 * number, 90, 255))
            draw.text((64, 64), "ABCDEFGH"[min(concept, 7)], font=ImageFont.truetype(str(font), 60 + 4 * number),
                      fill=(30, 30, 30, 255), anchor="mm")
            icons.append(render.Icon(theme, concept, f"{concept}", number % 2 == 0))
            pixels.append(np.asarray(image))
    render.write(folder, icons, np.stack(pixels))
    (folder / "fonts.json").write_text(json.dumps([str(font)]))


class TrainingTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        make_folder(cls.folder)
        cls.library = library.open_library(cls.folder)

    def train(self, *words, wait=True):
        command = [sys.executable, HERE / "train.py", "--folder", self.folder, "--batch", "4", "--minutes", "30", *words]
        if wait:
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def test_a_seed_makes_a_picture_and_labels_that_slots_have(self):
        for kind in {**THINGS, **SCENES}:
            for seed in range(20):
                pixels, labels = compose(seed, self.library, SIDE, {kind: 1})
                again, same = compose(seed, self.library, SIDE, {kind: 1})
                self.assertEqual(pixels.shape, (SIDE, SIDE, 3))
                self.assertTrue((pixels == again).all() and labels == same, f"{kind} {seed} differs from itself")
                for slot, label in zip(slots.SLOTS, labels, strict=True):
                    self.assertTrue(slots.UNKNOWN <= label < slots.size(slot), f"{slot.name}: {label}")

    def test_withheld_themes_are_in_no_picture_of_the_training(self):
        seen = set()
        for seed in range(300):
            number = self.library.pick(random.Random(seed))
            seen.add(self.library.icons[number].theme)
        self.assertEqual(seen, set(library.TRAINING))

    def test_colours_have_their_names(self):
        for hsv, name in (((0.0, 1.0, 0.9), "red"), ((0.33, 0.8, 0.6), "green"), ((0.6, 0.9, 0.9), "blue"),
                          ((0.15, 0.9, 1.0), "yellow"), ((0.06, 0.7, 0.4), "brown"), ((0.0, 0.0, 0.5), "grey")):
            self.assertEqual(slots.COLOURS[named(*hsv)], name)
        half = np.zeros((128, 128, 4), np.uint8)
        half[:] = 255, 0, 0, 255
        half[:64] = 0, 0, 255, 255
        self.assertIsNone(dominant(half))
        half[:30] = 255, 0, 0, 255
        self.assertEqual(slots.COLOURS[dominant(half)], "red")

    def test_batches_come_in_order_from_any_number(self):
        arguments = {"seed": 3, "size": 4, "side": SIDE, "scenes": 0.5}
        stream = batches.Batches(self.folder, 7, workers=2, **arguments)
        try:
            for number in (7, 8, 9):
                for found, expected in zip(next(stream), batches.batch(number, 3, self.library, 4, SIDE, 0.5), strict=True):
                    np.testing.assert_array_equal(found, expected)
        finally:
            stream.close()

    def test_a_file_of_several_concepts_belongs_to_the_first(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            theme = root / "usr/share/icons/Adwaita/48x48"
            theme.mkdir(parents=True)
            gear, other = CONCEPTS[0], CONCEPTS[1]
            (theme / f"{other.names[0]}.png").write_bytes(b"x")
            os.symlink(f"{other.names[0]}.png", theme / f"{gear.names[1]}.png")
            (theme / "no-concept.png").write_bytes(b"x")
            found = list(sources.drawings(root))
        self.assertEqual([(each.theme, each.concept, each.name) for each in found], [("adwaita", 0, gear.names[1])])

    def test_positions_of_another_size_are_interpolated(self):
        positions = torch.randn(1, 1 + 4, 8)
        larger = resized_positions(positions, 64)
        self.assertEqual(larger.shape, (1, 1 + 16, 8))
        torch.testing.assert_close(larger[:, 0], positions[:, 0])
        torch.testing.assert_close(resized_positions(positions, 32), positions)

    def test_from_nothing_to_weights_that_transformers_and_the_plugin_read(self):
        self.assertIn("from batch 0", self.train("--steps", "2", "--size", str(SIDE), "--depth", "0"))
        # A run that is told to end saves where it was, and the next goes on from there, in another size and depth too.
        process = self.train("--size", str(SIDE), "--depth", "0", wait=False)
        self.assertIn("from batch 2", process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertRegex(self.train("--steps", "1", "--size", "48", "--depth", "2"), "48 pixels, from batch [2-9]")

        weights = self.folder / "weights"
        for script, *words in (("export.py", "--output", weights), ("evaluate.py", "--weights", weights, "--scenes", "6")):
            subprocess.run([sys.executable, HERE / script, "--folder", self.folder, *words], check=True, capture_output=True,
                           timeout=300)
        table = json.loads((weights / "evaluation.json").read_text())
        self.assertEqual((table["theme"], table["concepts"]), (library.TEST, 6))
        self.assertLess(sum(path.stat().st_size for path in weights.iterdir()), 15e6)

        model, _ = load(self.folder / "best.pt")
        pictures, labels = export.development(self.folder, 48, 12)
        self.same_as_transformers(weights, model, pictures)
        if not evaluate.FEATURES.exists():
            self.skipTest(f"{evaluate.FEATURES} is missing; the rest passed")
        # The temperatures make all alike where nothing was learnt; without them there is something to say.
        temperatures = json.loads((weights / "training.json").read_text())["temperatures"].values()
        chances = evaluate.probabilities(export.scores_of(model, pictures), list(temperatures))
        plugin = evaluate.by_plugin(weights, pictures)
        compared = 0
        for number, phrases in enumerate(plugin):
            said = dict(evaluate.said(chances, number))
            self.assertEqual([p for _, p in phrases], sorted((p for _, p in phrases), reverse=True))
            for text, probability in phrases:
                if text in said:
                    self.assertAlmostEqual(said[text], probability, delta=0.02)
                    compared += 1
        self.assertGreater(compared, len(pictures))

    def same_as_transformers(self, weights, model, pictures):
        """What the files say, widened, is an encoder of transformers on the stem, with nearly the same features."""
        tensors = load_file(weights / "model.safetensors")
        state = {}
        for name, value in tensors.items():
            if value.dtype == torch.int8:
                scale = tensors[f"{name}_scale"].reshape(-1, *[1] * (value.dim() - 1))
                value = value.float() * scale
            if not name.endswith("_scale"):
                state[name] = value
        stem = StoredStem({name.removeprefix(STEM): state.pop(name) for name in list(state) if name.startswith(STEM)})
        config = transformers.ViTConfig(**json.loads((weights / "config.json").read_text()))
        with tempfile.TemporaryDirectory() as folder:
            transformers.ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
            path = pathlib.Path(folder) / "model.safetensors"
            written = load_file(path)
            patches = {name: value for name, value in written.items() if ".patch_embeddings." in name}
            self.assertEqual(set(written), set(state) | set(patches), "the names are those that transformers writes")
            export.save_file({name: value.contiguous() for name, value in (state | patches).items()}, path, {"format": "pt"})
            reference = transformers.ViTModel.from_pretrained(folder, add_pooling_layer=False).eval()
        reference.embeddings.patch_embeddings = stem
        processor = transformers.ViTImageProcessor(**json.loads((weights / "preprocessor_config.json").read_text()))
        pixels = processor([Image.fromarray(each) for each in pictures], return_tensors="pt")
        with torch.no_grad():
            expected = reference(**pixels).last_hidden_state
            found = model.encoder(torch.from_numpy(pictures))
        difference = (found - expected).square().mean().sqrt() / expected.square().mean().sqrt()
        self.assertLess(difference, 0.02)


class StoredStem(torch.nn.Module):
    """The stem as the files have it, the batch normalisation in its weights."""

    def __init__(self, tensors):
        super().__init__()
        self.tensors = tensors
        # transformers asks the type of its weights.
        self.projection = torch.nn.Conv2d(1, 1, 1)

    def convolved(self, x, name, **options):
        weight = self.tensors[f"{name}.weight"]
        return conv2d(x, weight, self.tensors.get(f"{name}.bias"), padding=weight.shape[2] // 2, **options)

    def forward(self, pixel_values, **_):
        x = self.convolved(pixel_values, "first", stride=2).relu()
        for index in range(3):
            seen = self.convolved(self.convolved(x, f"blocks.{index}.first", stride=2).relu(), f"blocks.{index}.second")
            x = (seen + self.convolved(avg_pool2d(x, 2), f"blocks.{index}.shortcut")).relu()
        return x.flatten(2).transpose(1, 2)


class SlotTests(unittest.TestCase):
    def test_pieces_read_as_phrases(self):
        self.assertEqual(slots.region_text(CONCEPTS[0], "top right"), " gear icon, settings, top right")
        shapes = slots.SLOTS[slots.INDEX["shapes"]]
        self.assertEqual(shapes.texts[slots.shapes_choice(3, slots.COLOURS.index("red"), 0)], " three red circles")
        self.assertTrue(all(text.startswith(" ") for slot in slots.SLOTS for text in slot.texts))

    def test_a_piece_of_several_factors_is_classified_by_their_sum(self):
        head = Seer(SIDE, depth=1).head
        torch.nn.init.normal_(head.factors)
        index = slots.INDEX["shapes"]
        weight, _ = head.classifier(index)
        row = lambda count, colour, shape: weight[slots.shapes_choice(count, colour, shape)]
        torch.testing.assert_close(row(3, 1, 2) - row(3, 1, 0), row(5, 4, 2) - row(5, 4, 0))
        self.assertEqual(len(weight), slots.size(slots.SLOTS[index]))


if __name__ == "__main__":
    unittest.main()
