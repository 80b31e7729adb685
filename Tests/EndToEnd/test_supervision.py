"""What supervises the daemon: it comes back after a crash, hears its operator, and is let go when it refuses to start."""

import os
import re
import signal
import subprocess
import tempfile
import unittest

import checkout
import client
import processes
from daemon import READY

SUPERVISE = checkout.ROOT / "Scripts" / "supervise.sh"


class SupervisionTests(unittest.TestCase):
    def start(self, *command, script=SUPERVISE):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.output, self.errors = f"{folder}/out", f"{folder}/err"
        with open(self.output, "wb") as output, open(self.errors, "wb") as errors:
            process = subprocess.Popen(
                ["sh", script, *map(str, command)], stdout=output, stderr=errors, stdin=subprocess.DEVNULL,
                env=checkout.environment(folder))
        self.addCleanup(lambda: (process.poll() is None and process.terminate(), process.wait(checkout.PATIENCE)))
        return process

    def read(self, path):
        with open(path) as file:
            return file.read()

    def daemon(self, supervisor):
        """The daemon's process id."""
        name = os.path.realpath(checkout.BINARY)
        found = [pid for pid in processes.children(supervisor.pid)
                 if os.path.realpath(f"/proc/{pid}/exe") == name]
        return found[0] if found else None

    def test_a_crashed_daemon_comes_back_and_says_what_it_said_last(self):
        supervisor = self.start(checkout.BINARY, "serve", "--port", "0", "--registry", checkout.ROOT / "registry.json")
        processes.wait_until(lambda: READY in self.read(self.output), "ready")
        first = self.daemon(supervisor)
        # Passed on, and the daemon reads its registry again.
        os.kill(supervisor.pid, signal.SIGHUP)
        processes.wait_until(lambda: "taken over" in self.read(self.errors), "read again")
        os.kill(first, signal.SIGKILL)
        processes.wait_until(lambda: self.read(self.output).count(READY) == 2, "back")
        self.assertNotEqual(self.daemon(supervisor), first)
        errors = self.read(self.errors)
        self.assertIn("[ERROR] the daemon was ended by signal 9; it starts again in 1 s", errors)
        self.assertIn("[ERROR] its last lines were:\n    ", errors)
        port = int(re.findall(r"Server started at http://127\.0\.0\.1:(\d+)$", self.read(self.output), re.MULTILINE)[-1])
        self.assertEqual(client.request(port, "GET", "/health").status, 200)
        second = self.daemon(supervisor)
        supervisor.send_signal(signal.SIGTERM)
        self.assertEqual(supervisor.wait(checkout.PATIENCE), 0)
        self.assertFalse(processes.is_there(second))
        self.assertIn("[INFO] SIGTERM received", self.read(self.output))

    def test_one_that_refuses_to_start_is_not_tried_again(self):
        supervisor = self.start(checkout.BINARY, "serve", "--model", "/nowhere.gguf")
        self.assertEqual(supervisor.wait(checkout.PATIENCE), 1)
        self.assertEqual(self.read(self.errors).count("/nowhere.gguf"), 1)

    def test_waiting_grows_and_a_signal_ends_it(self):
        supervisor = self.start("sh", "-c", "echo line >&2; kill -KILL $$")
        processes.wait_until(lambda: "again in 4 s" in self.read(self.errors), "waiting longer")
        errors = self.read(self.errors)
        self.assertLess(errors.index("again in 1 s"), errors.index("again in 2 s"))
        supervisor.send_signal(signal.SIGTERM)
        self.assertEqual(supervisor.wait(3), 128 + signal.SIGKILL)

    def test_the_start_script_takes_another_allocator(self):
        script = checkout.ROOT / "run_server.sh"
        wrong = subprocess.run(["sh", script, "--allocator", "best"], capture_output=True, text=True)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn('--allocator: expected tcmalloc or jemalloc, found "best"', wrong.stderr)

        supervisor = self.start("--allocator", "jemalloc", "--port", "0", script=script)
        processes.wait_until(lambda: READY in self.read(self.output), "ready", seconds=600)
        self.assertTrue(any("libjemalloc" in path for path in processes.open_files(self.daemon(supervisor))))
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)$", self.read(self.output), re.MULTILINE)[1])
        answer = client.complete(port, client.user(client.picture("light.png")), max_tokens=1)
        self.assertEqual(answer.json["gatehouse"]["modalities"][0]["plugin"], "screen-text")
        supervisor.send_signal(signal.SIGTERM)
        self.assertEqual(supervisor.wait(checkout.PATIENCE), 0)
