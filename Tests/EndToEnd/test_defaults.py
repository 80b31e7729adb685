"""What a new user gets: the default registry, with the weights and gates that come with it."""

import base64
import json
import pathlib

import checkout
import client
import vision
from daemon import DaemonTestCase

REGISTRY = checkout.ROOT / "registry.json"
# "set an alarm for seven thirty tomorrow morning", by a voice of espeak-ng that training never heard (en-us+m5).
SPOKEN = pathlib.Path(__file__).with_name("spoken.flac")


def circles():
    """Three red circles on white."""
    centres = ((70, 80), (200, 90), (130, 210))
    return vision.drawn(300, 300, lambda x, y: (
        (220, 30, 30) if any((x - a) ** 2 + (y - b) ** 2 < 35 ** 2 for a, b in centres) else (255, 255, 255)))


class DefaultTests(DaemonTestCase):
    options = ("--registry", REGISTRY)

    def ask(self, *parts):
        answer = client.complete(self.daemon.port, client.user(*parts), max_tokens=24)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.text, answer.json["gatehouse"]["modalities"]

    def test_an_image_goes_to_both_and_each_is_weighed(self):
        image = {"type": "image_url", "image_url": {"url": client.data_url(circles(), "image/png")}}
        _, reports = self.ask(image, client.text("Describe the picture."))
        self.assertEqual([(report["part"], report["plugin"]) for report in reports], [(0, "screen-text"), (0, "vision")])
        seen = reports[1]
        self.assertGreater(seen["weight"], 0.5)
        self.assertGreater(seen["tokens"], 3)
        _, reports = self.ask(image, client.text("Write a haiku about autumn."))
        self.assertLess(reports[1]["gate"], seen["gate"])

    def test_shapes_are_seen(self):
        path = self.daemon.folder / "circles.png"
        path.write_bytes(circles())
        printed = json.loads(checkout.answer(
            "encode", "--registry", REGISTRY, "--plugin", "vision", "--input", path, "--json"))
        (segment,) = printed["segments"]
        pieces = [slot[0]["text"] for slot in segment["slots"]]
        self.assertIn(" shapes", pieces)
        self.assertTrue(any("red" in piece for piece in pieces), pieces)

    def test_a_spoken_command_is_written_down(self):
        text = checkout.answer("transcribe", "--registry", REGISTRY, SPOKEN)
        for word in ("alarm", "seven", "thirty", "morning"):
            self.assertIn(word, text)

    def test_an_answer_uses_what_was_heard(self):
        sound = {"type": "input_audio", "input_audio": {
            "data": base64.b64encode(SPOKEN.read_bytes()).decode(), "format": "flac"}}
        text, (report,) = self.ask(sound, client.text("Repeat word for word what is said."))
        self.assertEqual(report["plugin"], "speech")
        self.assertIn("alarm", text)
