"""The commands: what they print, and how they end."""

import array
import json
import math
import pathlib
import re
import subprocess
import tempfile
import unittest

import checkout

COMMANDS = ["serve", "chat", "bench", "tokenize", "logits", "inspect", "encode", "quantize",
            "perplexity", "plugin", "registry", "key"]
VOCABULARY = 49152
LIGHT = checkout.IMAGES / "light.png"


class CommandTestCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def assert_fails(self, code, *words, naming=(), **options):
        """The command ends with `code`, prints nothing, and says why in one line."""
        result = checkout.run(*words, **options)
        self.assertEqual(result.returncode, code, result)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("gatehouse: "), result.stderr)
        for word in naming:
            self.assertIn(word, result.stderr)


class HelpTests(CommandTestCase):
    def test_help_of_all_and_of_each(self):
        for words in (["--help"], ["-h"], ["help"]):
            printed = checkout.answer(*words)
            for command in COMMANDS:
                self.assertRegex(printed, rf"(?m)^  {command} ")
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertTrue(checkout.answer(command, "--help").startswith(f"usage: gatehouse {command} "))
                self.assertEqual(checkout.answer(command, "-h"), checkout.answer(command, "--help"))
        for group in ("plugin", "registry", "bench", "key"):
            for name in re.findall(rf"(?m)^  ({group} \S+)  ", checkout.answer("--help")):
                with self.subTest(command=name):
                    self.assertTrue(checkout.answer(*name.split(), "--help").startswith(f"usage: gatehouse {name} "))
        self.assertRegex(checkout.answer("--version"), r"^gatehouse \d+\.\d+\.\d+\n$")

    def test_the_flags_that_others_script_against_are_there(self):
        promised = {
            "serve": "--model --registry --host --port --threads --ctx --model-name --strict-model --socket --data "
                     "--prompt-lookup --no-prefix-cache",
            "chat": "--model --image --audio --file --system --temperature --max-tokens --json --show-fusion",
            "bench": "--model -p -n -d --threads --batch --json", "tokenize": "--model --json",
            "logits": "--model --ids --precise --output", "encode": "--plugin --input --json --output",
            "quantize": "--type --threads", "perplexity": "--model --precise --quantize --ctx --json",
        }
        for command, flags in promised.items():
            listed = re.findall(r"^  (-\S+)", checkout.answer(command, "--help"), re.MULTILINE)
            self.assertLessEqual(set(flags.split()), set(listed), command)

    def test_run_server_explains_every_option_of_serve(self):
        script = subprocess.run(["sh", checkout.ROOT / "run_server.sh", "--help"], capture_output=True, text=True)
        self.assertEqual((script.returncode, script.stderr), (0, ""))
        options = r"(?m)^  (--\S+(?: [A-Z])?) "
        of_serve = script.stdout.partition("All others go to gatehouse serve:")[2]
        self.assertEqual(sorted(re.findall(options, of_serve)),
                         sorted(re.findall(options, checkout.answer("serve", "--help"))))


