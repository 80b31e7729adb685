"""A client that goes away stops what was done for it."""

import http.client
import json
import re
import socket
import tempfile
import threading
import time

import checkout
import client
import processes
from daemon import DaemonTestCase

# The model goes on with this until it is told to stop: some thousand tokens.
ENDLESS = "Repeat the word banana forever, without ever stopping."


class CancellationTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.options = ("--registry", checkout.write_registry(
            folder, checkout.plugin(checkout.build_fixture(folder), "patient", "text", ["text/plain"], "1.0.0")))
        super().setUpClass()

    def setUp(self):
        processes.wait_until(lambda: processes.is_at_rest(self.daemon.pid), "at rest before the test")

    def ask(self, messages, **fields):
        """Sends a request and reads nothing of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=checkout.PATIENCE)
        self.addCleanup(connection.close)
        connection.request("POST", client.COMPLETIONS, json.dumps(client.chat(messages, **fields)))
        return connection

    def wait_until_at_work(self):
        before = processes.cpu_seconds(self.daemon.pid)
        processes.wait_until(lambda: processes.cpu_seconds(self.daemon.pid) > before + 0.2, "at work")

    def seconds_until_at_rest(self, connection, leave):
        """From the request to the rest that follows when the client leaves."""
        start = time.monotonic()
        self.wait_until_at_work()
        leave(connection)
        processes.wait_until(lambda: processes.is_at_rest(self.daemon.pid), "at rest without its client", seconds=10)
        return time.monotonic() - start

    def assert_still_at_work_after(self, seconds, **fields):
        """The control: left alone, the same request goes on for longer than that."""
        connection = self.ask(ENDLESS, max_tokens=8000, **fields)
        self.wait_until_at_work()
        time.sleep(seconds)
        self.assertFalse(processes.is_at_rest(self.daemon.pid), "the request ends by itself: it proves nothing")
        connection.close()

    def test_a_client_that_leaves_while_it_waits(self):
        connection = self.ask(ENDLESS, max_tokens=8000)
        seconds = self.seconds_until_at_rest(connection, lambda connection: connection.close())
        self.assert_still_at_work_after(seconds)

    def test_a_client_that_leaves_in_the_middle_of_a_stream(self):
        connection = self.ask(ENDLESS, max_tokens=8000, stream=True)

        def leave(connection):
            response = connection.getresponse()
            self.assertTrue(response.readline().startswith(b"data: "))
            response.close()
            connection.close()

        seconds = self.seconds_until_at_rest(connection, leave)
        self.assert_still_at_work_after(seconds, stream=True)

    def test_a_client_that_stops_reading_a_stream(self):
        def running():
            text = client.request(self.daemon.port, "GET", "/metrics").body.decode()
            return float(re.search(r"^gatehouse_batch_sequences (.*)$", text, re.MULTILINE)[1])

        body = json.dumps(client.chat(ENDLESS, max_tokens=8000, stream=True)).encode()
        head = f"POST {client.COMPLETIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        streams = []
        for _ in range(2):
            stream = self.enterContext(socket.socket())
            # Before it connects, or the window is as large as the system's.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.settimeout(checkout.PATIENCE)
            stream.connect(("127.0.0.1", self.daemon.port))
            stream.sendall(head + body)
            streams.append(stream)
        reading, _ = streams
        end = []

        def read():
            while data := reading.recv(65536):
                end[:] = [data]

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        processes.wait_until(lambda: running() == 2, "at work on both")
        processes.wait_until(lambda: running() == 1, "at work on one alone", seconds=15)
        # The one that reads is not done: it is the other that was stopped.
        self.assertNotIn(b"[DONE]", b"".join(end))
        reading.shutdown(socket.SHUT_RDWR)
        reader.join(checkout.PATIENCE)

    def test_a_client_that_leaves_while_its_part_is_encoded(self):
        connection = self.ask(client.user(client.file(b"wait for it", "text/plain")))

        def running():
            return self.daemon.plugins()["patient"]["running"]

        processes.wait_until(lambda: running() > 0, "busy")
        connection.close()
        processes.wait_until(lambda: running() == 0, "free again", seconds=10)
        after = client.complete(
            self.daemon.port, client.user(client.file(b"hello", "text/plain")), max_tokens=1)
        self.assertEqual(after.status, 200, after.body)
        self.assertEqual(self.daemon.plugins()["patient"]["errors"], 0)

    def test_others_go_on_when_one_client_leaves(self):
        alone = client.complete(self.daemon.port, "Write a poem about the sea.", max_tokens=60).text
        leaving = [self.ask(ENDLESS, max_tokens=8000, stream=bool(number % 2)) for number in range(4)]
        self.wait_until_at_work()
        staying = self.ask("Write a poem about the sea.", max_tokens=60)
        for connection in leaving:
            connection.close()
        answer = json.loads(staying.getresponse().read())
        self.assertEqual(answer["choices"][0]["message"]["content"], alone)
