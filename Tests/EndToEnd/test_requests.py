"""What the daemon serves besides answers, and how it refuses requests: in OpenAI's shape, naming the field."""

import json
import socket

import checkout
import client
from daemon import DaemonTestCase

HELLO = [{"role": "user", "content": "Hello"}]

# Field of the body, a value of the wrong type or out of range, and the name in the error where it is another.
WRONG_VALUES = [
    ("model", 3), ("model", ["a"]),
    ("messages", None), ("messages", "Hello"), ("messages", {}), ("messages", []), ("messages", 3),
    ("messages", [3], "messages[0]"), ("messages", ["Hello"], "messages[0]"),
    ("messages", [{}], "messages[0].role"), ("messages", [{"content": "Hello"}], "messages[0].role"),
    ("messages", [{"role": "wizard", "content": "Hello"}], "messages[0].role"),
    ("messages", [{"role": 3, "content": "Hello"}], "messages[0].role"),
    ("messages", [{"role": "user"}], "messages[0].content"),
    ("messages", [{"role": "user", "content": None}], "messages[0].content"),
    ("messages", [{"role": "user", "content": 3}], "messages[0].content"),
    ("messages", [{"role": "user", "content": {}}], "messages[0].content"),
    ("messages", HELLO + [{"role": "user", "content": True}], "messages[1].content"),
    ("messages", [{"role": "user", "content": ["Hello"]}], "messages[0].content[0]"),
    ("messages", client.user({}), "messages[0].content[0].type"),
    ("messages", client.user({"type": "video"}), "messages[0].content[0].type"),
    ("messages", client.user({"type": "text"}), "messages[0].content[0].text"),
    ("messages", client.user({"type": "text", "text": 3}), "messages[0].content[0].text"),
    ("messages", client.user({"type": "image_url"}), "messages[0].content[0].image_url"),
    ("messages", client.user({"type": "image_url", "image_url": "data:"}), "messages[0].content[0].image_url"),
    ("messages", client.user({"type": "image_url", "image_url": {}}), "messages[0].content[0].image_url.url"),
    ("messages", client.user({"type": "file"}), "messages[0].content[0].file"),
    ("messages", client.user({"type": "file", "file": {"file_data": 3}}), "messages[0].content[0].file.file_data"),
    ("messages", client.user({"type": "input_audio"}), "messages[0].content[0].input_audio"),
    ("messages", client.user({"type": "input_audio", "input_audio": {"data": 3}}),
     "messages[0].content[0].input_audio.data"),
    ("messages", client.user({"type": "input_audio", "input_audio": {"data": "aGk=", "format": 3}}),
     "messages[0].content[0].input_audio.format"),
    ("stream", "yes"), ("stream", 1), ("stream", []),
    ("stream_options", 3), ("stream_options", []), ("stream_options", {"include_usage": "yes"},
                                                    "stream_options.include_usage"),
    ("temperature", "hot"), ("temperature", -0.1), ("temperature", 2.1), ("temperature", True), ("temperature", [1]),
    ("top_p", 0), ("top_p", 1.1), ("top_p", "most"), ("top_k", -1), ("top_k", 1.5), ("top_k", "few"),
    ("min_p", -0.1), ("min_p", 2), ("min_p", "some"),
    ("seed", 1.5), ("seed", "one"), ("seed", True), ("seed", 1e300),
    ("max_tokens", 0), ("max_tokens", -1), ("max_tokens", 1.5), ("max_tokens", "many"), ("max_tokens", True),
    ("max_completion_tokens", 0), ("max_completion_tokens", "many"),
    ("n", 0), ("n", 129), ("n", "two"), ("n", 1.5), ("logprobs", 3), ("top_logprobs", 5), ("top_logprobs", "all"),
    ("presence_penalty", 3), ("frequency_penalty", -3), ("frequency_penalty", "some"),
    ("repetition_penalty", 0), ("repetition_penalty", -1), ("logit_bias", [1]), ("logit_bias", {"a": 1}),
    ("logit_bias", {"1": 101}, "logit_bias.1"), ("logit_bias", {"49152": 1}),
    ("stop", 3), ("stop", {}), ("stop", [3], "stop[0]"), ("stop", [""], "stop[0]"), ("stop", ["x"] * 17),
    ("tools", {}), ("tools", [{"type": "function"}], "tools[0].function.name"), ("tool_choice", "required"),
    ("tool_choice", "some"), ("parallel_tool_calls", 1), ("response_format", "json"),
    ("response_format", {"type": "xml"}, "response_format.type"),
    ("response_format", {"type": "json_schema"}, "response_format.json_schema.schema"),
    ("response_format", {"type": "json_schema", "json_schema": {"schema": {"properties": {"a": {"not": {}}}}}},
     "response_format.json_schema.schema.properties.a.not"),
    ("gatehouse", 3), ("gatehouse", []), ("gatehouse", {"modalities": "off"}, "gatehouse.modalities"),
    ("gatehouse", {"modalities": {"screen-text": 3}}, "gatehouse.modalities.screen-text"),
    ("gatehouse", {"modalities": {"screen-text": {"weight": "half"}}}, "gatehouse.modalities.screen-text.weight"),
    ("gatehouse", {"modalities": {"screen-text": {"version": 1}}}, "gatehouse.modalities.screen-text.version"),
    ("metadata", 3), ("metadata", {"a": 3}, "metadata.a"), ("metadata", {"a": "b" * 513}, "metadata.a"),
    ("metadata", {"a" * 65: "b"}), ("metadata", {str(number): "" for number in range(17)}),
    ("user", 3), ("store", "yes"), ("service_tier", 1), ("safety_identifier", 1), ("prompt_cache_key", 1),
    ("reasoning_effort", 3), ("verbosity", 3), ("prediction", "text"),
]

