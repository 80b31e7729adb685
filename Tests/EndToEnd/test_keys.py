"""Keys and their limits: who gets in, who has to wait, and what a stranger is told."""

import pathlib
import socket
import stat
import tempfile
import threading

import checkout
import client
import processes
from daemon import Daemon, DaemonTestCase
from test_commands import CommandTestCase

ASK = dict(messages=[{"role": "user", "content": "Name a colour."}], max_tokens=4, temperature=0)


def new(path, label, *options):
    return checkout.answer("key", "new", label, "--api-key-file", path, *options).split()[-1]


class KeyCommandTests(CommandTestCase):
    def test_a_key_is_shown_once_and_kept_as_a_digest(self):
        path = self.folder / "keys"
        key = new(path, "lab", "--requests-per-minute", 60, "--modalities", "image")
        self.assertRegex(key, r"^gh-[0-9a-f]{64}$")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertNotIn(key, path.read_text())
        self.assertNotIn(key[3:], path.read_text())
        other = new(path, "phone")
        self.assertNotEqual(key, other)
        self.assertEqual(checkout.answer("key", "list", "--api-key-file", path),
                         "lab requests_per_minute=60 modalities=image\nphone\n")
        checkout.answer("key", "remove", "lab", "--api-key-file", path)
        self.assertEqual(checkout.answer("key", "list", "--api-key-file", path), "phone\n")

    def test_what_is_wrong_is_told_with_its_line(self):
        path = self.folder / "keys"
        new(path, "lab")
        self.assert_fails(1, "key", "new", "lab", "--api-key-file", path, naming=["lab", "already"])
        self.assert_fails(1, "key", "remove", "other", "--api-key-file", path, naming=["other", "lab"])
        self.assert_fails(2, "key", "new", "a b", "--api-key-file", path, naming=["label"])
        self.assert_fails(1, "key", "list", "--api-key-file", self.folder / "none", naming=["none", "no such file"])
        for line, word in (("x", "SHA-256"), ("x zz", "SHA-256"), (f"x {'0' * 64} speed=3", "requests_per_minute"),
                           (f"x {'0' * 64} concurrent=0", "concurrent"), (f"lab {'0' * 64}", "again")):
            text = path.read_text()
            path.write_text(text + line + "\n")
            self.assert_fails(1, "key", "list", "--api-key-file", path, naming=[f"{path}:2", word])
            path.write_text(text)

    def test_a_daemon_does_not_open_itself_to_strangers(self):
        self.assert_fails(2, "serve", "--host", "0.0.0.0", naming=["--host", "--api-key-file", "--insecure"])
        empty = self.folder / "keys"
        empty.write_text("# none yet\n")
        self.assert_fails_serving("--api-key-file", empty, naming="key new")
        self.assert_fails_serving("--api-key-file", self.folder / "none", naming="no such file")

    def assert_fails_serving(self, *options, naming):
        result = checkout.run("serve", "--port", "0", *options, data=self.folder / "data")
        self.assertEqual(result.returncode, 1)
        self.assertIn(naming, result.stderr)


class KeyTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name) / "keys"
        cls.keys = {
            "free": new(cls.path, "free"), "two": new(cls.path, "two", "--requests-per-minute", 2),
            "tokens": new(cls.path, "tokens", "--tokens-per-minute", 10),
            "single": new(cls.path, "single", "--concurrent", 1), "text": new(cls.path, "text", "--modalities", "text")}
        cls.options = ("--api-key-file", cls.path, "--admin")
        super().setUpClass()

    def ask(self, key, path=client.COMPLETIONS, method="POST", body=ASK):
        headers = {"Authorization": f"Bearer {self.keys.get(key, key)}"} if key else {}
        return client.request(self.daemon.port, method, path, body, headers)

    def test_nothing_but_health_is_answered_without_a_key(self):
        for key in (None, "gh-" + "0" * 64, self.keys["free"][:-1]):
            for method, path in (("GET", "/v1/models"), ("GET", "/metrics"), ("GET", "/admin/plugins"), ("GET", "/nowhere"),
                                 ("POST", client.COMPLETIONS)):
                with self.subTest(key=key, path=path):
                    answer = self.ask(key, path, method, ASK if method == "POST" else None)
                    self.assertEqual(answer.status, 401)
                    self.assertEqual(answer.error["code"], "invalid_api_key")
                    self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
            self.assertEqual(self.ask(key, "/health", "GET", None).status, 200)
        for scheme in ("Basic", "bearer"):
            answer = client.request(self.daemon.port, "GET", "/v1/models", None,
                                    {"Authorization": f"{scheme} {self.keys['free']}"})
            self.assertEqual(answer.status, 401 if scheme == "Basic" else 200)

    def test_a_stranger_is_refused_before_the_body_is_sent(self):
        with socket.create_connection(("127.0.0.1", self.daemon.port), checkout.PATIENCE) as connection:
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n")
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 401 "))

    def test_requests_a_minute(self):
        first, second, third = (self.ask("two") for _ in range(3))
        self.assertEqual([first.status, second.status, third.status], [200, 200, 429])
        self.assertEqual(first.headers["x-ratelimit-limit-requests"], "2")
        self.assertEqual(first.headers["x-ratelimit-remaining-requests"], "1")
        self.assertEqual(second.headers["x-ratelimit-remaining-requests"], "0")
        self.assertEqual(third.error["code"], "rate_limit_exceeded")
        self.assertIn("2 requests a minute", third.error["message"])
        self.assertTrue(1 <= int(third.headers["Retry-After"]) <= 30)
        self.assertEqual(self.ask("free").status, 200)

    def test_tokens_a_minute_are_paid_when_they_are_known(self):
        first = self.ask("tokens")
        self.assertEqual(first.status, 200)
        self.assertGreater(first.json["usage"]["total_tokens"], 10)
        second = self.ask("tokens")
        self.assertEqual(second.status, 429)
        self.assertIn("10 tokens a minute", second.error["message"])
        self.assertEqual(second.headers["x-ratelimit-remaining-tokens"], "0")

    def test_requests_at_once_and_a_client_that_goes_away(self):
        # The stream's client does not read, and then goes.
        body = client.json.dumps({**ASK, "max_tokens": 4000, "stream": True}).encode()
        head = (f"POST {client.COMPLETIONS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {self.keys['single']}\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        with socket.create_connection(("127.0.0.1", self.daemon.port), checkout.PATIENCE) as connection:
            connection.sendall(head + body)
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200 "))
            refused = self.ask("single")
            self.assertEqual(refused.status, 429)
            self.assertIn("1 requests at once", refused.error["message"])
        processes.wait_until(lambda: self.ask("single").status == 200, "free again")

    def test_modalities_of_a_key(self):
        parts = client.user(client.picture("light.png"), client.text("What is this?"))
        answer = self.ask("text", body=client.chat(parts, max_tokens=1))
        self.assertEqual((answer.status, answer.error["code"]), (403, "modality_not_allowed"))
        self.assertEqual(self.ask("free", body=client.chat(parts, max_tokens=1)).status, 200)
        self.assertEqual(self.ask("text").status, 200)

    def test_keys_come_and_go_while_it_serves(self):
        key = new(self.path, "guest")
        self.assertEqual(self.ask(key).status, 200)
        checkout.answer("key", "remove", "guest", "--api-key-file", self.path)
        self.assertEqual(self.ask(key).status, 401)
        good = self.path.read_text()
        try:
            self.path.write_text("nonsense\n")
            self.assertEqual(self.ask("free").status, 200)
            self.assertIn("the keys stay as they are", self.daemon.errors)
        finally:
            self.path.write_text(good)

    def test_the_openai_client_with_a_key(self):
        import openai
        made = client.openai(self.daemon.port)
        with self.assertRaises(openai.AuthenticationError):
            made.models.list()
        made.api_key = self.keys["free"]
        self.assertEqual(len(made.models.list().data), 1)