class UsageTests(CommandTestCase):
    def test_what_the_parser_refuses_is_2(self):
        cases = [
            ([], "command is missing"), (["fly"], '"fly"'), (["--fly"], '"--fly"'), ([""], '""'),
            (["serve", "--fly"], "--fly"), (["serve", "word"], '"word"'), (["serve", "--port"], "--port"),
            (["serve", "--port", "http"], '"http"'), (["serve", "--port", "65536"], '"65536"'),
            (["serve", "--port", "-1"], '"-1"'), (["serve", "--threads", "0"], "--threads"),
            (["serve", "--ctx", "0"], "--ctx"), (["serve", "--ctx", "1e3"], "--ctx"),
            (["serve", "--strict-model=yes"], "--strict-model"), (["serve", "--model-name", ""], "--model-name"),
            (["serve", "--port", "1", "--port", "2"], "--port"), (["serve", "--model="], "--model"),
            (["chat", "--temperature", "hot", "Hello"], '"hot"'), (["chat", "--temperature", "nan", "Hello"], '"nan"'),
            (["chat", "--max-tokens", "0", "Hello"], "--max-tokens"), (["chat", "two", "words"], '"words"'),
            (["bench", "-p", "many"], "-p"), (["bench", "--batch", "1,,2"], "--batch"),
            (["bench", "--batch", "0"], "--batch"), (["tokenize"], "the text is missing"),
            (["logits", "--output", "x"], "--ids"), (["logits", "--ids", "1"], "--output"),
            (["logits", "--ids", "1,x", "--output", "x"], '"1,x"'),
            (["logits", "--ids", "-1", "--output", "x"], '"-1"'), (["inspect"], "the file or folder is missing"),
            (["encode", "--input", "x"], "--plugin"), (["encode", "--plugin", "x"], "--input"),
            (["bench", "plugin", "--only", "fly"], '"fly"'), (["bench", "plugin", "--loads", "0"], "--loads"),
            (["plugin"], "list"), (["plugin", "fly"], '"fly"'), (["plugin", "list", "more"], '"more"'),
            (["plugin", "swap", "one"], "VERSION"), (["plugin", "swap", "one", "two"], '"two"'),
        ]
        for words, named in cases:
            with self.subTest(words=words):
                self.assert_fails(2, *words, naming=[named, "--help"])

    def test_what_depends_on_files_is_1(self):
        text = self.folder / "text.gguf"
        text.write_text("no model")
        cut = self.folder / "cut.gguf"
        with open(checkout.MODEL, "rb") as model:
            cut.write_bytes(model.read(100_000))
        png = self.folder / "broken.png"
        png.write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
        registry = self.folder / "registry.json"
        registry.write_text('{"format": 3}')
        wave = self.folder / "sound"
        wave.write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
        odd = self.folder / "notes.xyz"
        odd.write_text("notes")
        cases = [
            (["chat", "--model", "/nowhere.gguf", "Hello"], "/nowhere.gguf"),
            (["chat", "--model", text, "Hello"], str(text)), (["chat", "--model", cut, "Hello"], str(cut)),
            (["chat", "--model", self.folder, "Hello"], str(self.folder)),
            (["inspect", cut], str(cut)), (["inspect", "/nowhere"], "/nowhere"), (["inspect", LIGHT], str(LIGHT)),
            (["tokenize", "--model", text, "Hello"], str(text)), (["bench", "--model", "/nowhere"], "/nowhere"),
            (["logits", "--ids", "1", "--output", "/nowhere/at/all"], "/nowhere/at/all"),
            (["logits", "--ids", "999999", "--output", self.folder / "x"], "999999"),
            (["chat", "--image", "/nowhere.png", "Hello"], "/nowhere.png"),
            (["chat", "--file", odd, "Hello"], str(odd)),
            (["chat", "--image", png, "Hello"], "PNG is damaged"), (["chat", "--audio", wave, "Hello"], "WAV is damaged"),
            (["chat", "--registry", checkout.REGISTRY, "--audio", wave, "Hello"], "audio/wav"),
            (["chat", "--registry", checkout.REGISTRY, "--file", wave, "Hello"], "image/jpeg, image/png"),
            (["chat", "--image", self.folder, "Hello"], str(self.folder)),
            (["chat", "--registry", registry, "Hello"], "format: expected 1"),
            (["encode", "--plugin", "fly", "--input", LIGHT], "screen-text"),
            (["encode", "--plugin", "screen-text", "--input", "/nowhere.png"], "/nowhere.png"),
            (["encode", "--plugin", "screen-text", "--input", png], "PNG is damaged"),
            (["encode", "--plugin", "screen-text", "--input", text], str(text)),
            (["encode", "--plugin", "screen-text", "--version", "9.0.0", "--input", LIGHT], "0.1.0"),
            (["encode", "--plugin", "screen-text", "--input", LIGHT, "--output", self.folder / "x"], "no rows"),
            (["plugin", "list", "--registry", registry], "format: expected 1"),
            (["plugin", "list", "--registry", "/nowhere.json"], "/nowhere.json"),
        ]
        for words, named in cases:
            with self.subTest(words=[str(word) for word in words]):
                self.assert_fails(1, *words, naming=[named])
        self.assertFalse((self.folder / "x").exists())


