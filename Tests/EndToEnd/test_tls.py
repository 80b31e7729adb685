"""HTTPS: what is answered over it, certificates that change while it serves, limits that hold as they do without it."""

import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import warnings

import checkout
import client
import morse
import processes
from daemon import Daemon, DaemonTestCase
from websocket import BINARY, WebSocket

# The model goes on with this until it is told to stop: some thousand tokens.
ENDLESS = "Repeat the word banana forever, without ever stopping."


def make_certificate(folder, name):
    """Paths of a new certificate for this machine, signed by itself, and of its key."""
    certificate, key = pathlib.Path(folder) / f"{name}.crt", pathlib.Path(folder) / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True)
    return certificate, key


def trusting(*certificates):
    context = ssl.create_default_context()
    for certificate in certificates:
        context.load_verify_locations(certificate)
    return context


class TLSTestCase(DaemonTestCase):
    more_options = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.certificate, cls.key = make_certificate(cls.folder, "first")
        cls.tls = trusting(cls.certificate)
        registry = checkout.write_registry(cls.folder, morse.plugin())
        cls.options = ("--registry", registry, "--tls-certificate", cls.certificate, "--tls-key", cls.key,
                       *cls.more_options)
        super().setUpClass()

    def request(self, *words, **fields):
        return client.request(self.daemon.port, *words, tls=self.tls, **fields)

    def complete(self, messages, **fields):
        return self.request("POST", client.COMPLETIONS, client.chat(messages, **fields))

    def connect(self, *, receive_buffer=None, tls=None):
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(checkout.PATIENCE)
        plain.connect(("127.0.0.1", self.daemon.port))
        connection = (tls or self.tls).wrap_socket(plain, server_hostname="127.0.0.1")
        self.addCleanup(connection.close)
        return connection

    def begin_stream(self, connection, **fields):
        body = json.dumps(client.chat(ENDLESS, stream=True, **fields)).encode()
        connection.sendall(
            f"POST {client.COMPLETIONS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def metric(self, name):
        text = self.request("GET", "/metrics").body.decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (.*)$", text, re.MULTILINE))


class AnswerTests(TLSTestCase):
    def test_it_serves_https_and_says_so(self):
        self.assertIn(f"[INFO] Server started at https://127.0.0.1:{self.daemon.port}", self.daemon.lines)
        self.assertEqual(self.request("GET", "/health").json, {"status": "ok"})
        self.assertEqual(self.complete("Hello", max_tokens=1).status, 200)

    def test_streams_and_large_bodies(self):
        connection = self.connect()
        self.begin_stream(connection, max_tokens=300)
        received = b""
        while data := connection.recv(65536):
            received += data
        self.assertIn(b"data: [DONE]\n\n", received)
        answer = self.complete("Hello", max_tokens=1, user="x" * 5_000_000)
        self.assertEqual(answer.status, 200)
        # Some megabytes of numbers.
        answer = self.request("POST", "/v1/embeddings", {"input": ["Hello"] * 300})
        self.assertEqual(len(answer.json["data"]), 300)

    def test_the_openai_client(self):
        import httpx
        import openai
        made = openai.OpenAI(base_url=f"https://127.0.0.1:{self.daemon.port}/v1", api_key="EMPTY",
                             http_client=httpx.Client(verify=self.tls))
        stream = made.chat.completions.create(model="x", messages=[{"role": "user", "content": "Hello"}], stream=True,
                                              max_tokens=20)
        self.assertGreater(len(list(stream)), 3)

    def test_old_protocols_are_refused(self):
        for version, is_spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
                                   (ssl.TLSVersion.TLSv1_3, True)):
            with self.subTest(version=version.name):
                context = trusting(self.certificate)
                context.set_ciphers("DEFAULT@SECLEVEL=0")
                with warnings.catch_warnings():
                    # Python does not like old ones either.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    context.minimum_version = context.maximum_version = version
                if is_spoken:
                    self.assertEqual(self.connect(tls=context).version(), version.name.replace("_", "."))
                else:
                    self.assertRaises((ssl.SSLError, OSError), self.connect, tls=context)

    def test_who_does_not_speak_tls_is_let_go(self):
        for text in (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"x" * 600):
            with socket.create_connection(("127.0.0.1", self.daemon.port), checkout.PATIENCE) as plain:
                plain.sendall(text)
                try:
                    self.assertNotIn(b"HTTP/1.1 2", plain.recv(65536))
                except ConnectionResetError:
                    pass
        self.assertEqual(self.request("GET", "/health").status, 200)

    def test_a_client_that_leaves_or_stops_reading_ends_its_generation(self):
        for leave in (lambda connection: connection.close(), lambda connection: None):
            connection = self.connect(receive_buffer=4096)
            self.begin_stream(connection, max_tokens=8000)
            processes.wait_until(lambda: self.metric("gatehouse_batch_sequences") == 1, "at work")
            leave(connection)
            # Left alone it takes a minute.
            processes.wait_until(lambda: self.metric("gatehouse_batch_sequences") == 0, "at rest", seconds=15)

    def test_live_sound(self):
        def talk():
            conversation = WebSocket(self.daemon.port, tls=self.tls)
            self.addCleanup(conversation.vanish)
            conversation.tell(type="start", sample_rate=morse.RATE)
            self.assertEqual(conversation.event()["type"], "started")
            return conversation

        conversation = talk()
        # In one frame of a megabyte, and in many.
        sound = morse.pcm("SOS") + b"\0" * 900_000
        conversation.send(BINARY, sound)
        for start in range(0, 100_000, 640):
            conversation.send(BINARY, b"\0" * 640)
        conversation.tell(type="finish")
        event = conversation.event()
        while event["type"] == "partial":
            event = conversation.event()
        self.assertEqual((event["type"], event["text"]), ("final", "SOS"))
        self.assertEqual(conversation.close_code(), 1000)

        vanishing = [talk() for _ in range(8)]
        self.assertEqual(self.metric("gatehouse_plugin_streams"), 8)
        for conversation in vanishing:
            conversation.vanish()
        processes.wait_until(lambda: self.metric("gatehouse_plugin_streams") == 0, "free of streams", seconds=10)


