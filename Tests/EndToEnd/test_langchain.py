"""LangChain's own client for OpenAI, told nothing but where the daemon is; raw HTTP for what it drops."""

import asyncio
import base64
import os
import pathlib
import shutil
import tempfile
import unittest
import unittest.mock

import checkout
import client
import morse
from daemon import DaemonTestCase
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field
from test_reasoning import CHECKPOINT

CAPITAL = "What is the capital of France?"
THINKING = {"enable_thinking": True, "return_reasoning": True}


class City(BaseModel):
    """A city."""

    name: str = Field(max_length=20)
    people: int = Field(ge=0, le=100_000_000)


@tool
def multiply(first: int, second: int) -> int:
    """Multiply two numbers."""
    return first * second


class LangChainTests(DaemonTestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gatehouse-test-"))
        # A small model may never end by itself where the client sets no limit.
        cls.options = ("--ctx", "1024", "--registry", checkout.write_registry(
            folder, checkout.plugin(checkout.SCREEN_TEXT, prompt="Text in the image:\n{output}"), morse.plugin()))
        super().setUpClass()
        cls.address = f"http://127.0.0.1:{cls.daemon.port}/v1"

    def model(self, **fields):
        return ChatOpenAI(**{"base_url": self.address, "api_key": "EMPTY", "temperature": 0, "max_retries": 0,
                             "max_tokens": 60, **fields})

    def test_the_call_that_its_users_start_from(self):
        with unittest.mock.patch.dict(os.environ, OPENAI_API_BASE=self.address):
            answer = ChatOpenAI(temperature=0.5, api_key="EMPTY", extra_body=dict(THINKING), streaming=True).invoke(
                "你是谁?")
        self.assertIsInstance(answer, AIMessage)
        self.assertTrue(answer.content)
        self.assertIn(answer.response_metadata["finish_reason"], ("stop", "length"))

    def test_invoke(self):
        self.assertIn("Paris", self.model().invoke(CAPITAL).content)
        answer = self.model().invoke([SystemMessage("Answer briefly."), HumanMessage(CAPITAL)])
        raw = client.complete(self.daemon.port, [{"role": "system", "content": "Answer briefly."},
                                                 {"role": "user", "content": CAPITAL}], max_tokens=60).json
        self.assertEqual(answer.content, raw["choices"][0]["message"]["content"])
        self.assertEqual(answer.usage_metadata["input_tokens"], raw["usage"]["prompt_tokens"])
        self.assertEqual(answer.usage_metadata["output_tokens"], raw["usage"]["completion_tokens"])
        self.assertEqual(answer.response_metadata["finish_reason"], raw["choices"][0]["finish_reason"])

    def test_stream(self):
        pieces = list(self.model(stream_usage=True).stream(CAPITAL))
        self.assertGreater(len(pieces), 3)
        whole = pieces[0]
        for piece in pieces[1:]:
            whole += piece
        plain = self.model().invoke(CAPITAL)
        self.assertEqual(whole.content, plain.content)
        self.assertEqual(whole.usage_metadata, plain.usage_metadata)

    def test_batch_and_async(self):
        questions = [CAPITAL, "What is the capital of Italy?", "Name a colour."]
        alone = [self.model().invoke(question).content for question in questions]
        self.assertEqual([answer.content for answer in self.model().batch(questions)], alone)

        async def together():
            return await asyncio.gather(*(self.model().ainvoke(question) for question in questions))

        self.assertEqual([answer.content for answer in asyncio.run(together())], alone)

    def test_likelihoods(self):
        answer = self.model(logprobs=True, top_logprobs=2, max_tokens=4).invoke(CAPITAL)
        self.assertEqual([len(token["top_logprobs"]) for token in answer.response_metadata["logprobs"]["content"]],
                         [2] * 4)

    def test_bind_tools(self):
        for fields in ({}, {"strict": True}, {"parallel_tool_calls": False}):
            bound = self.model(max_tokens=120).bind_tools([multiply], tool_choice="required", **fields)
            answer = bound.invoke("What is 6 times 7?")
            call = answer.tool_calls[0]
            self.assertEqual((call["name"], set(call["args"])), ("multiply", {"first", "second"}))
            result = multiply.invoke(call)
            self.assertIsInstance(result, ToolMessage)
        # The result goes back with the whole conversation, and the model may go on in text.
        again = self.model(max_tokens=120).bind_tools([multiply]).invoke(
            [HumanMessage("What is 6 times 7?"), answer, *(multiply.invoke(call) for call in answer.tool_calls)])
        self.assertTrue(again.content or again.tool_calls)

    def test_with_structured_output(self):
        for method in ("json_schema", "function_calling"):
            for strict in (None, True):
                # Of its default name it believes that there are no schemas.
                city = self.model(model="any").with_structured_output(City, method=method, strict=strict).invoke(
                    "A big city as JSON.")
                self.assertIsInstance(city, City)
        raw = self.model(model="any").with_structured_output(City, include_raw=True).invoke("A big city as JSON.")
        self.assertIsNone(raw["parsing_error"])
        self.assertIsInstance(self.model().with_structured_output(None, method="json_mode").invoke("JSON, please."), dict)
        *_, last = self.model(model="any").with_structured_output(City).stream("A big city as JSON.")
        self.assertIsInstance(last, City)

    def test_images(self):
        picture = (checkout.IMAGES / "light.png").read_bytes()
        words = {"type": "text", "text": "Repeat the text in the image word for word."}
        forms = (client.picture("light.png"),
                 {"type": "image", "base64": base64.b64encode(picture).decode(), "mime_type": "image/png"},
                 {"type": "image", "source_type": "base64", "data": base64.b64encode(picture).decode(),
                  "mime_type": "image/png"})
        for form in forms:
            with self.subTest(form=str(form)[:60]):
                answer = self.model().invoke([HumanMessage([form, words])])
                self.assertIn("Meeting moved", answer.content)

    def test_sounds(self):
        sound = base64.b64encode(morse.sound("HELLO BIG WORLD")).decode()
        words = {"type": "text", "text": "Repeat it."}
        forms = ({"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
                 {"type": "audio", "base64": sound, "mime_type": "audio/wav"})
        for form in forms:
            with self.subTest(form=str(form)[:60]):
                answer = self.model().invoke([HumanMessage([form, words])])
                self.assertIn("BIG WORLD", answer.content)

    def test_embeddings(self):
        embeddings = OpenAIEmbeddings(
            base_url=self.address, api_key="EMPTY", model="any", check_embedding_ctx_length=False)
        vectors = embeddings.embed_documents(["A cat.", "A dog."])
        self.assertEqual(len(vectors), 2)
        for number in range(2):
            self.assertAlmostEqual(sum(value * value for value in vectors[number]), 1, places=4)

    def test_errors_are_the_clients_own(self):
        import openai

        with self.assertRaises(openai.BadRequestError) as raised:
            self.model(extra_body={"metadata": {"a": "b" * 513}}).invoke(CAPITAL)
        self.assertEqual(raised.exception.param, "metadata.a")

    def test_what_it_drops_is_there(self):
        parts = client.user(client.picture("light.png"), client.text("What does it say?"))
        answer = client.complete(self.daemon.port, parts, max_tokens=8, **THINKING).json
        self.assertEqual(answer["gatehouse"]["modalities"][0]["plugin"], "screen-text")
        self.assertIn("reasoning_content", answer["choices"][0]["message"])


class ThinkingTests(DaemonTestCase):
    """A small random checkpoint whose template opens the tags of a thought, which nothing closes."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="gatehouse-test-"))
        model = pathlib.Path(folder) / "thinker"
        shutil.copytree(CHECKPOINT, model)
        template = model / "chat_template.jinja"
        opening = "{% if enable_thinking is defined and not enable_thinking %}{% else %}<think>\n{% endif %}"
        template.write_text(template.read_text().replace("<|assistant|>\n{% endif %}",
                                                         "<|assistant|>\n" + opening + "{% endif %}"))
        cls.options = ("--model", model, "--ctx", "64")
        super().setUpClass()

    def test_reasoning_is_told_apart_in_the_call_that_its_users_start_from(self):
        with unittest.mock.patch.dict(os.environ, OPENAI_API_BASE=f"http://127.0.0.1:{self.daemon.port}/v1"):
            answer = ChatOpenAI(temperature=0.5, api_key="EMPTY", extra_body=dict(THINKING), streaming=True).invoke(
                "你是谁?")
        # The client drops `reasoning_content`; the stream has it.
        self.assertEqual(answer.content, "")
        self.assertTrue(answer.response_metadata["finish_reason"])
        deltas = [chunk["choices"][0]["delta"] for chunk in client.chunks(self.daemon.port, "你是谁?", **THINKING)]
        self.assertTrue("".join(delta.get("reasoning_content", "") for delta in deltas))

    def test_an_effort_of_none_is_no_thinking(self):
        with_effort = client.complete(self.daemon.port, "Hello", max_tokens=8, reasoning_effort="none",
                                      return_reasoning=True).json["choices"][0]["message"]
        without = client.complete(self.daemon.port, "Hello", max_tokens=8, enable_thinking=False,
                                  return_reasoning=True).json["choices"][0]["message"]
        self.assertEqual(with_effort, without)
        self.assertEqual(with_effort["reasoning_content"], "")


if __name__ == "__main__":
    unittest.main()
