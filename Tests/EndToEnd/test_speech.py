"""Sound in chats by the Speech plugin, on a small random checkpoint: what it hears is read, what is no sound is refused."""

import base64
import json
import pathlib
import tempfile

import checkout
import client
from daemon import DaemonTestCase

PLUGIN = checkout.ROOT / "Plugins" / "Speech"
LIBRARY = PLUGIN / ".build" / "release" / "libSpeech.so"
CHECKPOINTS = PLUGIN / "Tests" / "RecognitionTests" / "checkpoints"
SOUNDS = PLUGIN / "Tests" / "SoundsTests" / "sounds"


def part(path, form):
    data = base64.b64encode(path.read_bytes()).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


class WithoutWeightsTests(DaemonTestCase):
    def test_it_is_listed_and_takes_no_part(self):
        self.assertEqual(self.daemon.plugins()["speech"]["state"], "no weights")
        answer = client.complete(self.daemon.port, client.user(part(SOUNDS / "mono.wav", "wav")), max_tokens=4)
        self.assertEqual(answer.status, 400, answer.body)


class SpeechTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        plugin = checkout.plugin(
            LIBRARY, "speech", "audio", ["audio/wav", "audio/flac", "audio/ogg", "audio/mpeg"])
        plugin["versions"][0]["weights"] = str(CHECKPOINTS / "ctc")
        cls.options = ("--registry", checkout.write_registry(folder, plugin))
        super().setUpClass()

    def ask(self, path, form):
        return client.complete(
            self.daemon.port, client.user(client.text("What is said?"), part(path, form)), max_tokens=4)

    def test_the_decoder_reads_the_bare_transcript(self):
        answer = self.ask(CHECKPOINTS / "sound.flac", "flac")
        self.assertEqual(answer.status, 200, answer.body)
        report, = answer.json["gatehouse"]["modalities"]
        self.assertEqual((report["plugin"], report["version"], report["weight"]), ("speech", "0.1.0", 1))
        transcript = json.loads((CHECKPOINTS / "expected.json").read_text())["ctc.text"]
        self.assertEqual(report["tokens"], checkout.token_count(transcript))

    def test_every_kind_of_file_is_heard(self):
        for name, form in (("8-channels.flac", "flac"), ("192khz.flac", "flac"), ("opus.ogg", "ogg"),
                           ("vorbis.ogg", "ogg"), ("mono.mp3", "mp3"), ("clipped.wav", "wav"), ("silent.wav", "wav"),
                           # What it is counts, not what the client calls it.
                           ("mono.flac", "wav")):
            with self.subTest(name):
                answer = self.ask(SOUNDS / name, form)
                self.assertEqual(answer.status, 200, answer.body)

    def test_what_is_no_sound_is_refused_with_the_reason_and_by_a_worker_that_lives_on(self):
        self.assertEqual(self.ask(SOUNDS / "mono.wav", "wav").status, 200)
        worker = self.daemon.plugins()["speech"]["process"]
        for name, form, reason in (
                ("cut.wav", "wav", "the WAV is cut short by 6644 bytes"),
                ("cut.flac", "flac", "the FLAC is cut short"),
                ("no-samples.wav", "wav", "the sound has no samples"),
                ("one-sample.wav", "wav", "the sound lasts 0.0625 ms: at least 20.0 ms are needed"),
                ("no-number.wav", "wav", "the WAV has samples that are no numbers")):
            with self.subTest(name):
                answer = self.ask(SOUNDS / name, form)
                self.assertEqual(answer.status, 400, answer.body)
                self.assertEqual(answer.error["code"], "invalid_media")
                self.assertIn(reason, answer.error["message"])
        self.assertEqual(self.daemon.plugins()["speech"]["process"], worker)
