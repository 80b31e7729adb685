"""Answers that are held to a schema, and calls of functions, with the clients that people use."""

import enum
import json
import unittest

import client
from daemon import DaemonTestCase
from pydantic import BaseModel, Field

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 30},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 3},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
QUESTION = [{"role": "user", "content": "A person called Anna, 30 years old, as JSON."}]
WEATHER = [{"role": "user", "content": "What is the weather in Oslo?"}]
TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "The weather of a city now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 40},
                                                        "unit": {"enum": ["celsius", "fahrenheit"]}},
                       "required": ["city", "unit"]}}},
    {"type": "function", "function": {"name": "get_time", "parameters": {
        "type": "object", "properties": {"zone": {"type": "integer", "minimum": -12, "maximum": 14}},
        "required": ["zone"]}}},
]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Paint(BaseModel):
    """A paint."""

    name: str = Field(max_length=20)
    colour: Colour
    litres: float | None = Field(ge=0, le=100)


class StructuredTests(DaemonTestCase):
    @property
    def api(self):
        return client.openai(self.daemon.port)

    def create(self, messages, **fields):
        return self.api.chat.completions.create(model="any", messages=messages, **{"temperature": 0, **fields})

    def assert_person(self, text):
        person = json.loads(text)
        self.assertEqual(list(person), ["name", "age", "tags"])
        self.assertIsInstance(person["name"], str)
        self.assertIn(person["age"], range(121))
        self.assertLessEqual(len(person["tags"]), 3)

    def assert_call(self, call):
        arguments = json.loads(call.function.arguments)
        if call.function.name == "get_weather":
            self.assertEqual(list(arguments), ["city", "unit"])
            self.assertIn(arguments["unit"], ("celsius", "fahrenheit"))
        else:
            self.assertEqual(call.function.name, "get_time")
            self.assertIn(arguments["zone"], range(-12, 15))

    def test_an_answer_fits_its_schema_at_every_temperature(self):
        for strict in (True, False):
            form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": strict}}
            for temperature in (0, 0.8, 2):
                answer = self.create(QUESTION, temperature=temperature, seed=3, n=3, response_format=form)
                for choice in answer.choices:
                    self.assert_person(choice.message.content)
                    self.assertEqual(choice.finish_reason, "stop")

    def test_an_answer_fits_however_near_the_limit(self):
        form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
        shortest = None
        for limit in range(1, 40):
            answer = client.complete(self.daemon.port, QUESTION, max_tokens=limit, response_format=form)
            if answer.status == 400:
                self.assertIsNone(shortest)
                self.assertEqual(answer.error["param"], "max_tokens")
                continue
            shortest = shortest or limit
            self.assert_person(answer.text)
            self.assertLessEqual(answer.json["usage"]["completion_tokens"], limit)
        self.assertGreater(shortest, 1)

    def test_a_streamed_answer_is_the_plain_one(self):
        form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
        streamed = "".join(client.deltas(client.chunks(self.daemon.port, QUESTION, response_format=form)))
        self.assertEqual(streamed, client.complete(self.daemon.port, QUESTION, response_format=form).text)
        self.assert_person(streamed)

    def test_any_object(self):
        for limit in (2, 7, 40):
            answer = self.create(
                QUESTION, max_tokens=limit, temperature=1, seed=limit, response_format={"type": "json_object"})
            self.assertIsInstance(json.loads(answer.choices[0].message.content), dict)

    def test_pydantic_models_by_the_openai_client(self):
        answer = self.api.chat.completions.parse(
            model="any", messages=[{"role": "user", "content": "A blue paint."}], response_format=Paint, seed=1)
        self.assertIsInstance(answer.choices[0].message.parsed, Paint)

    def test_a_schema_that_is_not_supported_is_a_400_that_names_it(self):
        schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"uniqueItems": True}}}
        form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        answer = client.complete(self.daemon.port, QUESTION, response_format=form)
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.error["param"], "response_format.json_schema.schema.$defs.b.uniqueItems")
        self.assertIn("uniqueItems", answer.error["message"])

    def test_required_and_named_calls_always_parse_and_fit(self):
        named = {"type": "function", "function": {"name": "get_time"}}
        for choice in ("required", named):
            for temperature in (0, 1.5):
                answer = self.create(
                    WEATHER, tools=TOOLS, tool_choice=choice, temperature=temperature, seed=2, max_tokens=120, n=2)
                for each in answer.choices:
                    self.assertEqual(each.finish_reason, "tool_calls")
                    self.assertIsNone(each.message.content)
                    for call in each.message.tool_calls:
                        self.assert_call(call)
                        if choice == named:
                            self.assertEqual(call.function.name, "get_time")

    def test_one_call_where_several_are_not_wanted(self):
        answer = self.create(
            WEATHER, tools=TOOLS, tool_choice="required", parallel_tool_calls=False, max_tokens=120, temperature=1)
        self.assertEqual(len(answer.choices[0].message.tool_calls), 1)

    def test_streamed_calls_are_the_plain_ones(self):
        fields = {"tools": TOOLS, "tool_choice": "required", "max_tokens": 120, "seed": 4, "temperature": 1}
        plain = self.create(WEATHER, **fields).choices[0].message.tool_calls
        calls = {}
        reason = None
        for chunk in self.create(WEATHER, stream=True, **fields):
            choice = chunk.choices[0]
            reason = choice.finish_reason or reason
            for delta in choice.delta.tool_calls or []:
                if delta.id:
                    calls[delta.index] = [delta.id, delta.function.name, ""]
                calls[delta.index][2] += delta.function.arguments
        self.assertEqual(reason, "tool_calls")
        self.assertEqual([call[1:] for call in calls.values()],
                         [[call.function.name, call.function.arguments] for call in plain])
        self.assertEqual(len({call[0] for call in calls.values()}), len(calls))

    def test_likelihoods_are_of_every_token_of_a_call(self):
        fields = {"tools": TOOLS, "tool_choice": "required", "max_tokens": 120, "seed": 4, "temperature": 1,
                  "logprobs": True, "top_logprobs": 2}
        plain = self.create(WEATHER, **fields)
        tokens = plain.choices[0].logprobs.content
        self.assertEqual(len(tokens), plain.usage.completion_tokens)
        written = b"".join(bytes(token.bytes) for token in tokens).decode()
        for call in plain.choices[0].message.tool_calls:
            self.assertIn(call.function.name, written)
            self.assertIn(call.function.arguments, written)
        streamed = [token.bytes for chunk in self.create(WEATHER, stream=True, **fields)
                    for token in (chunk.choices[0].logprobs.content if chunk.choices[0].logprobs else [])]
        self.assertEqual(streamed, [token.bytes for token in tokens])

    def test_the_model_may_answer_in_text(self):
        answer = self.create(WEATHER, tools=TOOLS, max_tokens=30)
        message = answer.choices[0].message
        self.assertTrue(message.content or message.tool_calls)
        plain = self.create(WEATHER, max_tokens=12)
        none = self.create(WEATHER, tools=TOOLS, tool_choice="none", max_tokens=12)
        self.assertEqual(plain.choices[0].message.content, none.choices[0].message.content)

    def test_text_that_the_limit_cuts_says_so(self):
        tale = [{"role": "user", "content": "Tell me a long story about a lighthouse."}]
        choice, = self.create(tale, tools=TOOLS, max_tokens=6).choices
        self.assertEqual((choice.message.tool_calls, choice.finish_reason), (None, "length"))

    def test_results_of_calls_are_read(self):
        call = self.create(
            WEATHER, tools=TOOLS, tool_choice={"type": "function", "function": {"name": "get_weather"}},
            max_tokens=60).choices[0].message
        history = [*WEATHER, call.model_dump(exclude_none=True),
                   {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "It is -3 degrees, with snow."}]
        answer = self.create(history, tools=TOOLS, tool_choice="none", max_tokens=40)
        self.assertIn("3", answer.choices[0].message.content)

    def test_langchain(self):
        from langchain_core.tools import tool
        from langchain_openai import ChatOpenAI

        @tool
        def multiply(first: int, second: int) -> int:
            """Multiply two numbers."""
            return first * second

        model = ChatOpenAI(base_url=f"http://127.0.0.1:{self.daemon.port}/v1", api_key="EMPTY", model="any",
                           temperature=0, max_retries=0, max_tokens=120)
        bound = model.bind_tools([multiply], tool_choice="multiply")
        answer = bound.invoke("What is 6 times 7?")
        self.assertEqual([call["name"] for call in answer.tool_calls], ["multiply"])
        self.assertEqual(set(answer.tool_calls[0]["args"]), {"first", "second"})
        self.assertIsInstance(multiply.invoke(answer.tool_calls[0]["args"]), int)
        for method in ("json_schema", "function_calling"):
            self.assertIsInstance(model.with_structured_output(Paint, method=method).invoke("A blue paint."), Paint)
        streamed = list(bound.stream("What is 6 times 7?"))
        whole = streamed[0]
        for chunk in streamed[1:]:
            whole += chunk
        self.assertEqual(whole.tool_calls[0]["args"], answer.tool_calls[0]["args"])


if __name__ == "__main__":
    unittest.main()
