"""Files of sound: `POST /v1/audio/transcriptions` and `gatehouse transcribe`, over a plugin that reads Morse code."""

import json
import os
import pathlib
import pty
import re
import subprocess
import tempfile

import checkout
import client
import morse
from daemon import DaemonTestCase

PATH = "/v1/audio/transcriptions"
WORDS = "HELLO BIG WORLD"


class TranscriptionTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        fixture = checkout.build_fixture(cls.folder)
        cls.registry = checkout.write_registry(
            cls.folder, morse.plugin(), checkout.plugin(fixture, "patient", "text", ("text/plain",), "1.0.0"))
        cls.options = ("--registry", cls.registry, "--model-name", "small", "--strict-model")
        cls.sound = morse.sound(WORDS)
        super().setUpClass()

    def post(self, *parts, boundary="frontier", **fields):
        """Parts are (name, file name or None, content); fields are texts."""
        parts = [(name, None, text.encode()) for name, text in fields.items()] + list(parts)
        body = b""
        for name, file_name, content in parts:
            file = f'; filename="{file_name}"' if file_name else ""
            body += (f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").encode()
            body += content + b"\r\n"
        return self.post_body(body + f"--{boundary}--\r\n".encode(), boundary)

    def post_body(self, body, boundary="frontier"):
        return client.request(self.daemon.port, "POST", PATH, body,
                              {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    def transcribe(self, **fields):
        return self.post(("file", "a.wav", self.sound), **fields)

    def refused(self, answer, status, code, param):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual((answer.error["code"], answer.error["param"]), (code, param), answer.error)
        return answer.error["message"]

    # Formats

    def test_every_format_is_what_it_says(self):
        self.assertEqual(self.transcribe().json, {"text": WORDS})
        self.assertEqual(self.transcribe(response_format="json", model="small").json, {"text": WORDS})
        text = self.transcribe(response_format="text")
        self.assertEqual((text.body.decode(), text.headers["Content-Type"]),
                         (WORDS + "\n", "text/plain; charset=utf-8"))
        srt = self.transcribe(response_format="srt").body.decode()
        self.assertRegex(srt, r"^1\n00:00:00,000 --> 00:00:0\d,\d{3}\nHELLO")
        vtt = self.transcribe(response_format="vtt").body.decode()
        self.assertRegex(vtt, r"^WEBVTT\n\n00:00:00\.000 --> 00:00:0\d\.\d{3}\nHELLO")
        lines = re.findall(r"--> .*\n(.*)\n", srt)
        self.assertEqual(" ".join(lines), WORDS)
        self.assertEqual(lines, re.findall(r"--> .*\n(.*)\n", vtt))

    def test_words_have_the_times_of_their_sound(self):
        answer = self.post(("file", "a.wav", self.sound), ("timestamp_granularities[]", None, b"word"),
                           response_format="verbose_json", language="en").json
        self.assertEqual((answer["text"], answer["language"]), (WORDS, "en"))
        self.assertNotIn("segments", answer)
        self.assertEqual([word["word"] for word in answer["words"]], WORDS.split())
        # A dot lasts 60 ms: HELLO is 47 of them, and a gap of 7 follows.
        hello, big = answer["words"][:2]
        self.assertAlmostEqual(hello["start"], 0, delta=0.01)
        self.assertAlmostEqual(hello["end"], 49 * 0.06, delta=0.02)
        self.assertAlmostEqual(big["start"], 56 * 0.06, delta=0.02)
        self.assertAlmostEqual(answer["duration"], answer["words"][-1]["end"], delta=0.001)

    def test_a_stream_has_deltas_and_an_end(self):
        answer = self.transcribe(stream="true")
        self.assertTrue(answer.headers["Content-Type"].startswith("text/event-stream"))
        events = [json.loads(line.removeprefix("data: "))
                  for line in answer.body.decode().strip().split("\n\n")]
        self.assertEqual([event["type"] for event in events],
                         ["transcript.text.delta"] * (len(events) - 1) + ["transcript.text.done"])
        self.assertEqual("".join(event["delta"] for event in events[:-1]), WORDS)
        self.assertEqual(events[-1]["text"], WORDS)

    def test_the_openai_client_reads_all_of_them(self):
        transcriptions = client.openai(self.daemon.port).audio.transcriptions
        file = ("a.wav", self.sound)
        self.assertEqual(transcriptions.create(file=file, model="small").text, WORDS)
        verbose = transcriptions.create(
            file=file, model="small", response_format="verbose_json", timestamp_granularities=["word", "segment"])
        self.assertEqual([word.word for word in verbose.words], WORDS.split())
        self.assertEqual(" ".join(segment.text for segment in verbose.segments), WORDS)
        self.assertTrue(transcriptions.create(file=file, model="small", response_format="srt").startswith("1\n"))
        events = list(transcriptions.create(file=file, model="small", stream=True))
        self.assertEqual([event.type for event in events][-1], "transcript.text.done")
        self.assertEqual(events[-1].text, WORDS)

    def test_sound_in_chat_reads_the_same(self):
        part = {"type": "input_audio", "input_audio": {
            "data": client.data_url(self.sound).partition(",")[2], "format": "wav"}}
        answer = client.complete(
            self.daemon.port, client.user(part, client.text("Repeat.")), max_tokens=1, model="small").json
        self.assertEqual(answer["gatehouse"]["modalities"][0]["plugin"], "morse")

    def test_the_signature_of_the_bytes_knows_better_than_their_name(self):
        self.assertEqual(self.post(("file", "a.mp3", self.sound)).json, {"text": WORDS})
        self.assertEqual(self.post(("file", "song", self.sound)).json, {"text": WORDS})

    # Refusals

    def test_what_is_wrong_with_a_request_is_said_with_its_field(self):
        self.refused(self.transcribe(model="large"), 404, "model_not_found", "model")
        self.refused(self.transcribe(response_format="docx"), 400, "invalid_value", "response_format")
        self.refused(self.transcribe(stream="maybe"), 400, "invalid_value", "stream")
        self.refused(self.transcribe(stream="true", response_format="srt"), 400, "invalid_value", "stream")
        self.refused(self.post(("file", "a.wav", self.sound), ("timestamp_granularities[]", None, b"letter"),
                               response_format="verbose_json"), 400, "invalid_value", "timestamp_granularities[]")
        self.refused(self.post(("file", "a.wav", self.sound), ("timestamp_granularities[]", None, b"word")),
                     400, "invalid_value", "timestamp_granularities[]")
        self.refused(self.post(model="small"), 400, "invalid_value", "file")
        self.refused(self.post(("file", "a.wav", b"")), 400, "invalid_value", "file")
        self.refused(self.post(("file", None, self.sound)), 400, "invalid_value", "file")
        self.refused(self.post(("file", "a", b"what is this?")), 400, "unsupported_media_type", "file")
        self.refused(self.post(("file", "a.flac", b"fLaC no more")), 400, "unsupported_media_type", "file")
        message = self.refused(self.post(("file", "a.wav", b"RIFF....WAVEfmt ")), 400, "invalid_media", "file")
        self.assertEqual(message, "plugin morse 1.0.0: a WAVE file without samples")

    def test_a_plugin_without_times_is_said_to_be_so(self):
        text = ("file", "words.txt", b"three plain words")
        self.assertEqual(self.post(text).json, {"text": "three plain words"})
        self.assertEqual(self.post(text, response_format="verbose_json").json["segments"], [])
        self.refused(self.post(text, response_format="srt"), 400, "no_timestamps", "response_format")

    def test_hostile_forms_are_refused_and_the_daemon_lives(self):
        good = b"--f\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n" + self.sound
        whole = good + b"\r\n--f--\r\n"
        self.assertEqual(self.post_body(whole, "f").json, {"text": WORDS})
        for body in (b"", b"--f", b"--f--", good, b"--f\r\n" * 1000, b"\0" * 1000, whole.replace(b"\r\n", b"\n"),
                     b"--f\r\n" + b"X: y\r\n" * 100_000 + b"\r\n\r\n--f--", os.urandom(100_000)):
            answer = self.post_body(body, "f")
            self.assertEqual(answer.status, 400, body[:50])
        for content_type in ("", "text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 99):
            answer = client.request(self.daemon.port, "POST", PATH, whole, {"Content-Type": content_type})
            self.refused(answer, 400, "invalid_multipart", None)
        self.assertEqual(client.request(self.daemon.port, "GET", PATH).status, 405)
        self.assertEqual(self.transcribe().json, {"text": WORDS})

    # The command

    def run_command(self, *words, stdin=b"", **options):
        return subprocess.run(
            [checkout.BINARY, "transcribe", "--registry", self.registry, *map(str, words)], input=stdin,
            capture_output=True, timeout=checkout.PATIENCE, env=checkout.environment(self.folder), **options)

    def test_the_command_reads_files(self):
        file = self.folder / "a.wav"
        file.write_bytes(self.sound)
        self.assertEqual(self.run_command(file).stdout.decode(), WORDS + "\n")
        self.assertEqual(json.loads(self.run_command("--format", "json", file).stdout)["words"][2]["word"], "WORLD")
        self.assertTrue(self.run_command("--format", "vtt", file).stdout.startswith(b"WEBVTT\n\n00:00:00.000"))
        missing = self.run_command(self.folder / "none.wav")
        self.assertEqual(missing.returncode, 1)
        self.assertIn(b"none.wav: ", missing.stderr)
        self.assertEqual(self.run_command("--rate", "8000", file).returncode, 2)

    def test_the_command_reads_raw_sound(self):
        for rate, channels in ((8000, 1), (11025, 2), (48000, 3)):
            answer = self.run_command(
                "--rate", rate, "--channels", channels, "-", stdin=morse.pcm(WORDS, rate, channels=channels))
            self.assertEqual(answer.stdout.decode(), WORDS + "\n", answer.stderr)
        lines = self.run_command("--rate", 8000, "--format", "srt", "-", stdin=morse.pcm(WORDS)).stdout.decode()
        self.assertEqual(" ".join(re.findall(r"--> .*\n(.*)\n", lines)), WORDS)
        fast = morse.pcm(WORDS, words_per_minute=40)
        configured = self.run_command(
            "--rate", 8000, "--configuration", '{"words_per_minute": 40}', "-", stdin=fast)
        self.assertEqual(configured.stdout.decode(), WORDS + "\n")
        self.assertEqual(self.run_command("-").stdout, b"\n")
        wrong = self.run_command("--configuration", '{"speed": 40}', "-")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn(b"speed: expected one of words_per_minute", wrong.stderr)

    def test_the_command_prints_while_it_listens(self):
        process = subprocess.Popen(
            [checkout.BINARY, "transcribe", "--registry", self.registry, "--rate", "8000", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=checkout.environment(self.folder))
        self.addCleanup(process.kill)
        process.stdin.write(morse.pcm("SOS "))
        process.stdin.flush()
        # It is written while the input is open.
        self.assertEqual(process.stdout.read(3), b"SOS")
        process.stdin.close()
        self.assertEqual(process.stdout.read(), b"\n")
        process.stdout.close()
        self.assertEqual(process.wait(checkout.PATIENCE), 0)

    def test_a_terminal_sees_the_end_rewritten(self):
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [checkout.BINARY, "transcribe", "--registry", self.registry, "--rate", "8000", "-"],
            stdin=subprocess.PIPE, stdout=slave, env=checkout.environment(self.folder))
        os.close(slave)
        self.addCleanup(process.kill)
        process.stdin.write(morse.pcm("SOS"))
        process.stdin.close()
        seen = b""
        try:
            while True:
                seen += os.read(master, 4096)
        except OSError:
            os.close(master)
        self.assertEqual(process.wait(checkout.PATIENCE), 0)
        # The letter S is an E and an I before it is an S.
        self.assertIn(b"\r\x1b[K\x1b[2mI\x1b[0m", seen)
        self.assertTrue(seen.endswith(b"\r\x1b[KSOS\r\n"), seen)

