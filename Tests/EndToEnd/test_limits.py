"""What any request may ask for at most: each limit with an error of its own, and what lies just within it."""

import base64
import json

import checkout
import client
from daemon import DaemonTestCase
from test_commands import CommandTestCase

HELLO = [{"role": "user", "content": "Hello"}]
STORY = "Tell me a long story about a cat, a dog, a horse and a hundred other animals."


class LimitTests(DaemonTestCase):
    options = ("--max-media-parts", 2, "--max-part-mb", 1, "--max-choices", 3, "--max-prompt-tokens", 100)

    def refused(self, answer, status, code, param):
        self.assertEqual(answer.status, status, answer.body[:500])
        self.assertEqual((answer.error["code"], answer.error["param"]), (code, param), answer.error)
        return answer.error["message"]

    def post(self, path, body):
        return client.request(self.daemon.port, "POST", path, body)

    def test_media_parts_are_counted_over_all_messages(self):
        def ask(count):
            messages = [{"role": "user", "content": [client.picture("light.png")]} for _ in range(count)]
            return client.complete(self.daemon.port, messages, max_tokens=1,
                                   gatehouse={"modalities": {"screen-text": "off"}})

        self.assertEqual(ask(2).status, 200)
        message = self.refused(ask(3), 400, "too_many_media", "messages[2].content[0]")
        self.assertIn("at most 2 ", message)

    def test_a_part_has_a_size(self):
        whole = b"a,b\n" * (1 << 18)
        off = {"modalities": {"sensor": "off"}}
        answer = client.complete(self.daemon.port, client.user(client.file(whole, "text/csv")), max_tokens=1,
                                 gatehouse=off)
        self.assertEqual(answer.status, 200, answer.body[:500])
        answer = client.complete(self.daemon.port, client.user(client.file(whole + b"1", "text/csv")), max_tokens=1,
                                 gatehouse=off)
        message = self.refused(answer, 413, "media_too_large", "messages[0].content[0].file.file_data")
        self.assertIn(str(1 << 20), message)
        self.assertIn(str((1 << 20) + 1), message)
        sound = {"type": "input_audio", "input_audio": {
            "data": base64.b64encode(bytes((1 << 20) + 1)).decode(), "format": "wav"}}
        self.refused(client.complete(self.daemon.port, client.user(sound)), 413, "media_too_large",
                     "messages[0].content[0].input_audio.data")
        body = (b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
                + bytes((1 << 20) + 1) + b"\r\n--b--\r\n")
        self.refused(client.request(self.daemon.port, "POST", "/v1/audio/transcriptions", body,
                                    {"Content-Type": "multipart/form-data; boundary=b"}),
                     413, "media_too_large", "file")

    def test_answers_to_a_prompt_are_counted(self):
        self.assertEqual(len(client.complete(self.daemon.port, HELLO, n=3, max_tokens=1).json["choices"]), 3)
        answer = client.complete(self.daemon.port, HELLO, n=4, max_tokens=1)
        self.assertIn("from 1 to 3", self.refused(answer, 400, "invalid_value", "n"))
        answer = self.post("/v1/completions", {"prompt": "Hello", "n": 4, "max_tokens": 1})
        self.assertIn("from 1 to 3", self.refused(answer, 400, "invalid_value", "n"))

    def test_a_prompt_has_a_length(self):
        words = "word " * 100
        self.assertEqual(self.post("/v1/completions", {"prompt": [1] * 100, "max_tokens": 1}).status, 200)
        self.assertEqual(self.post("/v1/embeddings", {"input": [1] * 100}).status, 200)
        for path, body in ((client.COMPLETIONS, client.chat(words)), ("/v1/completions", {"prompt": [1] * 101}),
                           ("/v1/embeddings", {"input": [1] * 101})):
            with self.subTest(path=path):
                answer = self.post(path, {**body, "max_tokens": 1} if "input" not in body else body)
                param = answer.error["param"]
                message = self.refused(answer, 400, "context_length_exceeded", param)
                self.assertIn("100", message)
                self.assertRegex(message, r"takes \d{3} tokens")


class TimeTests(DaemonTestCase):
    # Less than a step of the engine takes, so that the first one ends it.
    options = ("--max-seconds", "0.001")

    def test_an_answer_ends_when_its_time_is_up(self):
        answer = client.complete(self.daemon.port, STORY, max_tokens=2000).json
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")
        self.assertLess(answer["usage"]["completion_tokens"], 2000)
        last = client.chunks(self.daemon.port, STORY, max_tokens=2000)[-1]
        self.assertEqual(last["choices"][0]["finish_reason"], "length")
        answer = client.request(self.daemon.port, "POST", "/v1/completions", {
            "prompt": "Once upon a time", "max_tokens": 2000, "temperature": 0}).json
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")

    def test_what_is_held_to_a_schema_still_fits(self):
        answer = client.complete(
            self.daemon.port, STORY, max_tokens=2000, response_format={"type": "json_schema", "json_schema": {
                "name": "n", "schema": {"type": "object", "properties": {"name": {"type": "string"}},
                                        "required": ["name"], "additionalProperties": False}}})
        self.assertEqual(list(json.loads(answer.text)), ["name"])
        self.assertEqual(answer.json["choices"][0]["finish_reason"], "stop")


class OptionTests(CommandTestCase):
    def test_values_that_are_no_limits_are_refused(self):
        for option, value in (("--max-media-parts", "many"), ("--max-part-mb", "0"), ("--max-choices", "129"),
                              ("--max-prompt-tokens", "0"), ("--max-seconds", "0"), ("--max-seconds", "nan"),
                              ("--allow-media-host", "http://a.org"), ("--allow-media-host", "*")):
            with self.subTest(option=option, value=value):
                self.assert_fails(2, "serve", option, value, naming=[option, f'"{value}"'])
