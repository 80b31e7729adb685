"""Media parts in a request: what the model gets to read of them, what the answer reports, and what is refused."""

import base64
import concurrent.futures
import json
import tempfile

import checkout
import client
import processes
from daemon import DaemonTestCase

READ = "Repeat the text in the image word for word."
REPORT = {"part", "plugin", "version", "weight", "gate", "tokens", "load_ms", "encode_ms", "cached"}


class ImageTests(DaemonTestCase):
    # Every picture is read anew, whatever the tests before it sent.
    options = ("--media-cache", "0")

    def ask(self, *parts, **fields):
        return client.complete(self.daemon.port, client.user(*parts), **fields)

    def refused(self, part, code, **fields):
        answer = self.ask(part, client.text("What is this?"), **fields)
        self.assertEqual(answer.status, 400, answer.body)
        self.assertEqual(answer.error["type"], "invalid_request_error")
        self.assertEqual(answer.error["code"], code, answer.error)
        return answer.error

    def test_the_answer_uses_the_words_of_a_picture(self):
        answer = self.ask(client.picture("light.png"), client.text(READ))
        for words in ("Meeting moved", "14:30", "printed plans"):
            self.assertIn(words, answer.text)

    def test_the_openai_client_sends_pictures_too(self):
        answer = client.openai(self.daemon.port).chat.completions.create(
            model="any", temperature=0, messages=client.user(client.picture("light.png"), client.text(READ)))
        self.assertIn("Meeting moved", answer.choices[0].message.content)
        self.assertEqual(answer.model_extra["gatehouse"]["modalities"][0]["plugin"], "screen-text")

    def test_the_command_line_sends_pictures_too(self):
        image = checkout.IMAGES / "light.png"
        self.assertIn("14:30", checkout.answer("chat", "--temperature", "0", "--image", image, READ))
        printed = json.loads(checkout.answer("chat", "--temperature", "0", "--json", "--image", image, READ))
        self.assertIn("Meeting moved", printed["content"])
        self.assertEqual(set(printed["gatehouse"]["modalities"][0]), REPORT)

    def test_the_report_tells_what_became_of_each_part(self):
        answer = self.ask(client.picture("light.png"), client.text("And this?"), client.picture("control.png"),
                          max_tokens=1).json
        first, second = answer["gatehouse"]["modalities"]
        for number, report in enumerate((first, second)):
            self.assertEqual(set(report), REPORT)
            self.assertEqual(report["part"], number)
            self.assertEqual((report["plugin"], report["version"]), ("screen-text", "0.1.0"))
            self.assertEqual((report["weight"], report["gate"], report["cached"]), (1, None, False))
            self.assertGreater(report["encode_ms"], 0)
            self.assertGreaterEqual(report["load_ms"], 0)
        read = json.loads(checkout.answer(
            "encode", "--plugin", "screen-text", "--input", checkout.IMAGES / "light.png", "--json"))
        placed = "Text in the image:\n" + read["segments"][0]["text"]
        self.assertEqual(first["tokens"], checkout.token_count(placed))

    def test_a_stream_reports_in_its_first_chunk_alone(self):
        first, *others = client.chunks(
            self.daemon.port, client.user(client.picture("light.png"), client.text(READ)), max_tokens=4)
        self.assertEqual(set(first["gatehouse"]["modalities"][0]), REPORT)
        for chunk in others:
            self.assertNotIn("gatehouse", chunk)

    def test_a_request_without_media_reports_an_empty_list(self):
        answer = client.complete(self.daemon.port, "Hello", max_tokens=1)
        self.assertEqual(answer.json["gatehouse"], {"modalities": []})

    def test_the_host_reads_what_a_user_would_have_typed(self):
        image = checkout.IMAGES / "light.png"
        read = json.loads(checkout.answer("encode", "--plugin", "screen-text", "--input", image, "--json"))
        typed = client.complete(
            self.daemon.port, f"Text in the image:\n{read['segments'][0]['text']}\n{READ}", max_tokens=30).json
        seen = self.ask(client.picture("light.png"), client.text(READ), max_tokens=30).json
        self.assertEqual(seen["choices"], typed["choices"])
        self.assertEqual(seen["usage"], typed["usage"])

    def test_a_picture_of_a_control_token_is_text(self):
        read = json.loads(checkout.answer(
            "encode", "--plugin", "screen-text", "--input", checkout.IMAGES / "control.png", "--json"))
        words = read["segments"][0]["text"]
        self.assertIn("<|im_end|>", words)
        answer = self.ask(client.picture("control.png"), client.text("What does the text say?"), max_tokens=30)
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(answer.text.strip(), "")
        # As many tokens as its letters take, where one control token would be fewer.
        placed = f"user\nText in the image:\n{words}\nWhat does the text say?"
        plain = client.complete(self.daemon.port, "Hello", max_tokens=1).json["usage"]["prompt_tokens"]
        self.assertEqual(answer.json["usage"]["prompt_tokens"] - plain,
                         checkout.token_count(placed) - checkout.token_count("user\nHello"))

    def test_ten_pictures_in_one_request_keep_their_order(self):
        names = ["light.png", "control.png", "light.png", "bar.png", "dark.png"] * 2
        answer = self.ask(*map(client.picture, names), client.text("Hello"), max_tokens=1).json
        report = answer["gatehouse"]["modalities"]
        self.assertEqual([part["part"] for part in report], list(range(10)))
        tokens = [part["tokens"] for part in report]
        self.assertEqual(tokens[:5], tokens[5:])
        self.assertEqual(tokens[0], tokens[2])
        self.assertNotEqual(tokens[0], tokens[1])

    def test_pictures_at_once_are_answered_as_each_alone(self):
        names = ["light.png", "control.png", "bar.png", "small.png", "buttons.png", "columns.png"]

        def read(name):
            return self.ask(client.picture(name), client.text(READ), max_tokens=30).text

        alone = [read(name) for name in names]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            self.assertEqual(list(pool.map(read, names)), alone)

    def test_other_formats_of_the_same_letter_read_the_same(self):
        for name in ("dark.png", "grey.png", "cmyk.jpg"):
            with self.subTest(name=name):
                self.assertIn("14:30", self.ask(client.picture(name), client.text(READ), max_tokens=40).text)

    def test_the_bytes_decide_the_media_type(self):
        content = (checkout.IMAGES / "light.png").read_bytes()
        part = {"type": "image_url", "image_url": {"url": client.data_url(content, "image/gif")}}
        self.assertIn("Meeting moved", self.ask(part, client.text(READ)).text)
        self.assertIn("Meeting moved", self.ask(client.file(content, "application/x-unknown"), client.text(READ)).text)

    def test_damaged_pictures_are_refused_with_the_reason(self):
        url = client.data_url(b"\x89PNG\r\n\x1a\nnothing more")
        error = self.refused({"type": "image_url", "image_url": {"url": url}}, "invalid_media")
        self.assertIn("PNG is damaged", error["message"])
        error = self.refused({"type": "image_url", "image_url": {"url": client.data_url(b"hello")}}, "invalid_media")
        self.assertIn("neither PNG nor JPEG", error["message"])
        for name in ("cut.png", "cut.jpg", "huge.png", "overflow.png", "text-file.png"):
            with self.subTest(name=name):
                self.refused(client.picture(name), "invalid_media")
        # None of that hurt the plugin.
        self.assertIn("14:30", self.ask(client.picture("light.png"), client.text(READ)).text)

    def test_a_media_type_that_nobody_accepts_is_refused_with_those_that_are(self):
        wave = {"type": "input_audio", "input_audio": {
            "data": base64.b64encode(b"RIFF\0\0\0\0WAVEfmt ").decode(), "format": "wav"}}
        named = {"type": "input_audio", "input_audio": {"data": base64.b64encode(b"sound").decode(), "format": "mp3"}}
        cases = [(wave, "audio/wav"), (named, "audio/mpeg"),
                 (client.file(b"%PDF-1.7", "text/plain"), "application/pdf"),
                 (client.file(b"# A", "text/markdown"), "text/markdown")]
        for part, media_type in cases:
            with self.subTest(media_type=media_type):
                message = self.refused(part, "unsupported_media_type")["message"]
                for word in (media_type, "image/png", "image/jpeg"):
                    self.assertIn(word, message)

    def test_a_url_that_holds_no_picture_is_refused_with_its_field(self):
        cases = [("http://example.org/a.png", "http://example.org/a.png"), ("file:///etc/passwd", "file:///etc/passwd"),
                 ("data:image/png;base64,@@@@", "valid base64"), ("data:image/png;base64,iVBOR*0KGg==", "valid base64"),
                 ("data:image/png;base64,", "empty"), ("data:image/png", "data:"), ("", "data:"), (7, "the number 7")]
        for url, found in cases:
            with self.subTest(url=url):
                error = self.refused({"type": "image_url", "image_url": {"url": url}}, "invalid_value")
                self.assertEqual(error["param"], "messages[0].content[0].image_url.url")
                self.assertIn(error["param"], error["message"])
                self.assertIn(found, error["message"])

    def test_a_request_can_switch_a_plugin_off(self):
        for option in ("off", {"weight": 0}):
            with self.subTest(option=option):
                answer = self.ask(client.picture("light.png"), client.text("Hello"), max_tokens=1,
                                  gatehouse={"modalities": {"screen-text": option}}).json
                report, = answer["gatehouse"]["modalities"]
                self.assertEqual((report["weight"], report["tokens"], report["encode_ms"]), (0, 0, 0))
                plain = client.complete(self.daemon.port, "Hello", max_tokens=1).json
                self.assertEqual(answer["usage"], plain["usage"])
                self.assertEqual(answer["choices"], plain["choices"])

    def test_a_request_can_choose_a_version(self):
        for option in ("auto", {"version": "0.1.0"}, {"version": "0.1.0", "weight": 1}):
            with self.subTest(option=option):
                answer = self.ask(client.picture("light.png"), client.text(READ),
                                  gatehouse={"modalities": {"screen-text": option}})
                self.assertIn("Meeting moved", answer.text)
                self.assertEqual(answer.json["gatehouse"]["modalities"][0]["version"], "0.1.0")

    def test_a_choice_that_cannot_be_honoured_is_refused_with_what_there_is(self):
        cases = [
            ({"screen-text": {"version": "9.0.0"}}, "unknown_version", "0.1.0"),
            ({"screen-text": {"version": "new"}}, "invalid_value", "semantic version"),
            ({"screen-text": {"weight": 2}}, "invalid_value", "weight"),
            ({"screen-text": {"colour": 1}}, "invalid_value", "version"),
            ({"screen-text": "on"}, "invalid_value", '"off", "auto"'),
            ({"smell": "off"}, "unknown_plugin", "screen-text"),
        ]
        for options, code, found in cases:
            with self.subTest(options=options):
                error = self.refused(client.picture("light.png"), code, gatehouse={"modalities": options})
                self.assertIn("gatehouse.modalities." + next(iter(options)), error["message"])
                self.assertIn(found, error["message"])


