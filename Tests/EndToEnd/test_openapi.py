"""The description of the API: what it covers, and that the server does as it says, by schemathesis."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import checkout
import client
import morse
import test_keys
from daemon import Daemon

# Answers stay short, whatever is asked for.
SHORT = ("--ctx", "256", "--max-seconds", "0.05", "--max-choices", "4", "--admin")


def fuzz(daemon, examples, *options, key=None):
    """Runs schemathesis, the same requests each time; what it says where it found something."""
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(__file__).parent
        path = os.pathsep.join(map(os.path.abspath, [here, *filter(None, sys.path)]))
        if key:
            options += ("--header", f"Authorization: Bearer {key}")
        result = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{daemon.port}/openapi.json",
             "--seed", os.environ.get("GATEHOUSE_FUZZ_SEED", "20"), "--max-examples", str(examples), "--generation-database", "none", "--no-color",
             "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "300", "--checks", "all",
             "--exclude-checks", "positive_data_acceptance", *options],
            cwd=folder, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": path, "SCHEMATHESIS_HOOKS": "schema_hooks"})
    if result.returncode:
        return f"schemathesis ended with {result.returncode}:\n{result.stdout[-8000:]}{result.stderr[-2000:]}"
    return None


class DescriptionTests(unittest.TestCase):
    """Of a daemon with keys and one without."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gatehouse-test-")))
        cls.key = test_keys.new(folder / "keys", "lab")
        registry = checkout.write_registry(folder, checkout.plugin(checkout.SCREEN_TEXT), morse.plugin())
        cls.keyed = Daemon("--registry", registry, "--api-key-file", folder / "keys", *SHORT)
        cls.addClassCleanup(cls.keyed.kill)
        cls.open = Daemon("--max-choices", "3")
        cls.addClassCleanup(cls.open.kill)

    def document(self, daemon, key=None):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return client.request(daemon.port, "GET", "/openapi.json", headers=headers)

    def test_it_is_of_this_daemon(self):
        self.assertEqual(self.document(self.keyed).status, 401)
        keyed, plain = self.document(self.keyed, self.key).json, self.document(self.open).json
        version = client.request(self.open.port, "GET", "/version").json["version"]
        for document in (keyed, plain):
            self.assertEqual(document["openapi"], "3.1.0")
            self.assertEqual(document["info"]["version"], version)
        self.assertEqual(keyed["security"], [{"key": []}])
        self.assertNotIn("security", plain)
        self.assertEqual(set(keyed["paths"]) - set(plain["paths"]), {"/admin/plugins"})
        self.assertEqual(plain["components"]["schemas"]["Choices"]["maximum"], 3)

    def test_it_covers_every_endpoint(self):
        metrics = client.request(self.keyed.port, "GET", "/metrics", headers={"Authorization": f"Bearer {self.key}"})
        self.assertEqual(metrics.status, 200)
        document = self.document(self.keyed, self.key).json
        source = "".join(path.read_text() for folder in ("Server", "Gatehouse")
                         for path in (checkout.ROOT / "Host" / folder).rglob("*.swift"))
        routes = {(method.lower(), path) for method, path in
                  re.findall(r"""\.on\(\s*"(GET|POST|PUT|DELETE)",\s*"([^"]+)\"""", source)}
        self.assertGreater(len(routes), 12)
        described = {(method, path) for path, methods in document["paths"].items() for method in methods}
        self.assertEqual(described, routes)

    def test_every_reference_leads_somewhere(self):
        document = self.document(self.keyed, self.key).json
        used = set()

        def look(value):
            if isinstance(value, dict):
                if "$ref" in value:
                    used.add(value["$ref"])
                    place = document
                    for step in value["$ref"].removeprefix("#/").split("/"):
                        place = place[step]
                value = list(value.values())
            for each in value if isinstance(value, list) else []:
                look(each)

        look(document)
        for kind in ("schemas", "responses"):
            self.assertEqual({f"#/components/{kind}/{name}" for name in document["components"][kind]} - used, set())

    def test_the_server_does_as_it_says(self):
        examples = int(os.environ.get("GATEHOUSE_FUZZ_EXAMPLES", "25"))
        # Commands would take the plugins away from the others.
        self.assertIsNone(fuzz(self.keyed, examples, "--exclude-operation-id", "command", key=self.key))
        self.assertIsNone(fuzz(self.keyed, examples, "--include-operation-id", "command", key=self.key))
        self.assertIsNone(self.keyed.process.poll())


if __name__ == "__main__":
    unittest.main()