class ModelCommandTests(CommandTestCase):
    def test_kernels_that_do_not_exist_are_refused(self):
        self.assert_fails(
            1, "logits", "--ids", "1", "--output", self.folder / "logits", naming=["GATEHOUSE_CPU", "'sse'"],
            GATEHOUSE_CPU="sse")

    def test_tokenize(self):
        printed = json.loads(checkout.answer("tokenize", "--json", "Hello, 世界 🌟 <|im_end|>"))
        self.assertEqual(printed["count"], len(printed["ids"]))
        self.assertEqual(len(printed["pieces"]), len(printed["ids"]))
        # 2 is <|im_end|>, which a text cannot make.
        self.assertNotIn(2, printed["ids"])
        lines = checkout.answer("tokenize", "Hello, 世界 🌟 <|im_end|>").splitlines()
        self.assertEqual([int(line.split("\t")[0]) for line in lines], printed["ids"])
        paris = json.loads(checkout.answer("tokenize", "--json", "The capital of France is Paris."))
        self.assertEqual(paris["pieces"], ["The", " capital", " of", " France", " is", " Paris", "."])

    def test_logits_are_a_row_for_each_token(self):
        ids = json.loads(checkout.answer("tokenize", "--json", "The capital of France is"))["ids"]
        paris = json.loads(checkout.answer("tokenize", "--json", " Paris"))["ids"]
        for flags in ([], ["--precise"]):
            with self.subTest(flags=flags):
                output = self.folder / "logits.f32"
                checkout.answer("logits", "--ids", ",".join(map(str, ids)), "--output", output, *flags)
                values = array.array("f", output.read_bytes())
                self.assertEqual(len(values), len(ids) * VOCABULARY)
                self.assertTrue(all(map(math.isfinite, values)))
                last = values[-VOCABULARY:]
                self.assertEqual([max(range(VOCABULARY), key=last.__getitem__)], paris)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["logits.f32"])

    def test_quantize_writes_what_inspect_shows_and_perplexity_reads(self):
        with tempfile.TemporaryDirectory() as folder:
            small = pathlib.Path(folder, "small.gguf")
            printed = checkout.answer("quantize", checkout.MODEL, small, "--type", "q4_k")
            self.assertIn("blk.0.attn_q.weight is Q8_0: its rows are no multiple of 256", printed)
            shown = checkout.answer("inspect", small)
            self.assertIn("fell back", shown)
            self.assertRegex(shown, r"Q4_K +30 tensors")
            text = pathlib.Path(folder, "text.txt")
            text.write_text("The cat sat on the mat. The dog sat on the log.")
            result = json.loads(checkout.answer("perplexity", text, "--model", small, "--json"))
            self.assertGreater(result["tokens"], 8)
            self.assertTrue(1 < result["perplexity"] < 1000, result)

    def test_inspect(self):
        printed = checkout.answer("inspect", checkout.MODEL)
        for words in ("GGUF 3", "general.architecture", "llama", "llama.block_count", "token_embd.weight",
                      "blk.29.ffn_down.weight", "[49152, 576]", "\ntypes\n"):
            self.assertIn(words, printed)

    def test_bench(self):
        words = ("bench", "-p", "16", "-n", "4", "--batch", "1,2", "--repetitions", "2")
        printed = json.loads(checkout.answer(*words, "--json"))
        for limit in ("read_bandwidth_gb_per_s", "peak_float32_gop_per_s", "peak_int8_gop_per_s"):
            self.assert_positive(printed[limit])
        results = printed["results"]
        self.assertEqual([result["test"] for result in results], ["pp16", "tg4", "tg4@2"])
        for result in results:
            self.assert_positive(result["tokens_per_second"])
            self.assert_positive(result["resident_mb"])
            self.assertGreaterEqual(result["stddev"], 0)
            if result["test"].startswith("tg"):
                self.assert_positive(result["read_bandwidth_share"])
        self.assertNotIn("read_bandwidth_share", results[0])
        table = checkout.answer(*words, "-d", "70")
        self.assertRegex(table, r"(?m)^read bandwidth [\d.]+ GB/s;")
        for name in ("pp16", "tg4", "tg4@2"):
            self.assertRegex(table, rf"(?m)^{name}\+70 +\d")

    def assert_positive(self, number):
        self.assertTrue(0 < number < math.inf, number)


