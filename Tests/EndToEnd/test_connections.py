"""Limits of what a client may send over a connection and how long it may take, each with its own error."""

import json
import pathlib
import re
import socket
import unittest

import checkout
import client
import processes
from daemon import Daemon, DaemonTestCase


class LimitTests(DaemonTestCase):
    options = ("--max-body-mb", 1, "--max-header-kb", 1, "--max-connections", 8, "--header-seconds", 1, "--body-seconds", 1,
               "--idle-seconds", 1)

    def connect(self):
        return self.enterContext(socket.create_connection(("127.0.0.1", self.daemon.port), checkout.PATIENCE))

    def answer(self, *pieces):
        """Status and error of what is told to a client that sends `pieces`; the connection ends then."""
        connection = self.connect()
        for piece in pieces:
            connection.sendall(piece.encode())
        received = b""
        while data := connection.recv(65536):
            received += data
        head, body = received.split(b"\r\n\r\n", 1)
        return int(re.match(rb"HTTP/1.1 (\d+) ", head)[1]), json.loads(body)["error"]

    def test_each_limit_has_its_error(self):
        post = f"POST {client.COMPLETIONS} HTTP/1.1\r\nHost: x\r\n"
        for pieces, status, code, words in (
                ((post + "Content-Length: 1048577\r\n\r\n",), 413, "request_too_large", "1048576 bytes"),
                ((post + "Transfer-Encoding: chunked\r\n\r\n", "100001\r\n" + "x" * 1048577), 413, "request_too_large",
                 "1048576 bytes"),
                ((post + "X-Note: " + "x" * 1100 + "\r\n\r\n",), 431, "header_too_large", "1024 bytes"),
                ((post,), 408, "header_timeout", "1 s"),
                ((post + "Content-Length: 10\r\n\r\n{",), 408, "body_timeout", "1 s")):
            with self.subTest(code=code):
                found, error = self.answer(*pieces)
                self.assertEqual((found, error["code"]), (status, code))
                self.assertIn(words, error["message"])

    def test_what_is_within_them_is_answered(self):
        answer = client.complete(self.daemon.port, "Hello", max_tokens=1, user="x" * 1_000_000)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn(b"[DONE]", client.events(self.daemon.port, "Hello", max_tokens=20))

    def test_a_connection_without_a_request_is_closed(self):
        fresh, used = self.connect(), self.connect()
        used.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(used.recv(65536).startswith(b"HTTP/1.1 200 "))
        for connection in (fresh, used):
            self.assertEqual(connection.recv(1), b"")

    def test_connections(self):
        held = [self.connect() for _ in range(8)]
        for connection in held:
            # Begun, so that they are not closed as idle.
            connection.sendall(b"GET /health HTTP/1.1\r\nHost")
        status, error = self.answer("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual((status, error["code"]), (503, "too_many_connections"))
        self.assertIn("8 connections", error["message"])
        for connection in held:
            connection.close()
        processes.wait_until(lambda: client.request(self.daemon.port, "GET", "/health").status == 200, "free again")


class DescriptorTests(unittest.TestCase):
    def test_more_connections_than_files_is_a_warning(self):
        daemon = Daemon("--max-connections", 1_000_000)
        self.addCleanup(daemon.kill)
        limits = pathlib.Path(f"/proc/{daemon.pid}/limits").read_text()
        limit = int(re.search(r"Max open files +\d+ +(\d+)", limits)[1])
        warned = f"--max-connections 1000000: this process may have {limit} files open" in daemon.errors
        self.assertEqual(warned, limit < 1_000_000)