class LimitTests(TLSTestCase):
    more_options = ("--max-body-mb", 1, "--header-seconds", 2, "--body-seconds", 1, "--idle-seconds", 5)

    def answer(self, text, version):
        """Status and error of what is told to a client that sends `text`; the connection ends then."""
        tls = trusting(self.certificate)
        tls.maximum_version = version
        connection = self.connect(tls=tls)
        connection.sendall(text.encode())
        received = b""
        while data := connection.recv(65536):
            received += data
        head, body = received.split(b"\r\n\r\n", 1)
        return int(re.match(rb"HTTP/1.1 (\d+) ", head)[1]), json.loads(body)["error"]["code"]

    def test_each_limit_has_its_error(self):
        post = f"POST {client.COMPLETIONS} HTTP/1.1\r\nHost: x\r\n"
        for text, status, code in (
                (post + "Content-Length: 1048577\r\n\r\n", 413, "request_too_large"), (post, 408, "header_timeout"),
                (post + "X-Note: " + "x" * 17_000 + "\r\n\r\n", 431, "header_too_large"),
                (post + "Content-Length: 10\r\n\r\n{", 408, "body_timeout")):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(code=code, version=version.name):
                    self.assertEqual(self.answer(text, version), (status, code))

    def test_a_handshake_that_does_not_end_is_cut(self):
        outgoing = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            self.tls.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1").do_handshake()
        for hello in (outgoing.read(), b"\x16"):
            with socket.create_connection(("127.0.0.1", self.daemon.port), checkout.PATIENCE) as plain:
                start = time.monotonic()
                plain.sendall(hello)
                while plain.recv(65536):
                    pass
                self.assertGreater(time.monotonic() - start, 1.5)

    def test_a_connection_made_in_advance_is_no_late_header(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            tls = trusting(self.certificate)
            tls.maximum_version = version
            with self.subTest(version=version.name):
                self.make_in_advance(self.connect(tls=tls))

    def make_in_advance(self, connection):
        time.sleep(3.5)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        received = connection.recv(65536)
        self.assertTrue(received.startswith(b"HTTP/1.1 200 "))
        # And then it is closed as idle, in good order.
        while data := connection.recv(65536):
            received += data
        self.assertTrue(received.endswith(b'{"status":"ok"}'))


class ReloadTests(TLSTestCase):
    def served(self):
        """The certificate that a new connection is shown."""
        return ssl.get_server_certificate(("127.0.0.1", self.daemon.port)).split()

    def put(self, certificate, key):
        """Writes them in place of those that are served."""
        for new, old in ((certificate, self.certificate), (key, self.key)):
            part = old.with_suffix(".part")
            part.write_bytes(new.read_bytes())
            part.rename(old)

    def test_certificates_change_while_streams_go_on(self):
        self.assertEqual(self.served(), self.certificate.read_text().split())
        open_stream = self.connect()
        self.begin_stream(open_stream, max_tokens=8000)
        first = open_stream.recv(100)
        self.assertTrue(first.startswith(b"HTTP/1.1 200 "))
        received = []

        def read():
            while data := open_stream.recv(65536):
                received.append(data)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        for turn in ("second", "third"):
            certificate, key = make_certificate(self.folder, turn)
            self.put(certificate, key)
            if turn == "third":
                # At once; without a signal it takes a second or two.
                self.daemon.process.send_signal(signal.SIGHUP)
            processes.wait_until(lambda: self.served() == certificate.read_text().split(), "seen")
        self.assertEqual(self.daemon.warnings, [])

        good = self.served()
        other, _ = make_certificate(self.folder, "other")
        for wrong, words in ((other, "expected the private key of"), (self.folder / "text", "expected certificates in PEM")):
            (self.folder / "text").write_text("no certificate")
            self.certificate.write_bytes(wrong.read_bytes())
            count = len(self.daemon.warnings)
            # Connections are what has it look.
            processes.wait_until(lambda: self.served() and len(self.daemon.warnings) > count, "told")
            time.sleep(2)
            self.assertEqual(self.served(), good)
            warning, = self.daemon.warnings[count:]
            self.assertIn("the certificate stays as it is", warning)
            self.assertIn(words, warning)
            self.assertIn(str(self.certificate), warning)
        before = len(received)
        processes.wait_until(lambda: len(received) > before, "still sent to")
        open_stream.shutdown(socket.SHUT_RDWR)
        reader.join(checkout.PATIENCE)


class StartTests(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_wrong_files_are_named_before_the_model_is_read(self):
        certificate, key = make_certificate(self.folder, "one")
        _, other = make_certificate(self.folder, "two")
        text, missing = self.folder / "text", self.folder / "missing"
        text.write_text("nothing")
        locked = self.folder / "locked.key"
        subprocess.run(["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", key, "-out", locked], check=True,
                       capture_output=True)
        for files, words in (((missing, key), f"{missing}: expected a readable file"),
                             ((certificate, missing), f"{missing}: expected a readable file"),
                             ((text, key), f"{text}: expected certificates in PEM"),
                             ((certificate, text), f"{text}: expected an unencrypted private key in PEM"),
                             ((certificate, locked), f"{locked}: expected an unencrypted private key in PEM"),
                             ((certificate, other), f"{other}: expected the private key of {certificate}")):
            options = ("--tls-certificate", files[0], "--tls-key", files[1])
            for mode in ((), ("--check-config",)):
                result = checkout.run("serve", "--port", 0, *options, *mode, data=self.folder)
                self.assertEqual(result.returncode, 1)
                line, = result.stderr.splitlines()
                self.assertIn(words, line)
                self.assertNotIn("Model ready", result.stdout)
        for options in (("--tls-certificate", certificate), ("--tls-key", key)):
            result = checkout.run("serve", *options, data=self.folder)
            self.assertEqual(result.returncode, 2)
            self.assertIn("needs --tls-", result.stderr)

    def test_a_daemon_with_conversations_stops(self):
        certificate, key = make_certificate(self.folder, "one")
        daemon = Daemon("--tls-certificate", certificate, "--tls-key", key, "--registry",
                        checkout.write_registry(self.folder, morse.plugin()))
        self.addCleanup(daemon.kill)
        conversation = WebSocket(daemon.port, tls=trusting(certificate))
        self.addCleanup(conversation.vanish)
        conversation.tell(type="start", sample_rate=morse.RATE)
        conversation.event()
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(conversation.close_code(), 1001)
        self.assertEqual(daemon.process.wait(checkout.PATIENCE), 0)