class BenchPluginTests(CommandTestCase):
    """What holds on every machine; the times are for people."""

    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "--silent", "-C", checkout.ROOT / "Benchmarks/Plugins"], check=True)

    def bench(self, *words):
        return json.loads(checkout.answer("bench", "plugin", "--json", *words))

    def test_calls_and_starts(self):
        figures = self.bench("--only", "calls", "--only", "starts", "--calls", "3", "--starts", "2")
        self.assertEqual(list(figures), [
            "1 MB of rows, worker", "1 MB of rows, in process", "worker over in-process",
            "start to answer, empty C plugin", "start to answer, empty Swift plugin"])
        self.assertGreater(figures["start to answer, empty Swift plugin"]["median_ms"], 0)

    def test_loads_leave_nothing_behind(self):
        for place, figures in self.bench("--only", "loads", "--loads", "20").items():
            with self.subTest(place=place):
                self.assertEqual(figures["descriptors_after"], figures["descriptors_before"])

    def test_swaps_lose_no_request(self):
        figures, = self.bench("--only", "swaps", "--swaps", "6", "--clients", "4").values()
        self.assertGreater(figures["answered"], 0)
        self.assertEqual((figures["failed"], figures["misrouted"]), (0, 0))

    def test_streams_go_on_beside_an_encoder(self):
        figures, = self.bench("--only", "streams", "--streams", "2", "--rounds", "1").values()
        self.assertGreater(figures["beside_tokens_per_second"], 0)
        self.assertGreater(figures["encode_beside_ms"], 0)

    def test_what_is_not_built_is_told_with_how_to_build_it(self):
        probes = self.folder / "registry.json"
        probes.write_text((checkout.ROOT / "Benchmarks/Plugins/registry.json").read_text())
        self.assert_fails(1, "bench", "plugin", "--probes", probes, naming=["libprobes-1.so", "make -C"])


class BenchModalitiesTests(CommandTestCase):
    def test_every_way_to_serve_a_request_is_measured(self):
        words = ("bench", "modalities", "--registry", checkout.REGISTRY, "--rounds", "1", "-n", "2", "--input", LIGHT)
        printed = json.loads(checkout.answer(*words, "--json"))
        self.assertEqual(printed["encoders"], ["screen-text", "sensor"])
        results = printed["results"]
        self.assertEqual([result["request"].split(",")[0] for result in results],
                         ["text"] * 4 + ["with a part"] * 2 + ["with the same part again"])
        for result in results:
            self.assertLessEqual(result["first_token_ms"], result["whole_ms"])
            self.assertGreater(result["memory_bytes"], 0)
        self.assertEqual(results[0]["ratio"], 1)
        text, part = results[0]["prompt_tokens"], results[4]["prompt_tokens"]
        self.assertEqual([result["prompt_tokens"] for result in results], [text] * 4 + [part] * 3)
        self.assertGreater(part, text)

    def test_what_cannot_be_measured_is_told(self):
        self.assert_fails(1, "bench", "modalities", "--input", "/nowhere", naming=["/nowhere"])
        registry = checkout.write_registry(self.folder)
        self.assert_fails(1, "bench", "modalities", "--registry", registry, naming=["no plugins", "--registry"])
        self.assert_fails(2, "bench", "modalities", "--rounds", "0", naming=["--rounds"])


class FusionChartTests(CommandTestCase):
    def test_what_became_of_a_picture_is_drawn(self):
        result = checkout.run(
            "chat", "--registry", checkout.REGISTRY, "--show-fusion", "--max-tokens", "1", "--image", LIGHT, "Hello")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"^prompt  \d+ tokens, \d+ of them text\n"
                                        r"part 0  screen-text 0\.1\.0\n"
                                        r"  weight  █{20}  1\.000\n"
                                        r"  tokens  █+░+  \d+\n"
                                        r"  time    ▒*█+  load \d+ ms, encode \d+ ms\n")

    def test_of_text_alone_there_is_only_the_prompt(self):
        result = checkout.run("chat", "--show-fusion", "--max-tokens", "1", "Hello")
        tokens = re.match(r"prompt  (\d+) tokens, (\d+) of them text\n", result.stderr)
        self.assertEqual(*tokens.groups())


