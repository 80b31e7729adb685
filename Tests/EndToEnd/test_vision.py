"""Pictures by the Vision plugin, on small random checkpoints: swaps under load, what is refused, and for whom."""

import pathlib
import tempfile
import threading
import time

import checkout
import client
import processes
import vision
from daemon import Daemon, DaemonTestCase

QUESTION = "What is in the picture?"
WORDS = [" red", " bird", " under", " one", " tree", "!", "ö", " 狗", " a", " b"]


class SwapTests(DaemonTestCase):
    """Two versions of Vision that see differently, the newer one serving at first."""

    # Slow pictures among quick ones, so that swaps meet calls in every stage.
    PICTURES = [vision.png(*size, seed=seed) for seed, size in enumerate(
        [(40, 24), (320, 240), (64, 64), (480, 360), (104, 56), (240, 240)])]

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.registry = checkout.write_registry(folder, vision.plugin({
            "1.0.0": vision.soft_checkpoint(folder / "first"),
            "2.0.0": vision.soft_checkpoint(folder / "second", pieces=WORDS)}))
        # Every picture is encoded anew, whoever asked before.
        cls.options = ("--registry", cls.registry, "--media-cache", "0")
        super().setUpClass()

    @classmethod
    def ask(cls, port, picture, **fields):
        part = {"type": "image_url", "image_url": {"url": client.data_url(picture)}}
        return client.complete(port, client.user(part, client.text(QUESTION)), max_tokens=12, logprobs=True,
                               top_logprobs=3, seed=7, **fields)

    @staticmethod
    def substance(answer):
        """What of an answer is not a name or a time: choices with their probabilities, tokens, the report."""
        report, = answer.json["gatehouse"]["modalities"]
        usage = answer.json["usage"]
        return {"choices": answer.json["choices"], "prompt": usage["prompt_tokens"],
                "completion": usage["completion_tokens"],
                "report": {name: value for name, value in report.items() if not name.endswith("_ms")}}

    def alone(self):
        """What each version makes of each picture, one request after the other, in a daemon that swaps nothing."""
        daemon = Daemon(*self.options)
        self.addCleanup(daemon.kill)
        answers = {}
        for version in ("1.0.0", "2.0.0"):
            for index, picture in enumerate(self.PICTURES):
                answer = self.ask(daemon.port, picture, gatehouse={"modalities": {"vision": {"version": version}}})
                self.assertEqual(answer.status, 200, answer.body)
                answers[version, index] = self.substance(answer)
        daemon.stop()
        for index in range(len(self.PICTURES)):
            self.assertNotEqual(answers["1.0.0", index]["choices"], answers["2.0.0", index]["choices"])
        return answers

    def test_requests_in_flight_are_answered_as_without_a_swap(self):
        expected = self.alone()
        clients, swaps = 4, 8
        stop, lock = threading.Event(), threading.Lock()
        answers, in_flight = [], set()

        def keep_asking(number):
            index = number
            while not stop.is_set():
                with lock:
                    in_flight.add(number)
                answer = self.ask(self.daemon.port, self.PICTURES[index])
                with lock:
                    in_flight.discard(number)
                    answers.append((index, answer))
                index = (index + 1) % len(self.PICTURES)

        threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        met = 0
        try:
            for swap in range(swaps):
                # Until one of them has answered what it was asked since the last swap; the other times the next swap
                # comes while the version before is still on its way out.
                if swap % 4 < 2:
                    count = len(answers) + clients
                    processes.wait_until(lambda: len(answers) > count, "answered", checkout.PATIENCE)
                with lock:
                    met += len(in_flight)
                version = ("1.0.0", "2.0.0")[swap % 2]
                checkout.answer("plugin", "swap", "vision", version, data=self.daemon.data)
        finally:
            stop.set()
            for thread in threads:
                thread.join(checkout.PATIENCE)

        self.assertGreater(met, 0, "no request was in flight when versions were swapped")
        versions = set()
        for index, answer in answers:
            self.assertEqual(answer.status, 200, answer.body)
            found = self.substance(answer)
            versions.add(found["report"]["version"])
            self.assertEqual(found, expected[found["report"]["version"], index])
        self.assertEqual(versions, {"1.0.0", "2.0.0"})
        self.assertEqual(self.daemon.plugins()["vision"]["errors"], 0)


