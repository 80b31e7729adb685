"""Pages of other origins: what a browser may do for them, and keys of those that cannot set a header."""

import pathlib
import tempfile

import checkout
import client
import morse
from daemon import DaemonTestCase
from test_commands import CommandTestCase
from websocket import WebSocket


class OriginTests(DaemonTestCase):
    allowed = "https://app.example:8443"

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        keys = folder / "keys"
        cls.key = checkout.answer("key", "new", "page", "--api-key-file", keys).split()[-1]
        cls.options = ("--registry", checkout.write_registry(folder, morse.plugin()), "--api-key-file", keys,
                       "--allow-origin", cls.allowed.upper())
        super().setUpClass()

    def subprotocols(self, key):
        return f"realtime, openai-insecure-api-key.{key}, openai-beta.realtime-v1"

    def talk(self, **fields):
        conversation = WebSocket(self.daemon.port, **fields)
        self.addCleanup(conversation.vanish)
        return conversation

    def ask(self, method, path, origin, body=None, **fields):
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        return client.request(self.daemon.port, method, path, body, {**headers, **({"Origin": origin} if origin else {})})

    # WebSockets

    def test_a_page_gives_its_key_as_a_subprotocol(self):
        conversation = self.talk(Sec_WebSocket_Protocol=self.subprotocols(self.key))
        self.assertIn("\r\nSec-WebSocket-Protocol: realtime", conversation.head)
        conversation.tell(type="start")
        self.assertEqual(conversation.event()["type"], "started")
        # One that sets the header is offered nothing that it did not ask for.
        self.assertNotIn("Sec-WebSocket-Protocol", self.talk(Authorization=f"Bearer {self.key}").head)

    def test_a_wrong_key_is_refused(self):
        for fields in ({}, {"Sec_WebSocket_Protocol": "realtime"},
                       {"Sec_WebSocket_Protocol": self.subprotocols("gh-" + "0" * 64)}):
            with self.assertRaisesRegex(AssertionError, "HTTP/1.1 401 "):
                self.talk(**fields)

    def test_no_other_request_takes_a_key_so(self):
        answer = self.ask("GET", "/v1/models", None, Sec_WebSocket_Protocol=self.subprotocols(self.key))
        self.assertEqual(answer.status, 401)

    def test_a_strange_page_is_refused(self):
        # The client sends `Host: 127.0.0.1`.
        for origin in ("https://evil.example", "https://app.example", "http://127.0.0.1:1", "null", "https://",
                       "https://127.0.0.1.evil.example"):
            with self.subTest(origin=origin), self.assertRaisesRegex(AssertionError, "(?s)HTTP/1.1 403 .*origin_not_allowed"):
                self.talk(Origin=origin, Sec_WebSocket_Protocol=self.subprotocols(self.key))
        for origin in ("http://127.0.0.1", "https://127.0.0.1", self.allowed):
            self.talk(Origin=origin, Sec_WebSocket_Protocol=self.subprotocols(self.key))

    # The JSON API

    def test_a_browser_that_asks_first_is_told_for_an_allowed_page_alone(self):
        asks = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization,content-type"}
        answer = self.ask("OPTIONS", client.COMPLETIONS, self.allowed, **asks)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], self.allowed)
        self.assertEqual(answer.headers["Access-Control-Allow-Headers"], "authorization,content-type")
        self.assertIn("POST", answer.headers["Access-Control-Allow-Methods"])
        self.assertEqual(answer.headers["Vary"], "Origin")
        for origin in ("https://evil.example", None):
            answer = self.ask("OPTIONS", client.COMPLETIONS, origin, **asks)
            self.assertEqual(answer.status, 401)
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers)

    def test_an_allowed_page_may_read_answers_errors_and_streams(self):
        bearer = {"Authorization": f"Bearer {self.key}"}
        for body, fields, status in ((client.chat("Hello", max_tokens=1), bearer, 200),
                                     (client.chat("Hello", max_tokens=1, stream=True), bearer, 200),
                                     (client.chat([]), bearer, 400), (client.chat("Hello"), {}, 401)):
            answer = self.ask("POST", client.COMPLETIONS, self.allowed, body, **fields)
            self.assertEqual(answer.status, status, answer.body)
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], self.allowed)
            self.assertIn("x-request-id", answer.headers["Access-Control-Expose-Headers"])
        for origin in ("https://evil.example", None):
            answer = self.ask("GET", "/v1/models", origin, **bearer)
            self.assertEqual(answer.status, 200)
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers)


class OptionTests(CommandTestCase):
    def test_what_is_no_origin_is_refused(self):
        for text in ("app.example", "https://", "https://app.example/", "https://a b", "://x", ""):
            self.assert_fails(2, "serve", "--allow-origin", text, naming=["--allow-origin"])