class EncodeTests(CommandTestCase):
    def test_text(self):
        words = ("encode", "--plugin", "screen-text", "--input", LIGHT)
        printed = json.loads(checkout.answer(*words, "--json"))
        segment, = printed["segments"]
        self.assertEqual(segment["kind"], "text")
        for part in ("Meeting moved", "The review starts at 14:30 today.", "Please bring the printed plans."):
            self.assertIn(part, segment["text"])
        self.assertEqual((printed["plugin"], printed["version"]), ("screen-text", "0.1.0"))
        self.assertGreater(printed["encode_ms"], 0)
        self.assertEqual(checkout.answer(*words), segment["text"] + "\n")

    def test_rows(self):
        library = checkout.build_fixture(self.folder)
        registry = checkout.write_registry(
            self.folder, checkout.plugin(library, "numbers", "text", ["text/csv"], "1.0.0"))
        table, output = self.folder / "table.csv", self.folder / "rows.f32"
        table.write_bytes(b"\x00\x01\xff")
        words = ("encode", "--registry", registry, "--plugin", "numbers", "--input", table)
        printed = json.loads(checkout.answer(*words, "--json", "--output", output))
        segment, = printed["segments"]
        self.assertEqual((segment["kind"], segment["rows"], segment["width"]), ("rows", 3, 4))
        self.assertEqual(list(array.array("f", output.read_bytes())),
                         [0, 0, 0, 0, 1, 2, 3, 4, 255, 510, 765, 1020])
        self.assertEqual(checkout.answer(*words), "3 rows of 4\n")

    def test_soft_tokens(self):
        fixtures = checkout.ROOT / "Tests/Plugins"
        subprocess.run(["make", "--silent", "-C", fixtures, "build/fixtures.so"], check=True)
        registry = checkout.write_registry(
            self.folder, checkout.plugin(fixtures / "build/fixtures.so", "soft", "text", ["text/plain"], "1.0.0"))
        note = self.folder / "note.txt"
        note.write_text("x")
        words = ("encode", "--registry", registry, "--plugin", "soft", "--input", note)
        segment, = json.loads(checkout.answer(*words, "--json"))["segments"]
        self.assertEqual(segment, {
            "kind": "soft", "part": 0, "text": "the cat",
            "slots": [[{"text": "the", "p": 0.75}, {"text": "a", "p": 0.25}], [{"text": " cat", "p": 0.5}]]})
        self.assertEqual(checkout.answer(*words), "the cat\n")

    def test_a_library_that_is_no_plugin_is_refused(self):
        library = self.folder / "text.so"
        library.write_text("This is no shared library.")
        registry = checkout.write_registry(self.folder, checkout.plugin(library))
        self.assert_fails(1, "encode", "--registry", registry, "--plugin", "screen-text", "--input", LIGHT,
                          naming=[str(library)])


class ChatCommandTests(CommandTestCase):
    def test_one_answer_as_json(self):
        printed = json.loads(checkout.answer(
            "chat", "--temperature", "0", "--json", "--system", "Your name is Bob, a cook.", "--max-tokens", "30",
            "Who are you?"))
        self.assertIn("Bob", printed["content"])
        self.assertEqual(printed["finish_reason"], "length" if printed["usage"]["completion_tokens"] == 30 else "stop")
        self.assertGreater(printed["usage"]["prompt_tokens"], 10)
        self.assertEqual(printed["gatehouse"], {"modalities": []})

    def test_a_session_remembers_its_turns(self):
        lines = "The secret word is banana.\n\n   \nWhat is the secret word?\n"
        result = checkout.run("chat", "--temperature", "0", "--json", "--max-tokens", "40", stdin=lines)
        self.assertEqual(result.returncode, 0, result.stderr)
        first, second = map(json.loads, result.stdout.splitlines())
        self.assertIn("banana", second["content"])
        self.assertGreater(second["usage"]["prompt_tokens"], first["usage"]["prompt_tokens"])

    def test_a_session_without_input_ends(self):
        result = checkout.run("chat", stdin="")
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_an_answer_that_was_cut_is_told_on_stderr(self):
        result = checkout.run("chat", "--temperature", "0", "--max-tokens", "3", "Tell me a story about a cat.")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout.count("\n"), 1)
        self.assertIn("ended after 3 tokens", result.stderr)

    def test_a_prompt_that_begins_with_a_dash(self):
        self.assertTrue(checkout.answer("chat", "--temperature", "0", "--max-tokens", "3", "--", "--help"))

    def test_model_and_registry_are_found_from_any_folder(self):
        printed = checkout.answer(
            "chat", "--temperature", "0", "--image", LIGHT, "Repeat the text in the image word for word.",
            folder=self.folder)
        self.assertIn("14:30", printed)
