"""When plugins are loaded, how long they stay, and what happens when one dies."""

import json
import os
import pathlib
import signal
import tempfile
import threading

import checkout
import client
import processes
from daemon import DaemonTestCase

READ = client.user(client.picture("light.png"), client.text("Repeat the text in the image word for word."))


def send(text):
    """A message whose one part goes to the fixture's plugin `patient`."""
    return client.user(client.file(text.encode(), "text/plain"))


class LoadOnDemandTests(DaemonTestCase):
    """One test, as each step needs the one before."""

    options = ("--media-cache", "0")

    def test_a_plugin_is_opened_by_the_first_request_that_needs_it(self):
        folder = str(checkout.ROOT / "Plugins")

        def opened():
            return [path for path in processes.open_files(self.daemon.pid) if path.startswith(folder)]

        for words in ("Hello", "What is in Plugins/ScreenText?"):
            self.assertEqual(client.complete(self.daemon.port, words, max_tokens=4).status, 200)
        self.assertEqual(self.daemon.workers, [])
        self.assertEqual(opened(), [])
        self.assertEqual(self.daemon.plugins()["screen-text"]["state"], "unloaded")

        # Refusals and parts that are switched off start nothing either.
        client.complete(self.daemon.port, client.user(client.file(b"%PDF-1.7", "application/pdf")))
        client.complete(self.daemon.port, READ, max_tokens=1, gatehouse={"modalities": {"screen-text": "off"}})
        self.assertEqual(self.daemon.workers, [])

        first = client.complete(self.daemon.port, READ, max_tokens=1)
        self.assertGreater(first.json["gatehouse"]["modalities"][0]["load_ms"], 0)
        worker, = self.daemon.workers
        self.assertIn(str(checkout.SCREEN_TEXT), processes.open_files(worker))
        self.assertEqual(opened(), [], "the host itself opened the plugin")

        second = client.complete(self.daemon.port, READ, max_tokens=1)
        self.assertEqual(second.json["gatehouse"]["modalities"][0]["load_ms"], 0)
        self.assertEqual(self.daemon.workers, [worker])
        row = self.daemon.plugins()["screen-text"]
        self.assertEqual((row["state"], row["process"], row["loads"], row["calls"], row["errors"]),
                         ("ready", worker, 1, 2, 0))


class FixtureTestCase(DaemonTestCase):
    """A daemon whose registry has ScreenText, let go a second after its last call, and the plugin `patient`."""

    # Of `patient` in the registry.
    fields = {}

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        library = checkout.build_fixture(folder)
        registry = checkout.write_registry(
            folder, checkout.plugin(checkout.SCREEN_TEXT, idle_unload_seconds=1),
            checkout.plugin(library, "patient", "text", ["text/plain"], "1.0.0", **cls.fields))
        cls.options = ("--registry", registry, "--media-cache", "0")
        super().setUpClass()

    @property
    def port(self):
        return self.daemon.port

    def wait_until_busy(self):
        """Until a call is inside `patient`; its worker's process id."""
        row = processes.wait_until(
            lambda: (row := self.daemon.plugins()["patient"])["running"] and row, "busy")
        return row["process"]

    def ask_in_background(self, text, **fields):
        """Sends `text` to `patient` on a thread; the thread, and a list that its answer goes to."""
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(client.complete(self.port, send(text), max_tokens=1, **fields)))
        thread.start()
        return thread, answers


class IdleTests(FixtureTestCase):
    def test_a_worker_goes_after_its_idle_time_and_comes_back(self):
        for turn in (1, 2):
            answer = client.complete(self.port, READ)
            self.assertIn("14:30", answer.text)
            self.assertGreater(answer.json["gatehouse"]["modalities"][0]["load_ms"], 0)
            processes.wait_until(lambda: not self.daemon.workers, "without a worker")
            row = self.daemon.plugins()["screen-text"]
            self.assertEqual((row["state"], row["process"], row["loads"]), ("unloaded", None, turn))


class CrashTests(FixtureTestCase):
    def setUp(self):
        # Failures in a row make the daemon wait before it starts the plugin again; a success ends the row.
        self.assertEqual(client.complete(self.port, send("hello"), max_tokens=1).status, 200)

    def test_a_worker_killed_in_an_encode_fails_that_request_alone(self):
        before = self.daemon.plugins()["patient"]
        thread, answers = self.ask_in_background("wait for it")
        worker = self.wait_until_busy()
        self.assertIn(worker, self.daemon.workers)
        # What waits for the same plugin is not lost with it.
        waiting, waited = self.ask_in_background("my turn")
        os.kill(worker, signal.SIGKILL)
        thread.join(checkout.PATIENCE)
        failed, = answers
        self.assertEqual(failed.status, 500)
        self.assertEqual((failed.error["type"], failed.error["code"]), ("server_error", "plugin_crashed"))
        for word in ("patient", str(worker), "signal 9"):
            self.assertIn(word, failed.error["message"])

        waiting.join(checkout.PATIENCE)
        self.assertEqual([answer.status for answer in waited], [200])
        after = client.complete(self.port, send("hello"), max_tokens=1)
        self.assertEqual(after.status, 200, after.body)
        self.assertEqual(client.complete(self.port, "Hello", max_tokens=1).status, 200)
        row = self.daemon.plugins()["patient"]
        self.assertEqual((row["state"], row["errors"]), ("ready", before["errors"] + 1))
        self.assertNotIn(row["process"], (None, worker))
        self.assertFalse(processes.is_there(worker), "nobody reaped the dead worker")

    def test_a_stream_that_has_not_begun_fails_with_a_status(self):
        thread, answers = self.ask_in_background("wait for it", stream=True)
        os.kill(self.wait_until_busy(), signal.SIGKILL)
        thread.join(checkout.PATIENCE)
        self.assertEqual([(answer.status, answer.error["code"]) for answer in answers], [(500, "plugin_crashed")])

    def test_a_worker_killed_while_idle_is_not_noticed_by_anyone(self):
        self.assertEqual(client.complete(self.port, send("one"), max_tokens=1).status, 200)
        worker = self.daemon.plugins()["patient"]["process"]
        os.kill(worker, signal.SIGKILL)
        # A call that is on its way at this very moment would fail; once the daemon has reaped it, none does.
        processes.wait_until(lambda: not processes.is_there(worker), "reaped")
        self.assertEqual(client.complete(self.port, send("two"), max_tokens=1).status, 200)
        self.assertNotEqual(self.daemon.plugins()["patient"]["process"], worker)

    def test_text_is_answered_while_a_plugin_is_busy(self):
        thread, answers = self.ask_in_background("wait for it")
        worker = self.wait_until_busy()
        self.assertIn("Paris", client.complete(self.port, "What is the capital of France?").text)
        self.assertIn("14:30", client.complete(self.port, READ).text)
        self.assertEqual(answers, [])
        os.kill(worker, signal.SIGKILL)
        thread.join(checkout.PATIENCE)
        self.assertEqual(len(answers), 1)


