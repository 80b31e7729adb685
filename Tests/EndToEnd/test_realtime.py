"""Live sound at `GET /v1/realtime`: what a client is told, what it must not send, and what becomes of those that vanish."""

import concurrent.futures
import json
import os
import pathlib
import signal
import struct
import tempfile
import time

import checkout
import client
import morse
import processes
from daemon import DaemonTestCase
from websocket import BINARY, CLOSE, PING, PONG, TEXT, WebSocket

WORDS = "HELLO BIG WORLD"
# Bytes of 80 ms.
BLOCK = morse.RATE * 8 // 100 * 2


class RealtimeTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.registry = checkout.write_registry(cls.folder, morse.plugin())
        cls.options = ("--registry", cls.registry)
        super().setUpClass()

    def open(self, **start):
        socket = WebSocket(self.daemon.port)
        self.addCleanup(socket.vanish)
        socket.tell(type="start", sample_rate=morse.RATE, **start)
        started = socket.event()
        self.assertEqual(started["type"], "started", started)
        return socket

    def streams(self):
        """Open streams of all plugins, as the daemon counts them."""
        metrics = client.request(self.daemon.port, "GET", "/metrics").body.decode()
        return sum(float(line.split()[1]) for line in metrics.splitlines()
                   if line.startswith("gatehouse_plugin_streams{"))

    @staticmethod
    def speak(socket, sound, block=BLOCK, pause=0):
        for start in range(0, len(sound), block):
            socket.send(BINARY, sound[start:start + block])
            if pause:
                time.sleep(pause)

    def listen(self, socket, heard=""):
        """Events up to the final one, held to the rules, where `heard` is stable already; then all ends well."""
        events = [socket.event()]
        while events[-1]["type"] == "partial":
            events.append(socket.event())
        final = events[-1]
        self.assertEqual(final["type"], "final", final)
        self.assertEqual(final["unstable"], "")
        self.assertEqual(heard + "".join(event["stable"] for event in events), final["text"])
        self.assertEqual([event["end"] for event in events], sorted(event["end"] for event in events))
        self.assertEqual(socket.close_code(), 1000)
        return events

    def transcribe(self, sound, **options):
        socket = self.open()
        self.speak(socket, sound, **options)
        socket.tell(type="finish")
        return self.listen(socket)

    # What a client is told

    def test_text_grows_while_sound_comes(self):
        socket = self.open(channels=1, configuration={"words_per_minute": 30})
        self.speak(socket, morse.pcm("SOS", words_per_minute=30))
        # All of it is heard before anybody says that it is over.
        heard = ""
        while heard != "SOS":
            event = socket.event()
            self.assertEqual(event["type"], "partial")
            heard += event["stable"]
        self.speak(socket, morse.pcm("HELP", words_per_minute=30))
        socket.tell(type="finish")
        events = self.listen(socket, heard)
        words = [word for event in events for word in event["words"]]
        self.assertEqual([word["word"] for word in words], ["SOS", "HELP"])
        self.assertAlmostEqual(words[1]["start"], 34 * 0.04, delta=0.02)

    def test_the_text_does_not_depend_on_the_messages_it_came_in(self):
        sound = morse.pcm(WORDS)
        for block in (1, 999, len(sound)):
            # A byte a message is slow: a word of it is enough.
            some = morse.pcm("SO") if block == 1 else sound
            events = self.transcribe(some, block=block)
            self.assertEqual(events[-1]["text"], "SO" if block == 1 else WORDS)
            self.assertGreater(len({event["unstable"] for event in events}), 1 if block < 9999 else 0)

    def test_sound_without_a_start_is_of_16000_samples_a_second(self):
        socket = WebSocket(self.daemon.port)
        self.addCleanup(socket.vanish)
        self.speak(socket, morse.pcm("SOS", rate=16000))
        started = socket.event()
        self.assertEqual({**started}, {"type": "started", "plugin": "morse", "version": "1.0.0",
                                       "sample_rate": 16000, "channels": 1})
        socket.tell(type="finish")
        self.assertEqual(self.listen(socket)[-1]["text"], "SOS")

    def test_channels_are_told_apart(self):
        socket = self.open(channels=3)
        self.speak(socket, morse.pcm("SOS", channels=3), block=1001)
        socket.tell(type="finish")
        self.assertEqual(self.listen(socket)[-1]["text"], "SOS")

    def test_silence_is_an_empty_text(self):
        events = self.transcribe(b"\0" * 4000)
        self.assertEqual([(event["type"], event["text"]) for event in events], [("final", "")])
        socket = self.open()
        socket.tell(type="finish")
        self.assertEqual(self.listen(socket)[-1]["text"], "")

    def test_pings_are_answered(self):
        socket = self.open()
        socket.send(PING, b"are you there?")
        self.assertEqual(socket.receive(), (PONG, b"are you there?"))

    # What it must not send

    def refused(self, code, status=1008, send=None, path="/v1/realtime"):
        socket = WebSocket(self.daemon.port, path)
        self.addCleanup(socket.vanish)
        send(socket)
        event = socket.event()
        while event["type"] != "error":
            event = socket.event()
        self.assertEqual(event["error"]["code"], code, event)
        self.assertEqual(socket.close_code(), status)
        return event["error"]["message"]

    def test_messages_that_make_no_sense_are_refused_in_words(self):
        def tell(**message):
            return lambda socket: socket.tell(**message)

        self.refused("invalid_json", send=lambda socket: socket.send(TEXT, b"{"))
        self.refused("invalid_value", send=lambda socket: socket.send(TEXT, b"[]"))
        self.refused("invalid_value", send=tell(type="stop"))
        self.refused("invalid_value", send=tell(type="finish"))
        for fields in ({"sample_rate": 5}, {"sample_rate": "8000"}, {"channels": 0}, {"configuration": 3},
                       {"speed": 1}):
            message = self.refused("invalid_value", send=tell(type="start", **fields))
            self.assertIn(next(iter(fields)), message)
        message = self.refused("invalid_value", send=tell(type="start", configuration={"speed": 40}))
        self.assertIn("speed: expected one of words_per_minute", message)

        def twice(socket):
            socket.tell(type="start")
            socket.tell(type="start")

        self.refused("invalid_value", send=twice)

    def test_frames_that_break_the_protocol_end_the_conversation(self):
        frames = {
            b"\x81\x01a": 1002, b"\xf1\x80\0\0\0\0": 1002, b"\x83\x80\0\0\0\0": 1002, b"\x09\x80\0\0\0\0": 1002,
            b"\x80\x81\0\0\0\0a": 1002, b"\x82\xfe\0\x01\0\0\0\0a": 1002, b"\x88\x81\0\0\0\0a": 1002,
            b"\x88\x82\0\0\0\0\x03\xed": 1002, b"\x81\x81\0\0\0\0\xff": 1007,
            b"\x82\xff\0\0\0\0\x7f\xff\xff\xff": 1009, b"\x82\xff" + struct.pack(">Q", (1 << 20) + 1): 1009,
        }
        for frame, code in frames.items():
            socket = self.open()
            socket.send_bytes(frame)
            self.assertEqual(socket.close_code(), code, frame)
        for _ in range(20):
            socket = WebSocket(self.daemon.port)
            socket.send_bytes(os.urandom(2000))
            try:
                while socket.receive()[0] != CLOSE:
                    pass
            except EOFError:
                pass
            socket.vanish()
        processes.wait_until(lambda: self.streams() == 0, "free of streams")
        self.assertEqual(self.transcribe(morse.pcm("SOS"))[-1]["text"], "SOS")

    def test_a_client_may_end_it_at_any_time(self):
        socket = self.open()
        self.speak(socket, morse.pcm("S"))
        socket.send(CLOSE, struct.pack(">H", 1001))
        self.assertEqual(socket.close_code(), 1001)
        processes.wait_until(lambda: self.streams() == 0, "free of streams")

    # What becomes of those that vanish

    def test_a_client_that_vanishes_frees_everything(self):
        sockets = [self.open() for _ in range(8)]
        self.assertEqual(self.streams(), 8)
        self.refused("plugin_unavailable", 1013, lambda socket: socket.tell(type="start"))
        for socket in sockets:
            self.speak(socket, morse.pcm(WORDS), block=BLOCK * 10)
            socket.vanish()
        processes.wait_until(lambda: self.streams() == 0, "free of streams", 10)
        self.assertEqual(self.transcribe(morse.pcm("SOS"))[-1]["text"], "SOS")

    def test_a_crash_ends_the_streams_of_its_worker_and_says_so(self):
        first, second = self.open(), self.open()
        self.speak(first, morse.pcm("S"))
        for process in self.daemon.workers:
            os.kill(process, signal.SIGKILL)
        for socket in (first, second):
            event = socket.event()
            while event["type"] == "partial":
                event = socket.event()
            self.assertEqual((event["type"], event["error"]["code"]), ("error", "plugin_crashed"), event)
            self.assertIn("was ended by signal 9", event["error"]["message"])
            self.assertEqual(socket.close_code(), 1011)
        processes.wait_until(lambda: self.streams() == 0, "free of streams")
        self.assertEqual(self.transcribe(morse.pcm("SOS"))[-1]["text"], "SOS")

    # Beside others

    def test_four_streams_and_a_call_while_text_is_generated(self):
        sound = morse.pcm("HELLO WORLD", words_per_minute=40)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            text = pool.submit(client.complete, self.daemon.port, "Count to a hundred.", max_tokens=200)

            def live(_):
                socket = self.open(configuration={"words_per_minute": 40})
                # As fast as it would be spoken.
                self.speak(socket, sound, pause=0.08)
                socket.tell(type="finish")
                return self.listen(socket)

            streams = [pool.submit(live, index) for index in range(4)]
            file = {"type": "input_audio", "input_audio": {
                "data": client.data_url(morse.sound("SOS")).partition(",")[2], "format": "wav"}}
            call = client.complete(self.daemon.port, client.user(file, client.text("Hm?")), max_tokens=1)
            self.assertEqual(call.json["gatehouse"]["modalities"][0]["plugin"], "morse")
            for stream in streams:
                events = stream.result(checkout.PATIENCE)
                self.assertEqual(events[-1]["text"], "HELLO WORLD")
                self.assertGreater(len(events), 20)
            self.assertEqual(text.result(checkout.PATIENCE).status, 200)

    def test_a_swap_leaves_a_stream_its_version(self):
        plugin = morse.plugin()
        plugin["versions"].append({**plugin["versions"][0], "version": "2.0.0", "share": 0})
        plugin["versions"][0]["share"] = 1
        original = self.registry.read_text()
        self.addCleanup(self.registry.write_text, original)
        self.registry.write_text(json.dumps({"format": 1, "plugins": [plugin], "rules": []}))
        processes.wait_until(
            lambda: "taken over" in self.daemon.errors, "the registry taken over")
        before = self.open()
        self.speak(before, morse.pcm("SO"))
        checkout.answer("plugin", "swap", "morse", "2.0.0", data=self.daemon.data)
        after = WebSocket(self.daemon.port)
        self.addCleanup(after.vanish)
        after.tell(type="start", sample_rate=morse.RATE)
        self.assertEqual(after.event()["version"], "2.0.0")
        self.speak(before, morse.pcm("S"))
        self.speak(after, morse.pcm("HI"))
        for socket, text in ((before, "SO S"), (after, "HI")):
            socket.tell(type="finish")
            self.assertEqual(self.listen(socket)[-1]["text"], text)
