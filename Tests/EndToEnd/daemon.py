"""A running `gatehouse serve` in a data folder of its own, and the base class of tests that share one."""

import json
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import checkout
import processes

READY = "[SUCCESS] Model service is ready for inference!"


class Daemon:
    """Started on construction; `stop` ends it. Its output goes to files, so it never waits for a reader."""

    def __init__(self, *options, data=None, ready=True):
        checkout.require()
        self._folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-")
        self.folder = pathlib.Path(self._folder.name)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        if "--port" not in options:
            options = ("--port", "0", *options)
        if "--registry" not in options:
            options = ("--registry", checkout.REGISTRY, *options)
        with open(self.folder / "stdout", "wb") as output, open(self.folder / "stderr", "wb") as errors:
            self.process = subprocess.Popen(
                [checkout.BINARY, "serve", *map(str, options)], stdin=subprocess.DEVNULL, stdout=output,
                stderr=errors, cwd=checkout.ROOT, env=checkout.environment(self.data))
        if ready:
            self.wait_until_ready()

    @property
    def pid(self):
        return self.process.pid

    @property
    def output(self):
        return (self.folder / "stdout").read_text()

    @property
    def errors(self):
        return (self.folder / "stderr").read_text()

    @property
    def log(self):
        """What it wrote on standard error, which is no terminal: an object a line."""
        return [json.loads(line) for line in self.errors.splitlines()]

    @property
    def warnings(self):
        return [line["message"] for line in self.log if line["level"] == "warning"]

    @property
    def lines(self):
        return self.output.splitlines()

    def wait_until_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}: {self.errors.strip()}")
            return READY in self.lines

        try:
            processes.wait_until(ready, "ready for inference")
        except AssertionError:
            self.kill()
            raise

    @property
    def port(self):
        return int(re.search(r"Server started at https?://127\.0\.0\.1:(\d+)$", self.output, re.MULTILINE)[1])

    @property
    def workers(self):
        """Process ids of the plugins' workers."""
        return processes.children(self.pid)

    def plugins(self):
        """Rows of `gatehouse plugin list --json`, by id."""
        registry = re.search(r"^\[INFO\] Registry: (.*)$", self.output, re.MULTILINE)[1]
        listing = json.loads(
            checkout.answer("plugin", "list", "--json", "--registry", registry, data=self.data))
        if not listing["daemon"]:
            raise AssertionError("gatehouse plugin list does not find the daemon")
        return {row["id"]: row for row in listing["plugins"]}

    def stop(self, how=signal.SIGTERM):
        """Ends it as an operator would, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(checkout.PATIENCE)

    def kill(self):
        """Ends it where it still runs; what it wrote goes too."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()


class DaemonTestCase(unittest.TestCase):
    """Tests over one daemon, started with `options` in front of the first of them."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(*cls.options)
        cls.addClassCleanup(cls.daemon.kill)

    @classmethod
    def tearDownClass(cls):
        code = cls.daemon.stop()
        assert code == 0, f"the daemon ended with {code}"