UNSUPPORTED = [
    ("functions", [{"name": "f"}]), ("modalities", ["text", "audio"]), ("audio", {"voice": "alloy", "format": "wav"}),
    ("function_call", {"name": "f"}), ("web_search_options", {}),
]

NEUTRAL = {
    "n": 1, "logprobs": False, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "tools": [],
    "tool_choice": "auto", "response_format": {"type": "text"}, "modalities": ["text"], "user": "somebody",
    "stream": False, "stop": None, "seed": None, "max_tokens": None, "temperature": 0, "store": True,
    "metadata": {str(number).rjust(64): "b" * 512 for number in range(16)}, "parallel_tool_calls": True,
    "safety_identifier": "a", "prompt_cache_key": "a", "service_tier": "auto", "reasoning_effort": "low",
    "verbosity": "low", "prediction": {"type": "content", "content": "Hi"}, "function_call": "none", "functions": [],
    "audio": None, "web_search_options": None, "stream_options": {"include_obfuscation": True}, "x-unknown": [1, {"deep": None}],
}


class RequestTests(DaemonTestCase):
    def get(self, method, path, body=None, headers=None):
        return client.request(self.daemon.port, method, path, body, headers)

    def assert_refused(self, answer, status=400):
        """OpenAI's shape: four fields, no more."""
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(set(answer.json), {"error"})
        self.assertEqual(set(answer.error), {"message", "type", "param", "code"})
        self.assertTrue(answer.error["message"])
        self.assertEqual(answer.error["type"], "invalid_request_error")
        return answer.error

    def test_health_and_models(self):
        self.assertEqual(self.get("GET", "/health").json, {"status": "ok"})
        models = self.get("GET", "/v1/models").json
        self.assertEqual(models["object"], "list")
        self.assertEqual([model["id"] for model in models["data"]], [checkout.MODEL.stem])
        self.assertEqual(models["data"][0]["object"], "model")
        self.assertEqual([model.id for model in client.openai(self.daemon.port).models.list()], [checkout.MODEL.stem])

    def test_unknown_paths_and_methods(self):
        for path in ("/nothing", "/v1", "/v1/chat", "/v1/chat/completions/", "/v1/moderations", "/v1/%2e%2e/health"):
            with self.subTest(path=path):
                self.assertIn(path.split("%")[0], self.assert_refused(self.get("POST", path, {}), 404)["message"])
        for method, path, allowed in (("GET", client.COMPLETIONS, "POST"), ("POST", "/health", "GET"),
                                      ("DELETE", "/v1/models", "GET")):
            with self.subTest(method=method, path=path):
                answer = self.get(method, path)
                self.assert_refused(answer, 405)
                self.assertEqual(answer.headers["Allow"], allowed)

    def test_a_body_that_is_no_json_object(self):
        for body in (b"", b"{", b"nonsense", b'{"messages": [', b"[]", b"3", b'"text"', b"null", b"\xff\xfe\x00",
                     b'{"messages": [{"role": "user", "content": "\xff"}]}', b"[" * 100_000, b'{"a":' * 100_000):
            with self.subTest(body=body[:40]):
                self.assertEqual(
                    self.assert_refused(self.get("POST", client.COMPLETIONS, body))["code"], "invalid_json")

    def test_every_field_of_a_wrong_type_or_range_is_named(self):
        for field, value, *name in WRONG_VALUES:
            with self.subTest(field=field, value=str(value)[:80]):
                body = {"messages": HELLO, "max_tokens": 1, **{field: value}}
                error = self.assert_refused(self.get("POST", client.COMPLETIONS, body))
                named = name[0] if name else field
                self.assertTrue((error["param"] or "").startswith(named), error)
                self.assertIn(named, error["message"])

    def test_parameters_that_would_be_ignored_are_refused_by_name(self):
        for field, value in UNSUPPORTED:
            with self.subTest(field=field):
                body = {"messages": HELLO, "max_tokens": 1, **{field: value}}
                error = self.assert_refused(self.get("POST", client.COMPLETIONS, body))
                self.assertEqual((error["param"], error["code"]), (field, "unsupported_parameter"))
                self.assertIn(field, error["message"])

    def test_neutral_and_unknown_parameters_are_taken(self):
        for field, value in NEUTRAL.items():
            with self.subTest(field=field):
                body = {"messages": HELLO, "max_tokens": 1, **{field: value}}
                if field == "max_tokens":
                    body["max_completion_tokens"] = 1
                answer = self.get("POST", client.COMPLETIONS, body)
                self.assertEqual(answer.status, 200, answer.body)

    def test_the_openai_client_raises_its_own_errors(self):
        import openai

        api = client.openai(self.daemon.port)
        with self.assertRaises(openai.BadRequestError) as raised:
            api.chat.completions.create(model="any", messages=HELLO, temperature=9)
        self.assertEqual(raised.exception.param, "temperature")
        with self.assertRaises(openai.NotFoundError):
            api.moderations.create(model="any", input="Hello")

    def test_the_model_name_of_the_request_is_echoed(self):
        body = {"messages": HELLO, "max_tokens": 1}
        self.assertEqual(self.get("POST", client.COMPLETIONS, body).json["model"], checkout.MODEL.stem)
        body["model"] = "gpt-4o"
        self.assertEqual(self.get("POST", client.COMPLETIONS, body).json["model"], "gpt-4o")

    def test_every_answer_has_an_id_of_its_own(self):
        answers = [self.get("POST", client.COMPLETIONS, {"messages": HELLO, "max_tokens": 1}) for _ in range(3)]
        self.assertEqual(len({answer.json["id"] for answer in answers}), 3)
        for answer in answers:
            self.assertRegex(answer.json["id"], "^chatcmpl-.+")
            self.assertEqual(answer.json["object"], "chat.completion")

    def test_bytes_that_are_no_http_end_that_connection_alone(self):
        for noise in (b"\0" * 1000, b"GET\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                      b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",
                      b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            with socket.create_connection(("127.0.0.1", self.daemon.port)) as connection:
                connection.sendall(noise)
        self.assertEqual(self.get("GET", "/health").status, 200)

    def test_a_body_in_chunks_is_read(self):
        body = json.dumps({"messages": HELLO, "max_tokens": 1}).encode()
        connection = client.http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=checkout.PATIENCE)
        connection.request("POST", client.COMPLETIONS, iter([body[:10], body[10:]]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()


class ModelNameTests(DaemonTestCase):
    options = ("--model-name", "small", "--model-name=default", "--strict-model")

    def test_given_names_are_listed_and_answered_and_others_are_not(self):
        models = client.request(self.daemon.port, "GET", "/v1/models").json["data"]
        self.assertEqual([model["id"] for model in models], ["small", "default"])
        for name in ("small", "default"):
            answer = client.complete(self.daemon.port, HELLO, model=name, max_tokens=1)
            self.assertEqual((answer.status, answer.json["model"]), (200, name))
        self.assertEqual(client.complete(self.daemon.port, HELLO, max_tokens=1).json["model"], "small")
        for stream in (False, True):
            answer = client.complete(self.daemon.port, HELLO, model="gpt-4o", max_tokens=1, stream=stream)
            self.assertEqual(answer.status, 404)
            self.assertEqual((answer.error["code"], answer.error["param"]), ("model_not_found", "model"))
            for word in ("gpt-4o", "small", "default"):
                self.assertIn(word, answer.error["message"])
