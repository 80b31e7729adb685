"""Settings of the daemon: options, environment, gatehouse.json, and the schema that describes it."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import checkout
import client
from daemon import Daemon

SCHEMA = json.loads((checkout.ROOT / "gatehouse.schema.json").read_text())


class SettingsTestCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.folder / "gatehouse.json"

    def check(self, *words, settings=None, **variables):
        """Ends `serve --check-config`, with `settings` in the file that it is to read."""
        if settings is not None:
            text = settings if isinstance(settings, str) else json.dumps(settings)
            self.file.write_text(text)
            words = ("--config", self.file, *words)
        return checkout.run("serve", "--check-config", *words, **variables)

    def settings(self, *words, **options):
        """The settings that count, by name: value and source."""
        result = self.check(*words, **options)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        *lines, last = result.stdout.splitlines()
        self.assertEqual(last, "[SUCCESS] The settings are good")
        return [re.fullmatch(r"(\S+) (.*?)(?: \((.*)\))?", line).groups() for line in lines]

    def assert_refused(self, naming, *words, **options):
        result = self.check(*words, **options)
        self.assertEqual(result.returncode, 2, result.stderr)
        line, = result.stderr.splitlines()
        self.assertIn(naming, line)
        return line


class PrecedenceTests(SettingsTestCase):
    def test_what_is_nearer_to_the_command_counts(self):
        found = self.settings(
            "--port", "1", settings={"port": 3, "threads": 1, "ctx": 300}, GATEHOUSE_PORT="2", GATEHOUSE_CTX="200")
        self.assertEqual(set(found), {
            ("threads", "1", f"{self.file}: threads"), ("ctx", "200", "GATEHOUSE_CTX"), ("port", "1", None),
            ("config", str(self.file), None)})

    def test_a_flag_that_the_file_sets_is_taken_back_by_the_environment(self):
        names = [name for name, *_ in self.settings(settings={"admin": True, "strict_model": True, "insecure": False},
                                                    GATEHOUSE_ADMIN="false")]
        self.assertEqual(names, ["strict_model", "config"])

    def test_all_values_of_a_repeated_option_come_from_one_place(self):
        file = {"model_name": ["a", "b"]}
        names = lambda **options: [value for name, value, _ in self.settings(**options) if name == "model_name"]
        self.assertEqual(names(settings=file), ["a", "b"])
        self.assertEqual(names(settings=file, GATEHOUSE_MODEL_NAME="c,d"), ["c", "d"])

    def test_paths_are_relative_to_the_file(self):
        (self.folder / "plugins.json").write_text(json.dumps({"format": 1, "plugins": []}))
        found = self.settings(settings={"registry": "plugins.json"}, folder="/")
        self.assertIn(("registry", str(self.folder / "plugins.json"), f"{self.file}: registry"), found)

    def test_the_file_is_found_in_the_working_folder(self):
        self.file.write_text('{"port": 1234}')
        environment = checkout.environment("/nonexistent")
        del environment["GATEHOUSE_CONFIG"]
        result = subprocess.run(
            [checkout.BINARY, "serve", "--check-config"], cwd=self.folder, env=environment, capture_output=True,
            text=True)
        self.assertIn("port 1234 (", result.stdout)

    def test_a_daemon_serves_by_its_file(self):
        self.file.write_text(json.dumps({
            "$schema": "gatehouse.schema.json", "model_name": ["house"], "strict_model": True, "threads": 1}))
        daemon = Daemon("--config", self.file)
        self.addCleanup(daemon.kill)
        models = client.request(daemon.port, "GET", "/v1/models").json["data"]
        self.assertEqual([model["id"] for model in models], ["house"])
        self.assertEqual(client.complete(daemon.port, "Hello", model="other").status, 404)
        self.assertIn("1 threads", daemon.output)


class RefusalTests(SettingsTestCase):
    def test_each_mistake_is_told_with_its_place(self):
        cases = [
            ({"port": 70000}, "gatehouse.json: port: expected a whole number from 0 to 65535, found \"70000\""),
            ({"prot": 1}, "gatehouse.json: prot: expected one of $schema, model"),
            ({"admin": "yes"}, "gatehouse.json: admin: expected true or false, found \"yes\""),
            ({"port": [1]}, "gatehouse.json: port: expected a string or a number, found an array of 1"),
            ({"check_config": True}, "check_config"),
            ([], "gatehouse.json: the document: expected an object, found an array of 0"),
            ('{"port": 1, "port": 2}', "gatehouse.json: "),
            ("{", "gatehouse.json: "),
            ({"host": "0.0.0.0"}, "--insecure"),
        ]
        for settings, naming in cases:
            with self.subTest(settings=settings):
                self.assert_refused(naming, settings=settings)

    def test_all_mistakes_of_a_file_are_told_at_once(self):
        line = self.assert_refused("prot", settings={"prot": 1, "admin": 3})
        self.assertIn("admin: expected true or false", line)

    def test_a_file_that_is_not_there(self):
        self.assert_refused("nowhere.json: expected a readable file", "--config", "nowhere.json")

    def test_the_environment_is_judged_alike(self):
        self.assert_refused("GATEHOUSE_PORT: expected a whole number", GATEHOUSE_PORT="tcp://10.0.0.1:80")
        self.assert_refused("GATEHOUSE_ADMIN: expected true or false", GATEHOUSE_ADMIN="perhaps")

    def test_what_is_wrong_with_named_files_is_told(self):
        for settings, naming in [({"model": "none.gguf"}, "none.gguf"), ({"registry": "none.json"}, "none.json"),
                                 ({"api_key_file": "none"}, "none"), ({"mmproj": "none"}, "none")]:
            with self.subTest(settings=settings):
                result = self.check(settings=settings)
                self.assertEqual(result.returncode, 1)
                self.assertIn(str(self.folder / naming), result.stderr)


class SchemaTests(SettingsTestCase):
    """gatehouse.schema.json says what the daemon takes."""

    def test_it_has_every_option(self):
        options = re.findall(r"^  --(\S+)", checkout.answer("serve", "--help"), re.MULTILINE)
        fields = {option.replace("-", "_") for option in options} - {"config", "check_config"}
        self.assertEqual(fields | {"$schema"}, set(SCHEMA["properties"]))

    def test_what_it_forbids_is_refused(self):
        for field, rule in SCHEMA["properties"].items():
            if field == "$schema":
                continue
            bad = [None, {}]
            if rule.get("type") == "boolean":
                bad += [1, "true"]
            if "enum" in rule:
                bad += ["other"]
            if rule.get("type") in ("integer", "number"):
                bad += ["x", rule["minimum"] - 1, rule["maximum"] + 1]
            if rule.get("type") == "string" or "$ref" in rule:
                bad += ["", ["a", "b"]]
            for value in bad:
                with self.subTest(field=field, value=value):
                    self.assert_refused(f"{field}: " if value != "" else field, settings={field: value})

    def test_its_defaults_and_bounds_are_taken(self):
        for field, rule in SCHEMA["properties"].items():
            good = [rule[key] for key in ("default", "minimum", "maximum") if key in rule] + rule.get("enum", [])
            for value in good:
                with self.subTest(field=field, value=value):
                    self.assertNotEqual(self.check(settings={field: value}).returncode, 2)