class ListTests(DaemonTestCase):
    def test_the_list_says_whether_a_daemon_runs(self):
        listing = checkout.answer("plugin", "list", data=self.daemon.data)
        self.assertIn("screen-text", listing)
        self.assertIn(f"daemon at {self.daemon.data}/gatehouse/gatehouse.sock", listing)
        with tempfile.TemporaryDirectory() as nowhere:
            listing = checkout.answer("plugin", "list", data=nowhere)
            self.assertIn("screen-text", listing)
            self.assertIn(f"no daemon listens at {nowhere}/gatehouse/gatehouse.sock", listing)
            listing = json.loads(checkout.answer("plugin", "list", "--json", data=nowhere))
        self.assertIs(listing["daemon"], False)
        self.assertEqual(listing["plugins"][0]["state"], "unloaded")

    def test_the_list_shows_a_worker(self):
        client.complete(self.daemon.port, READ, max_tokens=1)
        worker, = self.daemon.workers
        row, = (line for line in checkout.answer("plugin", "list", data=self.daemon.data).splitlines()
                if "screen-text" in line)
        for word in ("0.1.0", "ready", str(worker), "on-demand", "worker", "image/png image/jpeg"):
            self.assertIn(word, row)


    def test_the_list_shows_what_the_daemon_serves_while_the_file_is_broken(self):
        client.complete(self.daemon.port, READ, max_tokens=1)
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder) / "registry.json"
            broken.write_text("{")
            result = checkout.run("plugin", "list", "--json", "--registry", broken, data=self.daemon.data)
        self.assertEqual(result.returncode, 0)
        self.assertIn(str(broken), result.stderr)
        row, = json.loads(result.stdout)["plugins"]
        self.assertEqual((row["id"], row["state"]), ("screen-text", "ready"))


class EagerTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        library = checkout.build_fixture(folder)
        cls.options = ("--registry", checkout.write_registry(
            folder, checkout.plugin(checkout.SCREEN_TEXT, load="eager"),
            checkout.plugin(library, "patient", "text", ["text/plain"], "1.0.0", isolation="in-process",
                            prompt="The note says {output}.")))
        super().setUpClass()

    def test_an_eager_plugin_is_there_from_the_start(self):
        self.assertIn("[INFO] Plugin screen-text 0.1.0 loaded", self.daemon.lines)
        self.assertEqual(len(self.daemon.workers), 1)
        answer = client.complete(self.daemon.port, READ, max_tokens=1)
        self.assertEqual(answer.json["gatehouse"]["modalities"][0]["load_ms"], 0)

    def test_a_trusted_plugin_runs_in_the_host(self):
        workers = self.daemon.workers
        answer = client.complete(self.daemon.port, send("Buy milk"), max_tokens=1)
        self.assertEqual(answer.json["gatehouse"]["modalities"][0]["tokens"],
                         checkout.token_count("The note says Buy milk."))
        self.assertEqual(self.daemon.plugins()["patient"]["process"], self.daemon.pid)
        self.assertEqual(self.daemon.workers, workers)


class DegradedTests(FixtureTestCase):
    fields = {"load": "eager", "failure_limit": 1}

    def test_a_daemon_that_lacks_what_should_be_there_always_is_not_ready(self):
        def ready():
            answer = client.request(self.port, "GET", "/ready")
            return answer.status, answer.json

        self.assertEqual(ready(), (200, {"status": "ready"}))
        thread, _ = self.ask_in_background("wait for it")
        os.kill(self.wait_until_busy(), signal.SIGKILL)
        thread.join(checkout.PATIENCE)
        self.assertEqual(ready(), (503, {"status": "degraded", "reason": "plugin patient 1.0.0 is out of service"}))
        self.assertEqual(client.request(self.port, "GET", "/health").status, 200)
        self.assertEqual(client.complete(self.port, "Hello", max_tokens=1).status, 200)
        checkout.answer("plugin", "load", "patient", data=self.daemon.data)
        self.assertEqual(ready(), (200, {"status": "ready"}))
