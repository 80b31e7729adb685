"""What a model thinks, told apart from what it answers, and whether it thinks at all."""

import json
import pathlib
import shutil
import tempfile

import checkout
import client
from daemon import DaemonTestCase

CHECKPOINT = checkout.ROOT / "Tests" / "Fixtures" / "Checkpoints" / "glm4"
ASK = [{"role": "user", "content": "Open the settings."}]


class ReasoningTests(DaemonTestCase):
    """A small random checkpoint whose template opens the tags, as those of models do that always think."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        model = pathlib.Path(folder.name) / "thinker"
        shutil.copytree(CHECKPOINT, model)
        template = model / "chat_template.jinja"
        source = template.read_text()
        opening = "<|assistant|>\n{% if enable_thinking is defined and not enable_thinking %}{% else %}<think>\n{% endif %}"
        assert "<|assistant|>\n{% endif %}" in source
        template.write_text(source.replace("<|assistant|>\n{% endif %}", opening + "{% endif %}"))
        cls.options = ("--model", model)
        super().setUpClass()

    def message(self, **fields):
        answer = client.complete(self.daemon.port, ASK, max_tokens=12, **fields)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["choices"][0]["message"]

    def test_content_is_left_as_the_model_wrote_it(self):
        message = self.message()
        self.assertTrue(message["content"])
        self.assertNotIn("reasoning_content", message)

    def test_reasoning_goes_to_its_own_field(self):
        written = self.message()["content"]
        for fields in ({"return_reasoning": True}, {"chat_template_kwargs": {"return_reasoning": True}}):
            message = self.message(**fields)
            # The tags were opened by the template and never closed.
            self.assertEqual((message["content"], message["reasoning_content"].strip()), ("", written.strip()))
        self.assertNotIn("reasoning_content", self.message(
            return_reasoning=False, chat_template_kwargs={"return_reasoning": True}))

    def test_a_stream_says_the_same(self):
        deltas = [chunk["choices"][0]["delta"] for chunk in client.chunks(
            self.daemon.port, ASK, max_tokens=12, return_reasoning=True)]
        whole = self.message(return_reasoning=True)
        self.assertEqual("".join(delta.get("reasoning_content", "") for delta in deltas), whole["reasoning_content"])
        self.assertEqual("".join(delta.get("content", "") for delta in deltas), "")

    def test_thinking_is_switched_by_the_template(self):
        thinking, plain = self.message(enable_thinking=True), self.message(enable_thinking=False)
        self.assertEqual(thinking, self.message())
        self.assertNotEqual(thinking, plain)
        self.assertEqual(plain, self.message(chat_template_kwargs={"enable_thinking": False}))
        message = self.message(enable_thinking=False, return_reasoning=True)
        self.assertEqual((message["content"], message["reasoning_content"]), (plain["content"], ""))

    def test_what_is_no_switch_is_refused_by_name(self):
        for fields, name in (({"enable_thinking": "yes"}, "enable_thinking"), ({"return_reasoning": 1}, "return_reasoning"),
                             ({"chat_template_kwargs": 3}, "chat_template_kwargs"),
                             ({"chat_template_kwargs": {"messages": []}}, "chat_template_kwargs.messages")):
            answer = client.complete(self.daemon.port, ASK, **fields)
            self.assertEqual((answer.status, answer.error["param"]), (400, name))