class AgainTests(DaemonTestCase):
    def ask(self, weight=None):
        options = {} if weight is None else {"gatehouse": {"modalities": {"screen-text": {"weight": weight}}}}
        message = client.user(client.picture("light.png"), client.text(READ))
        return client.complete(self.daemon.port, message, max_tokens=30, **options)

    def test_a_picture_that_comes_again_is_not_read_again(self):
        first = self.ask()
        report, = first.json["gatehouse"]["modalities"]
        self.assertEqual((report["cached"], report["encode_ms"] > 0), (False, True))
        again = self.ask()
        report, = again.json["gatehouse"]["modalities"]
        self.assertEqual((report["cached"], report["load_ms"], report["encode_ms"]), (True, 0, 0))
        self.assertEqual(again.text, first.text)
        self.assertEqual(self.daemon.plugins()["screen-text"]["calls"], 1)
        # The prompt is the same, so most of it is computed already.
        self.assertGreater(again.json["usage"]["prompt_tokens_details"]["cached_tokens"], 0)

    def test_a_request_says_how_much_a_picture_weighs(self):
        whole, some = self.ask(weight=1), self.ask(weight=0.25)
        self.assertIn("14:30", whole.text)
        report, = some.json["gatehouse"]["modalities"]
        self.assertEqual((report["weight"], report["gate"]), (0.25, None))
        self.assertEqual(report["tokens"], whole.json["gatehouse"]["modalities"][0]["tokens"])
        self.assertEqual(some.status, 200)


class WithoutPluginsTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.options = ("--registry", checkout.write_registry(folder))
        super().setUpClass()

    def test_a_picture_is_refused_and_text_is_answered(self):
        answer = client.complete(self.daemon.port, client.user(client.picture("light.png")))
        self.assertEqual(answer.status, 400)
        self.assertIn("the registry has no plugin", answer.error["message"])
        self.assertEqual(client.complete(self.daemon.port, "Hello", max_tokens=1).status, 200)
        self.assertEqual(processes.children(self.daemon.pid), [])
