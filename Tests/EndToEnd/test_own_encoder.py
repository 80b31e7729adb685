"""A model that brings its own encoder: a checkpoint's tower, or the GGUF pair; answers against transformers' own."""

import base64
import json
import unittest

import chat_parity
import checkout
import client
from chat_parity import CHECKPOINTS
from daemon import DaemonTestCase
from test_commands import CommandTestCase

CHATS = CHECKPOINTS / "chats"
# One part of 64 by 24 pixels, in cells of 8, and one of 32 by 56.
TALL, WIDE = 24, 28


def part(chat, number):
    """The `number`th image of a chat of the fixtures."""
    messages = json.loads((CHATS / f"{chat}.json").read_text())["messages"]
    images = [part for message in messages if isinstance(message["content"], list)
              for part in message["content"] if part["type"] == "image_url"]
    return images[number]


class ParityTests(CommandTestCase):
    """Text, one image, three, one in the second turn, and one that is resized; see make_chats.py."""

    def check(self, form):
        for name in chat_parity.names():
            words = chat_parity.options(name, form, self.folder)
            for chat, error, same, rows in chat_parity.agreements(name, self.folder, "--precise", *words):
                with self.subTest(checkpoint=name, chat=chat):
                    self.assertLess(error, 1e-5)
                    self.assertEqual(same, rows)

    def test_checkpoints_answer_as_in_transformers(self):
        self.check("safetensors")

    def test_gguf_pairs_answer_as_in_transformers(self):
        self.check("GGUF pair")


class ServedTests(DaemonTestCase):
    options = ("--model", CHECKPOINTS / "glm4v")

    def ask(self, *parts, **fields):
        answer = client.complete(self.daemon.port, client.user(*parts), max_tokens=4, **fields)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def takers(self, *parts, **fields):
        return [(report["plugin"], report["tokens"]) for report in self.ask(*parts, **fields)["gatehouse"]["modalities"]]

    def test_text_starts_no_encoder(self):
        self.assertIn("Plugin vision 0.1.0 found: image/png, image/jpeg, image/webp; the model's own weights, loaded "
                      "on-demand", self.daemon.output)
        self.assertEqual(self.ask(client.text("Open the settings."))["gatehouse"]["modalities"], [])

    def test_the_tower_takes_images_and_others_only_on_request(self):
        image, question = part("image", 0), client.text("What is in the image?")
        self.assertEqual(self.takers(image, question), [("vision", WIDE)])

        def asking(**modalities):
            return self.ask(image, question, gatehouse={"modalities": modalities})["gatehouse"]["modalities"]
        both = asking(**{"screen-text": {"weight": 1}})
        self.assertEqual([report["plugin"] for report in both], ["vision", "screen-text"])
        self.assertEqual([report["plugin"] for report in asking(**{"screen-text": "auto"})], ["vision"])
        (dropped,) = asking(vision="off")
        self.assertEqual((dropped["plugin"], dropped["weight"]), ("vision", 0))

    def test_the_list_of_plugins_knows_where_the_weights_are_from(self):
        self.assertNotEqual(self.daemon.plugins()["vision"]["state"], "no weights")

    def test_ten_images_in_one_request(self):
        parts = [item for number in range(5) for item in (
            part("three", 0), client.text(f"{number}:"), part("three", 1), client.text("under it"))]
        self.assertEqual(self.takers(*parts), [("vision", WIDE), ("vision", TALL)] * 5)

    def test_an_image_of_an_earlier_turn_is_neither_encoded_nor_read_again(self):
        image = part("three", 2)
        first = client.user(image, client.text("There is a button that says settings, and there are two more under it."))
        answer = client.complete(self.daemon.port, first, max_tokens=8).json
        turns = first + [answer["choices"][0]["message"], {"role": "user", "content": "Tap the button."}]
        again = client.complete(self.daemon.port, turns, max_tokens=4).json
        self.assertEqual([report["cached"] for report in again["gatehouse"]["modalities"]], [True])
        self.assertGreater(again["usage"]["prompt_tokens_details"]["cached_tokens"], 24)


class OptionTests(CommandTestCase):
    def chat(self, *options):
        image = self.folder / "image.png"
        url = part("image", 0)["image_url"]["url"]
        image.write_bytes(base64.b64decode(url.split(",")[1]))
        return json.loads(checkout.answer(
            "chat", "--json", "--temperature", "0", "--max-tokens", "2", "--image", image, *options, "What is it?"))

    def test_larger_images_are_reduced(self):
        def tokens(*options):
            (report,) = self.chat("--model", CHECKPOINTS / "glm4v", *options)["gatehouse"]["modalities"]
            return report["tokens"]
        self.assertEqual(tokens(), WIDE)
        # Both frames of the temporal patch count: 16 by 40 pixels are left, as in transformers' smart_resize.
        self.assertEqual(tokens("--max-pixels", 2 * 24 * 40), 10)

    def test_what_is_no_projector_is_refused_before_the_model_serves(self):
        model = ("--model", CHECKPOINTS / "glm4v.gguf")
        gguf = CHECKPOINTS / "glm4v.mmproj.gguf"
        self.assert_fails(1, "chat", *model, "--mmproj", self.folder / "none.gguf", "x", naming=["--mmproj", "no such file"])
        self.assert_fails(1, "chat", *model, "--mmproj", CHECKPOINTS / "glm4v", "x", naming=["expected a GGUF file"])
        self.assert_fails(1, "chat", *model, "--mmproj", CHECKPOINTS / "llama-tied.gguf", "x",
                          naming=["general.architecture", '"clip"', '"llama"'])
        self.assert_fails(1, "chat", "--model", CHECKPOINTS / "llama-tied.gguf", "--mmproj", gguf, "x",
                          naming=["no plugin of the registry", "llama"])
        self.assert_fails(1, "chat", *model, "--max-pixels", 5000, "x", naming=["--max-pixels", "--mmproj"])
        self.assert_fails(2, "chat", *model, "--max-pixels", 0, "x", naming=["--max-pixels"])

    def test_a_projector_of_another_width_is_refused_by_name(self):
        result = checkout.run(
            "logits", "--model", CHECKPOINTS / "glm4v.gguf", "--mmproj", CHECKPOINTS / "glm4v-sharded.mmproj.gguf",
            "--request", CHATS / "image.json", "--output", self.folder / "logits.f32")
        self.assertEqual(result.returncode, 1)
        self.assertIn("64", result.stderr)
        self.assertIn("32", result.stderr)


if __name__ == "__main__":
    unittest.main()
