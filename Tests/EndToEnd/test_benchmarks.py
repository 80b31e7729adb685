"""The programs of Benchmarks/: what they compute and write, whatever the machine's speed."""

import array
import contextlib
import importlib
import io
import math
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import checkout
import daemon

BENCHMARKS = checkout.ROOT / "Benchmarks"
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS / "compare")]
clients, gguf_file, prompts, random_model, report, roofline, rounds, scaling, svg_plot = map(
    importlib.import_module,
    ["clients", "gguf_file", "prompts", "random_model", "report", "roofline", "rounds", "scaling", "svg_plot"])

SMALL = {
    "llama": dict(random_model.SHAPES["360m"], layers=2, hidden=256, heads=4, kv_heads=2, ffn=512),
    "glm4": dict(random_model.SHAPES["glm4-9b"], layers=2, hidden=256, heads=2, kv_heads=1, ffn=512, vocabulary=49160),
}


class RandomModelTests(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "random.gguf")

    def test_every_type_and_shape_runs_and_its_logits_are_finite_and_differ(self):
        for name, shape in SMALL.items():
            for kind in random_model.TYPES:
                with self.subTest(shape=name, type=kind):
                    random_model.write(str(self.path), shape, kind, str(checkout.MODEL))
                    output = self.path.with_suffix(".f32")
                    checkout.answer("logits", "--model", self.path, "--ids", "1,2,3,500", "--output", output)
                    logits = array.array("f", output.read_bytes())
                    self.assertEqual(len(logits), 4 * shape["vocabulary"])
                    self.assertTrue(all(map(math.isfinite, logits)))
                    last = logits[-shape["vocabulary"]:]
                    # Of the order of 1, as weights of the spread 1/√inputs make them.
                    self.assertTrue(0.1 < max(last) - min(last) < 100, (min(last), max(last)))

    def test_the_head_says_what_was_written(self):
        random_model.write(str(self.path), SMALL["glm4"], "q4_0", str(checkout.MODEL))
        file = gguf_file.GGUFFile(self.path)
        self.assertEqual(file.value("general.architecture"), "glm4")
        self.assertEqual(file.value("glm4.attention.head_count_kv"), 1)
        self.assertEqual(len(file.tensors), 2 * 13 + 3)
        up, = [tensor for tensor in file.tensors if tensor.name == "blk.1.ffn_up.weight"]
        self.assertEqual((up.extents, up.bytes), ((256, 1024), 256 * 1024 // 32 * 18))
        self.assertIn("[49160, 256]", checkout.answer("inspect", self.path))


class RoundsTests(unittest.TestCase):
    def test_sides_take_turns_and_a_ratio_is_of_one_round(self):
        order = []

        def side(name, values):
            def run(number):
                order.append(name)
                return {"rate": values[number], f"only {name}": 1.0}
            return run

        subject = rounds.Subject("Test", {"ours": side("ours", [10, 40, 90]), "theirs": side("theirs", [10, 20, 30])}, [])
        with contextlib.redirect_stderr(io.StringIO()) as progress:
            results = subject.measure(3)
        self.assertIn("round 3 of 3, theirs", progress.getvalue())
        self.assertEqual(order, ["ours", "theirs", "theirs", "ours", "ours", "theirs"])
        ours, theirs, ratio = rounds.spreads(rounds.Row("rate", "rate", "tokens/s"), results)
        self.assertEqual((ours.least, ours.median, ours.most), (10, 40, 90))
        self.assertEqual((theirs.least, theirs.median, theirs.most), (10, 20, 30))
        self.assertEqual((ratio.least, ratio.median, ratio.most), (1, 2, 3))
        lacking = rounds.spreads(rounds.Row("only ours", "", ""), results)
        self.assertEqual([spread is None for spread in lacking], [False, True, True])

    def test_a_bar_is_met_by_the_median(self):
        ratio = rounds.Spread(0.5, 2, 9)
        self.assertEqual(report.verdict(("at least", 2), ratio), "at least 2: met")
        self.assertEqual(report.verdict(("at least", 2.5), ratio), "at least 2.5: missed")
        self.assertEqual(report.verdict(("at most", 1), ratio), "at most 1: missed")
        self.assertEqual(report.verdict(("at most", 2), ratio), "at most 2: met")


class ClientsTests(daemon.DaemonTestCase):
    def test_streams_at_once_write_as_many_tokens_as_they_are_told(self):
        work = [[prompts.request([prompts.text(40, client, turn)], 5 + client) for turn in range(2)]
                for client in range(3)]
        streams, seconds = clients.run(self.daemon.port, work)
        self.assertEqual([stream.usage["completion_tokens"] for stream in streams], [5, 5, 6, 6, 7, 7])
        for stream in streams:
            self.assertTrue(stream.text)
            self.assertTrue(0 < stream.first_token < seconds)

    def test_a_prompt_has_as_many_tokens_as_it_is_asked_for(self):
        self.assertEqual(checkout.token_count(" " + prompts.text(300, "a")), 300)
        self.assertNotEqual(prompts.text(30, 1, 2), prompts.text(30, 1, 3))


class ReportTests(unittest.TestCase):
    CELLS = [{"batch": batch, "context": context, "rate": 100.0 * batch, "memory": 100.0 + batch, "share": 0.5}
             for batch, context in ((1, 128), (2, 128), (1, 256), (2, 256), (1, 512))]

    def test_the_scaling_table_leaves_blank_what_was_not_measured(self):
        rows = scaling.table(self.CELLS, "rate", 0)[2:]
        self.assertEqual(rows, ["| 128 | 100 | 200 |", "| 256 | 100 | 200 |", "| 512 | 100 |  |"])

    def test_the_plot_is_a_document_with_every_curve(self):
        plots = [svg_plot.Plot(title, "batch <n>", scaling.curves(self.CELLS, key))
                 for title, key in (("Rate", "rate"), ("Memory", "memory"))]
        root = xml.etree.ElementTree.fromstring(svg_plot.document(plots))
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertLessEqual({"Rate", "Memory", "batch <n>", "context 128", "context 256"}, set(words))
        points = root.findall("{http://www.w3.org/2000/svg}circle")
        self.assertEqual(len(points), 2 * 4)
        for point in points:
            self.assertTrue(0 < float(point.get("cx")) < float(root.get("width")))
            self.assertTrue(0 < float(point.get("cy")) < float(root.get("height")))

    def test_the_work_of_a_step_is_all_matrices_and_what_attention_reads(self):
        model = gguf_file.GGUFFile(checkout.MODEL)
        works = roofline.work(model, rows=1, context=100, logits=1)
        matrices = sum(tensor.bytes for tensor in model.tensors if len(tensor.extents) == 2)
        attention = works.pop("attention")
        self.assertEqual(sum(found.bytes for found in works.values()), matrices)
        self.assertEqual((attention.bytes, attention.operations), (30 * 2 * 3 * 64 * 2 * 100, 30 * 4 * 9 * 64 * 100))
        self.assertEqual(works["down"].operations, 30 * 2 * 576 * 1536)


if __name__ == "__main__":
    unittest.main()
