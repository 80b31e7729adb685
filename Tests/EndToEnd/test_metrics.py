"""What `/metrics` says of requests that were made."""

import re

import checkout
import client
from daemon import DaemonTestCase

SAMPLE = re.compile(r'^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|\+Inf)$')


class MetricsTests(DaemonTestCase):
    def samples(self):
        """Values by name and labels; fails where a line is none of the format, or a family is not declared."""
        answer = client.request(self.daemon.port, "GET", "/metrics")
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        found, types = {}, {}
        for line in answer.body.decode().splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                self.assertNotIn(name, types)
                types[name] = kind
            elif not line.startswith("# HELP "):
                match = SAMPLE.match(line)
                self.assertTrue(match, line)
                name = match[1]
                family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in types else name
                self.assertIn(family, types, line)
                found[name + (match[2] or "")] = float(match[3])
        return found

    def test_requests_tokens_and_times_are_counted(self):
        question = client.user(client.picture("light.png"), client.text("What is this? " * 20))
        usage = client.complete(self.daemon.port, question, max_tokens=5).json["usage"]
        again = client.complete(self.daemon.port, question, max_tokens=5, stream=True)
        self.assertEqual(again.status, 200)
        self.assertEqual(client.complete(self.daemon.port, question, temperature=9).status, 400)
        for path in ("/nowhere", "/elsewhere"):
            self.assertEqual(client.request(self.daemon.port, "GET", path).status, 404)
        found = self.samples()

        def requests(path, status):
            return found[f'gatehouse_requests_total{{path="{path}",status="{status}"}}']
        self.assertEqual(requests(client.COMPLETIONS, 200), 2)
        self.assertEqual(requests(client.COMPLETIONS, 400), 1)
        self.assertEqual(requests("other", 404), 2)
        self.assertEqual(found['gatehouse_tokens_total{kind="prompt"}'], 2 * usage["prompt_tokens"])
        self.assertEqual(found['gatehouse_tokens_total{kind="answer"}'], 2 * usage["completion_tokens"])
        self.assertGreater(found['gatehouse_tokens_total{kind="cached"}'], 0)
        self.assertEqual(found["gatehouse_first_token_seconds_count"], 2)
        self.assertGreater(found["gatehouse_next_token_seconds_count"], 0)
        self.assertEqual(found['gatehouse_first_token_seconds_bucket{le="+Inf"}'], 2)
        buckets = [value for name, value in found.items() if name.startswith("gatehouse_first_token_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(found['gatehouse_plugin_weight_count{plugin="screen-text"}'], 2)
        self.assertEqual(found['gatehouse_plugin_weight_sum{plugin="screen-text"}'], 2)
        self.assertEqual(found["gatehouse_media_cache_entries"], 1)
        self.assertEqual(found["gatehouse_batch_sequences"], 0)
        self.assertGreater(found['gatehouse_kv_pages{state="free"}'], 0)
        self.assertGreater(found['gatehouse_kv_pages{state="kept"}'], 0)
        self.assertEqual(found['gatehouse_kv_pages{state="used"}'], 0)
        self.assertGreater(found["process_resident_memory_bytes"], 1e7)