class HostilePictureTests(DaemonTestCase):
    """What no camera made, through the whole path: an answer, or an error that names the part."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        weights = vision.soft_checkpoint(folder / "weights", resize=(32, 32))
        cls.options = ("--registry", checkout.write_registry(folder, vision.plugin({"1.0.0": weights})),
                       "--media-cache", "0")
        super().setUpClass()

    def ask(self, content, media_type="image/png"):
        """A sound picture, words, and then the one in question."""
        return client.complete(
            self.daemon.port, client.user(self.part(vision.png(40, 24)), client.text(QUESTION),
                                          self.part(content, media_type)), max_tokens=4)

    @staticmethod
    def part(content, media_type="image/png"):
        return {"type": "image_url", "image_url": {"url": client.data_url(content, media_type)}}

    def seen(self, content, media_type="image/png"):
        """What the decoder answers to it."""
        answer = self.ask(content, media_type)
        self.assertEqual(answer.status, 200, answer.body)
        _, report = answer.json["gatehouse"]["modalities"]
        self.assertEqual((report["plugin"], report["weight"]), ("vision", 1))
        self.assertGreater(report["tokens"], 0)
        return answer.json["choices"]

    def refused(self, content, reason, media_type="image/png", code="invalid_media"):
        worker = self.daemon.plugins()["vision"]["process"]
        answer = self.ask(content, media_type)
        self.assertEqual(answer.status, 400, answer.body)
        self.assertEqual((answer.error["type"], answer.error["code"]), ("invalid_request_error", code))
        self.assertTrue(answer.error["param"].startswith("messages[0].content[2]"), answer.error)
        self.assertTrue(answer.error["message"].startswith(answer.error["param"] + ": "), answer.error)
        self.assertIn(reason, answer.error["message"])
        # The same worker takes the next one.
        self.seen(vision.png(40, 24))
        if worker:
            self.assertEqual(self.daemon.plugins()["vision"]["process"], worker)

    @staticmethod
    def image(name):
        return (vision.IMAGES / name).read_bytes()

    def test_damaged_and_cut_files_are_refused(self):
        for name, reason in [("cut.png", "the PNG is damaged: it is cut short"),
                             ("damaged.png", "the PNG is damaged: IDAT: CRC error"),
                             ("cut.jpg", "the JPEG is damaged: Premature end of JPEG file"),
                             ("cut-header.jpg", "the JPEG is damaged"),
                             ("cut.webp", "the WebP is damaged or cut short")]:
            with self.subTest(name=name):
                self.refused(self.image(name), reason)

    def test_headers_of_giants_are_refused_before_anything_is_decoded(self):
        for name in ("huge.png", "huge.jpg"):
            with self.subTest(name=name):
                self.refused(self.image(name), "the image is 20000 × 20000 pixels: at most 65535 on a side and")

    def test_bombs_are_refused_or_seen_in_little_memory(self):
        self.refused(self.image("bomb.png"), "the PNG is damaged: Not enough image data")
        # 48 MB of black in 50 kB, within the limits.
        self.seen(vision.blank(4000, 4000))
        self.assertLess(processes.peak_memory(self.daemon.plugins()["vision"]["process"]), 400 << 20)

    def test_small_and_narrow_pictures_are_seen(self):
        for size in ((1, 1), (1, 3000), (3000, 1)):
            with self.subTest(size=size):
                self.seen(vision.blank(*size))
        self.seen(self.image("one-pixel.png"))

    def test_of_animations_the_first_frame_is_seen(self):
        self.assertEqual(self.seen(self.image("animated.png")), self.seen(self.image("rgb.png")))
        self.assertEqual(self.seen(self.image("animated.webp")), self.seen(self.image("alpha.webp")))

    def test_what_the_bytes_are_counts_and_not_what_they_are_called(self):
        self.assertEqual(self.seen(self.image("rgb.png"), "image/jpeg"), self.seen(self.image("rgb.png")))
        self.refused(b"GIF89a" + bytes(40), "image/gif", code="unsupported_media_type")
        self.refused(b"%PDF-1.7 and so on", "application/pdf", code="unsupported_media_type")
        self.refused(b"no picture", "neither PNG nor JPEG nor WebP")

    def test_an_empty_picture_is_refused(self):
        self.refused(b"", "the data is empty", code="invalid_value")
        self.refused(b"\x89PNG\r\n\x1a\n", "the PNG is damaged")


class OtherDecoderTests(DaemonTestCase):
    """The tower of another model's checkpoint beside this one's decoder."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.options = ("--registry", checkout.write_registry(folder, vision.plugin(
            {"1.0.0": vision.soft_checkpoint(folder / "soft"), "2.0.0": vision.CHECKPOINTS / "glm4v"},
            failure_limit=3)), "--media-cache", "0")
        super().setUpClass()

    BOTH = ("family glm4v, hidden 40", "family llama, hidden 576")

    def ask(self, **fields):
        part = {"type": "image_url", "image_url": {"url": client.data_url(vision.png(40, 24))}}
        return client.complete(self.daemon.port, client.user(part, client.text(QUESTION)), max_tokens=2, **fields)

    def test_rows_for_another_decoder_are_refused_with_both_named(self):
        # Each request starts it once more, until it is taken out.
        statuses = set()
        for _ in range(20):
            answer = self.ask(gatehouse={"modalities": {"vision": {"version": "2.0.0"}}})
            self.assertIn(answer.status, (500, 503), answer.body)
            statuses.add(answer.status)
            for words in self.BOTH:
                self.assertIn(words, answer.error["message"])
            if "out of service" in answer.error["message"]:
                break
            # Until it may be started again.
            time.sleep(0.3)
        else:
            self.fail("it was never taken out of service")
        self.assertEqual(statuses, {500, 503})
        processes.wait_until(lambda: not self.daemon.workers, "without a worker")

        # Nothing of it hurt the daemon, and a swap to it is refused for the same reason.
        swap = checkout.run("plugin", "swap", "vision", "2.0.0", data=self.daemon.data)
        self.assertNotEqual(swap.returncode, 0)
        for words in self.BOTH:
            self.assertIn(words, swap.stderr)
        checkout.answer("plugin", "swap", "vision", "1.0.0", data=self.daemon.data)
        answer = self.ask()
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["gatehouse"]["modalities"][0]["version"], "1.0.0")
