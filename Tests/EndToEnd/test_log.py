"""The log: an object for each request, and nothing of what is asked or answered."""

import http.client
import json
import os
import pty
import re
import tempfile

import checkout
import client
import processes
from daemon import Daemon, DaemonTestCase

SECRET = "xylophone-4711"


class RequestLogTests(DaemonTestCase):
    def last(self, request_id):
        """The line of a request that is over."""
        lines = processes.wait_until(
            lambda: [line for line in self.daemon.log if line.get("request") == request_id], "in the log")
        line, = lines
        return line

    def test_a_chat(self):
        response = client.complete(self.daemon.port, f"Say hello to {SECRET}.", max_tokens=5)
        line = self.last(response.headers["x-request-id"])
        usage = response.json["usage"]
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
        self.assertEqual(
            {name: line[name] for name in (
                "level", "event", "client", "method", "path", "status", "bytes", "whole", "prompt_tokens",
                "answer_tokens")},
            {"level": "info", "event": "request", "client": "127.0.0.1", "method": "POST",
             "path": "/v1/chat/completions", "status": 200, "bytes": len(response.body), "whole": True,
             "prompt_tokens": usage["prompt_tokens"], "answer_tokens": usage["completion_tokens"]})
        self.assertGreater(line["seconds"], line["first_token_seconds"])
        self.assertIn("cached_tokens", line)

    def test_an_image_names_its_plugin(self):
        response = client.complete(self.daemon.port, client.user(client.picture("light.png")), max_tokens=1)
        self.assertRegex(self.last(response.headers["x-request-id"])["plugins"], r"^screen-text \d+\.\d+\.\d+$")

    def test_errors_have_their_code(self):
        response = client.request(self.daemon.port, "POST", client.COMPLETIONS, {"messages": SECRET})
        line = self.last(response.headers["x-request-id"])
        self.assertEqual((line["status"], line["level"]), (400, "info"))
        self.assertEqual(line["error"], response.error["code"])

    def test_a_client_that_leaves(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port)
        body = client.chat("Count from one to a thousand.", stream=True, max_tokens=2000)
        connection.request("POST", client.COMPLETIONS, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.readline()
        response.close()
        connection.close()
        line = self.last(response.headers["x-request-id"])
        self.assertEqual((line["status"], line["whole"]), (200, False))

    def test_checks_of_a_balancer_are_no_lines(self):
        checks = [client.request(self.daemon.port, "GET", path) for path in ("/health", "/metrics")]
        self.last(client.request(self.daemon.port, "GET", "/version").headers["x-request-id"])
        logged = {line.get("request") for line in self.daemon.log}
        self.assertFalse(logged & {check.headers["x-request-id"] for check in checks})

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        # Of what all the tests said.
        assert SECRET not in cls.daemon.errors
        assert SECRET not in cls.daemon.output


class PromptLogTests(DaemonTestCase):
    options = ("--log-prompts",)

    def test_what_is_asked_and_answered_is_there_when_wanted(self):
        picture = client.picture("light.png")
        response = client.complete(
            self.daemon.port, client.user(picture, client.text(f"Is this {SECRET}?")), max_tokens=8)
        line, = processes.wait_until(
            lambda: [line for line in self.daemon.log if line.get("request") == response.headers["x-request-id"]],
            "in the log")
        content = line["messages"][0]["content"]
        self.assertIn(SECRET, content)
        self.assertRegex(content, r"\[image/png, \d+ bytes\]")
        self.assertEqual(line["answer"], response.text)
        self.assertNotIn(picture["image_url"]["url"][-40:], self.daemon.errors)

        client.request(self.daemon.port, "POST", "/v1/completions", {"prompt": "Once upon", "max_tokens": 2})
        processes.wait_until(
            lambda: [line for line in self.daemon.log if line.get("prompt") == "Once upon"], "in the log")


class KeyLogTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        file = f"{cls.folder.name}/keys"
        cls.key = checkout.answer("key", "new", "phone-lab", "--api-key-file", file).split()[-1]
        cls.options = ("--api-key-file", file)
        super().setUpClass()

    def test_the_label_is_told_and_never_the_key(self):
        response = client.request(
            self.daemon.port, "POST", client.COMPLETIONS, client.chat("Hello", max_tokens=1),
            {"Authorization": f"Bearer {self.key}"})
        client.request(self.daemon.port, "GET", f"/v1/models?key={self.key}", headers={"Authorization": "Bearer wrong-one"})
        lines = processes.wait_until(
            lambda: len(requests := [line for line in self.daemon.log if line["event"] == "request"]) == 2 and requests,
            "in the log")
        self.assertEqual([(line["status"], line.get("key"), line.get("error")) for line in lines],
                         [(response.status, "phone-lab", None), (401, None, "invalid_api_key")])
        self.assertNotIn(self.key, self.daemon.errors)
        self.assertNotIn("wrong-one", self.daemon.errors)


class TerminalTests(DaemonTestCase):
    """On a terminal it writes for people."""

    options = ("--log-format", "text")

    def test_a_line_for_a_request(self):
        response = client.complete(self.daemon.port, "Hello", max_tokens=2)
        request = response.headers["x-request-id"]
        processes.wait_until(lambda: request in self.daemon.errors, "in the log")
        line, = [line for line in self.daemon.errors.splitlines() if request in line]
        self.assertRegex(
            line, rf"^\[INFO\] \S+Z {request} 127\.0\.0\.1 POST /v1/chat/completions 200 in \d+(\.\d+)? s; "
            r"prompt_tokens \d+, .*answer_tokens 2")
