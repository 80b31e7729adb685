"""How a daemon starts, what it says, and how it ends."""

import json
import signal
import socket
import stat
import tempfile
import threading
import unittest
import unittest.mock

import checkout
import client
import processes
from daemon import READY, Daemon


class StartTestCase(unittest.TestCase):
    """Tests that each start daemons of their own."""

    def start(self, *options, **keywords):
        daemon = Daemon(*options, **keywords)
        self.addCleanup(daemon.kill)
        return daemon

    def refused(self, *options):
        """The one line of a daemon that does not start."""
        if "--port" not in options:
            options = ("--port", "0", *options)
        data = self.enterContext(tempfile.TemporaryDirectory())
        result = checkout.run("serve", *options, data=data)
        self.assertEqual(result.returncode, 1, result)
        self.assertNotIn(READY, result.stdout)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        return result.stderr


class StartLineTests(StartTestCase):
    def test_start_lines_are_plain_and_the_last_says_ready(self):
        daemon = self.start()
        self.assertEqual(daemon.lines[-1], READY)
        for line in daemon.lines[:-1]:
            self.assertRegex(line, r"^\[INFO\] [^\x00-\x1f\x7f]+$")
        for what in (str(checkout.MODEL), "threads", "Memory: ", f"Registry: {checkout.REGISTRY}",
                     "Plugin screen-text 0.1.0 found", "Server started at http://127.0.0.1:"):
            self.assertEqual(sum(what in line for line in daemon.lines), 1, f"{what} in {daemon.output}")
        self.assertEqual(daemon.warnings, [])

    def test_a_service_manager_is_told(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        for name, address in ((f"{folder}/notify", f"{folder}/notify"), ("@gatehouse-test", "\0gatehouse-test")):
            with self.subTest(name=name), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(address)
                manager.settimeout(checkout.PATIENCE)
                with unittest.mock.patch.dict("os.environ", NOTIFY_SOCKET=name):
                    daemon = self.start()
                self.assertEqual(manager.recv(100), b"READY=1")
                self.assertEqual(daemon.stop(), 0)
                self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_the_port_opens_only_once_the_model_answers(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        daemon = self.start("--port", port, ready=False)

        def is_open():
            self.assertIsNone(daemon.process.poll(), daemon.errors)
            with socket.socket() as connection:
                return connection.connect_ex(("127.0.0.1", port)) == 0

        processes.wait_until(is_open, "open")
        self.assertIn("[INFO] Model ready: ", daemon.output)
        self.assertEqual(client.complete(port, "Hello", max_tokens=1).status, 200)

    def test_a_free_port_is_taken_and_named(self):
        one, other = self.start(), self.start()
        self.assertNotEqual(one.port, other.port)
        for daemon in (one, other):
            self.assertEqual(client.request(daemon.port, "GET", "/health").json, {"status": "ok"})

    def test_a_port_in_use_is_an_error_that_names_it(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            line = self.refused("--port", port)
        self.assertIn(f"port {port}", line)
        self.assertIn("another program listens there", line)

    def test_an_address_of_another_machine_is_an_error_that_names_it(self):
        self.assertIn("192.0.2.1", self.refused("--host", "192.0.2.1", "--insecure"))

    def test_a_model_that_cannot_be_read_is_named(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        cut = f"{folder}/cut.gguf"
        with open(checkout.MODEL, "rb") as model, open(cut, "wb") as file:
            file.write(model.read(1_000_000))
        for path in ("/nowhere.gguf", cut, folder):
            with self.subTest(path=path):
                self.assertIn(path, self.refused("--model", path))

    def test_a_context_beyond_the_model_is_an_error_with_both_numbers(self):
        line = self.refused("--ctx", "1000000")
        self.assertIn("1000000", line)
        self.assertIn("8192", line)


class EndTests(StartTestCase):
    def test_each_signal_ends_it_cleanly_with_its_workers(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                daemon = self.start()
                answer = client.complete(
                    daemon.port, client.user(client.picture("light.png"), client.text("Read it.")), max_tokens=1)
                self.assertEqual(answer.status, 200, answer.body)
                workers = daemon.workers
                self.assertEqual(len(workers), 1)
                self.assertEqual(daemon.stop(number), 0)
                self.assertIn(f"[INFO] {number.name} received, finishing running requests", daemon.lines[-2])
                self.assertEqual(daemon.lines[-1], "[INFO] Stopped")
                processes.wait_until(lambda: not processes.is_there(workers[0]), "without the worker")
                self.assertFalse((daemon.data / "gatehouse" / "gatehouse.sock").exists())

    def test_a_running_answer_is_finished_after_a_signal(self):
        daemon = self.start()
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(client.complete(
                daemon.port, "Repeat the word banana forever, without ever stopping.", max_tokens=200)))
        before = processes.cpu_seconds(daemon.pid)
        asking.start()
        processes.wait_until(lambda: processes.cpu_seconds(daemon.pid) > before + 0.1, "at work")
        self.assertEqual(daemon.stop(), 0)
        asking.join(checkout.PATIENCE)
        self.assertEqual([answer.status for answer in answers], [200])
        self.assertEqual(answers[0].json["usage"]["completion_tokens"], 200)

    def ask_without_end(self, daemon, answers, **fields):
        """A thread that asks for more than anybody waits for; returns once the daemon is at work."""
        def ask():
            try:
                answers.append(client.complete(
                    daemon.port, "Repeat the word banana forever, without ever stopping.", **fields))
            except OSError as error:
                answers.append(error)

        asking = threading.Thread(target=ask)
        before = processes.cpu_seconds(daemon.pid)
        asking.start()
        self.addCleanup(asking.join, checkout.PATIENCE)
        processes.wait_until(lambda: processes.cpu_seconds(daemon.pid) > before + 0.1, "at work")
        return asking

    def test_new_requests_are_refused_while_the_last_are_finished(self):
        daemon = self.start()
        self.assertEqual(client.request(daemon.port, "GET", "/ready").json, {"status": "ready"})
        port, answers = daemon.port, []
        asking = self.ask_without_end(daemon, answers, max_tokens=600)
        daemon.process.send_signal(signal.SIGTERM)
        processes.wait_until(lambda: client.request(port, "GET", "/ready").status == 503, "not ready")
        ready = client.request(port, "GET", "/ready")
        self.assertEqual((ready.status, ready.json),
                         (503, {"status": "draining", "reason": "the server is shutting down"}))
        self.assertEqual(client.request(port, "GET", "/health").status, 200)
        self.assertEqual(client.request(port, "GET", "/metrics").status, 200)
        refused = client.complete(port, "Hello", max_tokens=1)
        self.assertEqual((refused.status, refused.error["code"]), (503, "server_shutting_down"))
        self.assertEqual((refused.headers["Connection"], refused.headers["Retry-After"]), ("close", "5"))
        self.assertEqual(answers, [])
        asking.join(checkout.PATIENCE)
        self.assertEqual([answer.status for answer in answers], [200])
        self.assertEqual(daemon.process.wait(checkout.PATIENCE), 0)

    def test_what_outlasts_the_drain_is_ended(self):
        daemon, answers = self.start("--drain-seconds", 1), []
        asking = self.ask_without_end(daemon, answers, max_tokens=8000)
        self.assertEqual(daemon.stop(), 0)
        asking.join(checkout.PATIENCE)
        self.assertIsInstance(answers[0], OSError)

    def test_a_balancer_sees_it_before_anybody_is_refused(self):
        daemon = self.start("--drain-grace", 2)
        daemon.process.send_signal(signal.SIGTERM)
        processes.wait_until(lambda: client.request(daemon.port, "GET", "/ready").status == 503, "not ready")
        self.assertEqual(client.complete(daemon.port, "Hello", max_tokens=1).status, 200)
        self.assertEqual(daemon.process.wait(checkout.PATIENCE), 0)

    def test_a_second_signal_ends_what_still_runs(self):
        daemon = self.start()
        asking = threading.Thread(
            target=lambda: self.assertRaises(OSError, client.complete, daemon.port,
                                             "Repeat the word banana forever, without ever stopping."))
        before = processes.cpu_seconds(daemon.pid)
        asking.start()
        processes.wait_until(lambda: processes.cpu_seconds(daemon.pid) > before + 0.1, "at work")
        daemon.process.send_signal(signal.SIGTERM)
        processes.wait_until(lambda: "SIGTERM received" in daemon.output, "told of the first signal")
        self.assertEqual(daemon.stop(signal.SIGTERM), 1)
        self.assertNotIn("[INFO] Stopped", daemon.lines)
        asking.join(checkout.PATIENCE)

    def test_a_daemon_that_is_killed_leaves_no_worker(self):
        daemon = self.start()
        client.complete(daemon.port, client.user(client.picture("light.png")), max_tokens=1)
        worker, = daemon.workers
        daemon.process.kill()
        daemon.process.wait()
        processes.wait_until(lambda: not processes.is_there(worker), "without the worker")


class SocketTests(StartTestCase):
    def test_the_socket_is_open_to_its_user_alone(self):
        daemon = self.start()
        path = daemon.data / "gatehouse" / "gatehouse.sock"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_a_second_daemon_on_the_same_socket_warns_and_serves(self):
        first = self.start()
        second = self.start(data=first.data)
        self.assertEqual(second.lines[-1], READY)
        warning, = second.warnings
        self.assertRegex(warning, r"gatehouse\.sock: another daemon listens there")
        self.assertEqual(client.complete(second.port, "Hello", max_tokens=1).status, 200)
        self.assertEqual(second.stop(), 0)
        # The socket is the first one's still.
        self.assertEqual(first.plugins()["screen-text"]["state"], "unloaded")

    def test_the_socket_of_a_dead_daemon_is_replaced(self):
        first = self.start()
        first.process.kill()
        first.process.wait()
        self.assertTrue((first.data / "gatehouse" / "gatehouse.sock").is_socket())
        second = self.start(data=first.data)
        self.assertEqual(second.warnings, [])
        self.assertEqual(second.plugins()["screen-text"]["state"], "unloaded")

    def test_a_socket_that_cannot_be_made_is_a_warning(self):
        for path in ("/proc/nowhere/gatehouse.sock", "/tmp/" + "long" * 40):
            with self.subTest(path=path):
                daemon = self.start("--socket", path)
                warning, = daemon.warnings
                self.assertRegex(warning, rf"^no admin socket: .*{path}")
                self.assertEqual(client.complete(daemon.port, "Hello", max_tokens=1).status, 200)

    def test_a_file_in_the_place_of_the_socket_is_left_alone(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = f"{folder}/notes.txt"
        with open(path, "w") as file:
            file.write("not a socket")
        daemon = self.start("--socket", path)
        self.assertIn(path, daemon.errors)
        with open(path) as file:
            self.assertEqual(file.read(), "not a socket")


class RegistryTests(StartTestCase):
    """A wrong registry stops the start with the file, the field, what was expected and what was found."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        checkout.require()

    def refusal(self, text):
        path = f"{self.folder}/registry.json"
        with open(path, "w") as file:
            file.write(text)
        line = self.refused("--registry", path)
        self.assertIn(path, line)
        return line

    def test_every_wrong_field_is_named(self):
        good = checkout.plugin(checkout.SCREEN_TEXT)
        version = good["versions"][0]
        cases = [
            ({"id": "Screen Text"}, "plugins[0].id", "lower case letters, digits and -", '"Screen Text"'),
            ({"accepts": "image/png"}, "plugins[0].accepts", "an array of media types", '"image/png"'),
            ({"accepts": []}, "plugins[0].accepts", "at least one media type", "an array of 0"),
            ({"load": "lazily"}, "plugins[0].load", '"on-demand"', '"lazily"'),
            ({"isolation": 1}, "plugins[0].isolation", '"worker"', "the number 1"),
            ({"idle_unload_seconds": "soon"}, "plugins[0].idle_unload_seconds", "seconds from 0", '"soon"'),
            ({"idle_unload_seconds": -1}, "plugins[0].idle_unload_seconds", "seconds from 0", "the number -1"),
            ({"prompt": "no place"}, "plugins[0].prompt", "{output}", '"no place"'),
            ({"colour": "red"}, "plugins[0].colour", "one of id, modality", "the unknown field colour"),
            ({"versions": []}, "plugins[0].versions", "at least one version", "an array of 0"),
            ({"versions": [{**version, "version": "new"}]}, "plugins[0].versions[0].version", "a semantic version",
             '"new"'),
            ({"versions": [{**version, "library": "nowhere.so"}]}, "plugins[0].versions[0].library",
             "the path of a shared library", f"nothing at {self.folder}/nowhere.so"),
            ({"versions": [{**version, "sha256": {"library": "abc"}}]}, "plugins[0].versions[0].sha256.library",
             "64 hexadecimal digits", '"abc"'),
        ]
        for change, field, expected, found in cases:
            with self.subTest(field=field, found=found):
                line = self.refusal(json.dumps({"format": 1, "plugins": [{**good, **change}], "rules": []}))
                for part in (f"{field}: expected", expected, f"found {found}"):
                    self.assertIn(part, line)

    def test_every_problem_is_told_at_once(self):
        line = self.refusal(json.dumps({"format": 2, "plugins": 3}))
        self.assertIn("format: expected 1, found the number 2", line)
        self.assertIn("plugins: expected an array of plugins, found the number 3", line)

    def test_a_file_that_is_no_json_is_named(self):
        self.assertIn("expected valid JSON", self.refusal('{"format": 1,'))

    def test_a_missing_registry_is_named(self):
        self.assertIn("/nowhere/registry.json", self.refused("--registry", "/nowhere/registry.json"))

    def test_an_eager_plugin_that_cannot_be_loaded_stops_the_start(self):
        library = f"{self.folder}/text.so"
        with open(library, "w") as file:
            file.write("This is no shared library.")
        line = self.refused(
            "--registry", checkout.write_registry(self.folder, checkout.plugin(library, load="eager")))
        self.assertIn("screen-text", line)
        self.assertIn(library, line)

    def test_a_library_that_is_not_the_one_that_was_vouched_for_is_not_opened(self):
        entry = checkout.plugin(checkout.SCREEN_TEXT)
        entry["versions"][0]["sha256"] = {"library": "0" * 64}
        daemon = self.start("--registry", checkout.write_registry(self.folder, entry))
        answer = client.complete(daemon.port, client.user(client.picture("light.png")), max_tokens=1)
        self.assertEqual(answer.status, 500)
        self.assertIn("sha256.library", answer.error["message"])
        self.assertEqual(daemon.workers, [])
