"""Two replicas behind the balancer: a conversation stays where its pages are, a replica that is killed takes its own streams alone
along, and an upgrade none."""

import json
import http.client
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import checkout
import client
import processes
from daemon import READY

ANSWER = 24


def free_ports(count):
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


class Clients:
    """Threads that each ask again as soon as they are answered, until `stop`."""

    def __init__(self, port, count):
        self.port = port
        self.whole, self.broken = [], []
        self.running = {}
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=[number]) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(checkout.PATIENCE)

    def run(self, number):
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            try:
                self.ask(number, f"Client {number}, question {turn}: tell me something.")
                self.whole.append(number)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.broken.append((self.running.get(number), repr(error)))
            self.running.pop(number, None)

    def ask(self, number, question):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=checkout.PATIENCE)
        try:
            body = client.chat(question, stream=True, max_tokens=ANSWER, logit_bias={"0": -100, "2": -100})
            connection.request("POST", client.COMPLETIONS, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise AssertionError(f"{response.status} {response.read()[:200]}")
            self.running[number] = response.headers["x-gatehouse-replica"]
            if not response.read().endswith(b"data: [DONE]\n\n"):
                raise AssertionError("the stream was cut")
        finally:
            connection.close()


class ReplicaTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        checkout.require()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.port = free_ports(3)
        cls.output = f"{cls.folder}/out"
        with open(cls.output, "wb") as output, open(f"{cls.folder}/err", "wb") as errors:
            cls.script = subprocess.Popen(
                ["sh", checkout.ROOT / "Scripts" / "replicas.sh", "--port", str(cls.port), "--ctx", "1024"],
                stdout=output, stderr=errors, stdin=subprocess.DEVNULL, env=checkout.environment(cls.folder))
        cls.addClassCleanup(cls.end)
        processes.wait_until(lambda: cls.script.poll() is not None or READY in cls.said(), "ready")

    @classmethod
    def end(cls):
        if cls.script.poll() is None:
            cls.script.terminate()
        cls.script.wait(checkout.PATIENCE)

    @classmethod
    def said(cls):
        with open(cls.output) as file:
            return file.read()

    def daemon(self, number):
        """The process of a replica, by the port that it listens on."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"/gatehouse") and str(self.port + number).encode() in words:
                return int(pid)
        return None

    def ready(self):
        return client.request(self.port, "GET", "/replicas").json["ready"]

    def test_a_conversation_finds_its_pages(self):
        system = "You are a patient librarian who answers in one sentence. " * 16
        for topic in ("maps", "poems", "stamps", "clocks", "ships", "birds"):
            messages = [{"role": "system", "content": system}, {"role": "user", "content": f"Tell me of {topic}."}]
            replicas = set()
            for turn in range(3):
                response = client.complete(self.port, messages, max_tokens=16)
                replicas.add(response.headers["x-gatehouse-replica"])
                cached = response.json["usage"]["prompt_tokens_details"]["cached_tokens"]
                self.assertTrue(turn == 0 or cached >= 64 * turn, f"{topic}, turn {turn}: {cached} tokens cached")
                messages += [{"role": "assistant", "content": response.text}, {"role": "user", "content": "Go on."}]
            self.assertEqual(len(replicas), 1, topic)

    def test_both_replicas_work(self):
        served = {client.complete(self.port, f"Number {number}?", max_tokens=1).headers["x-gatehouse-replica"]
                  for number in range(16)}
        self.assertEqual(served, {"replica-1", "replica-2"})

    def test_a_killed_replica_takes_only_its_streams_along(self):
        asking = Clients(self.port, 8)
        self.addCleanup(asking.stop)
        processes.wait_until(lambda: len(asking.whole) > 16 and "replica-1" in asking.running.values(), "busy")
        first = self.daemon(1)
        os.kill(first, signal.SIGKILL)
        processes.wait_until(lambda: self.daemon(1) not in (None, first), "started again")
        before = len(asking.whole)
        processes.wait_until(lambda: self.ready() == 2 and len(asking.whole) > before + 16, "busy again")
        asking.stop()
        self.assertLessEqual(len(asking.broken), 8, asking.broken)
        # Each was being read from the replica that died: a request without an answer went to the other one.
        self.assertEqual({replica for replica, _ in asking.broken} - {"replica-1"}, set(), asking.broken)

    def test_an_upgrade_loses_nothing(self):
        asking = Clients(self.port, 8)
        self.addCleanup(asking.stop)
        processes.wait_until(lambda: len(asking.whole) > 8, "busy")
        before = {self.daemon(1), self.daemon(2)}
        upgrades = self.said().count("[INFO] Upgraded")
        self.script.send_signal(signal.SIGUSR1)
        processes.wait_until(lambda: self.said().count("[INFO] Upgraded") > upgrades, "upgraded", seconds=120)
        after = len(asking.whole)
        processes.wait_until(lambda: len(asking.whole) > after + 8, "busy after it")
        asking.stop()
        self.assertEqual(asking.broken, [])
        self.assertFalse(before & {self.daemon(1), self.daemon(2)})

    def test_a_client_that_leaves_frees_its_replica(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=checkout.PATIENCE)
        body = client.chat("Count to a thousand.", stream=True, max_tokens=900, logit_bias={"0": -100, "2": -100})
        connection.request("POST", client.COMPLETIONS, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.readline()
        daemon = self.daemon(int(response.headers["x-gatehouse-replica"][-1]))
        response.close()
        connection.close()
        processes.wait_until(lambda: processes.is_at_rest(daemon), "at rest", seconds=20)

    @classmethod
    def tearDownClass(cls):
        # What runs when the signal comes is finished.
        asking = threading.Thread(target=lambda: cls.last.append(
            client.complete(cls.port, "The last one.", max_tokens=200, logit_bias={"0": -100, "2": -100})))
        cls.last = []
        asking.start()
        time.sleep(0.3)
        cls.script.terminate()
        assert cls.script.wait(checkout.PATIENCE) == 0, "the script did not end well"
        asking.join()
        assert cls.last[0].status == 200, cls.last[0].body
        assert "[INFO] Stopped" in cls.said()
