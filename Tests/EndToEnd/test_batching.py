"""Many requests at once: each is answered as it would be alone, and they share what they have in common."""

import concurrent.futures

import checkout
import client
from daemon import DaemonTestCase

SYSTEM = {"role": "system", "content": "You are a patient teacher. " * 30}
QUESTIONS = [
    "What is the capital of France?", "Tell me a story about a cat.", "Write five emoji.", "What is two plus two?",
    "Name three colours.", "Write a poem about the sea.", "Who wrote Hamlet?", "Repeat the word banana ten times.",
]


def requests():
    """Sixteen: greedy and with a seed, long prompts and short, some with penalties."""
    for number, question in enumerate(QUESTIONS):
        messages = [{"role": "user", "content": question}]
        yield messages, {"max_tokens": 20 + number}
        fields = {"temperature": 1, "seed": number, "max_tokens": 30 - number, "top_p": 0.95}
        if number % 2:
            fields |= {"presence_penalty": 0.5, "frequency_penalty": 0.5, "repetition_penalty": 1.1}
        yield [SYSTEM] + messages, fields


def stream(port, messages, fields):
    return "".join(client.deltas(client.chunks(port, messages, **fields)))


class StreamsAtOnce:
    """Mixed into tests of daemons that differ in how they get to their answers, not in the answers."""

    def test_sixteen_streams_at_once_are_each_as_alone(self):
        port = self.daemon.port
        alone = [client.complete(port, messages, **fields).text for messages, fields in requests()]
        self.assertGreater(len(set(alone)), 12)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            together = list(pool.map(lambda request: stream(port, *request), requests()))
        self.assertEqual(together, alone)


class BatchingTests(StreamsAtOnce, DaemonTestCase):
    def ask(self, messages, **fields):
        answer = client.complete(self.daemon.port, messages, **fields)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def test_a_beginning_that_was_read_before_is_not_read_again(self):
        messages = [SYSTEM, {"role": "user", "content": "How many cached tokens are here?"}]
        prompt, cached = (
            [self.ask(messages, max_tokens=1)["usage"] for _ in range(2)][-1][key]
            for key in ("prompt_tokens", "prompt_tokens_details"))
        # All but what does not fill a page of 64.
        self.assertEqual(cached["cached_tokens"], (prompt - 1) // 64 * 64)
        other = self.ask([SYSTEM, {"role": "user", "content": "And here, where I ask another thing?"}], max_tokens=1)
        self.assertGreater(other["usage"]["prompt_tokens_details"]["cached_tokens"], 100)

    def test_a_later_turn_finds_the_earlier_ones(self):
        messages = [{"role": "user", "content": "Write a long poem about the sea."}]
        first = self.ask(messages, max_tokens=200)
        messages += [first["choices"][0]["message"], {"role": "user", "content": "Another one."}]
        second = self.ask(messages, max_tokens=1)["usage"]
        total = first["usage"]["total_tokens"]
        # The text of an answer, read as tokens again, is not always the tokens that were written.
        self.assertGreaterEqual(second["prompt_tokens_details"]["cached_tokens"], total // 2 // 64 * 64)

    def test_several_choices_are_those_of_the_seed_each(self):
        fields = {"temperature": 1, "seed": 5, "max_tokens": 20}
        answer = self.ask(QUESTIONS[1], n=3, **fields)
        self.assertEqual([choice["index"] for choice in answer["choices"]], [0, 1, 2])
        texts = [choice["message"]["content"] for choice in answer["choices"]]
        self.assertEqual(len(set(texts)), 3)
        self.assertEqual(texts[0], self.ask(QUESTIONS[1], **fields)["choices"][0]["message"]["content"])
        self.assertLessEqual(answer["usage"]["completion_tokens"], 60)

        streamed = ["", "", ""]
        reasons = [None] * 3
        for chunk in client.chunks(self.daemon.port, QUESTIONS[1], n=3, **fields):
            choice, = chunk["choices"]
            streamed[choice["index"]] += choice["delta"].get("content", "")
            reasons[choice["index"]] = reasons[choice["index"]] or choice["finish_reason"]
        self.assertEqual(streamed, texts)
        self.assertEqual(reasons, [choice["finish_reason"] for choice in answer["choices"]])

    def test_the_openai_client_reads_likelihoods_plain_and_streamed(self):
        api = client.openai(self.daemon.port)
        fields = {"model": "any", "messages": [{"role": "user", "content": "Write five emoji."}], "temperature": 0,
                  "max_tokens": 30, "logprobs": True, "top_logprobs": 3}
        choice = api.chat.completions.create(**fields).choices[0]
        content = choice.logprobs.content
        text = b"".join(bytes(token.bytes) for token in content).decode("utf-8", "ignore")
        self.assertEqual(text, choice.message.content)
        for token in content:
            self.assertLessEqual(token.logprob, 0)
            # Greedy, so the most likely token is the one written.
            self.assertEqual(len(token.top_logprobs), 3)
            self.assertEqual(token.top_logprobs[0].token, token.token)
            self.assertEqual(token.top_logprobs[0].logprob, token.logprob)
            likely = [likely.logprob for likely in token.top_logprobs]
            self.assertEqual(likely, sorted(likely, reverse=True))

        streamed = []
        for chunk in api.chat.completions.create(stream=True, **fields):
            if chunk.choices[0].logprobs:
                streamed += chunk.choices[0].logprobs.content
        self.assertEqual(streamed, content)

    def test_a_stop_string_ends_the_likelihoods_too(self):
        answer = self.ask(QUESTIONS[0], stop="of France", logprobs=True)["choices"][0]
        text = b"".join(bytes(token["bytes"]) for token in answer["logprobs"]["content"]).decode()
        self.assertTrue(text.startswith(answer["message"]["content"]))
        self.assertNotIn("France", text)

    def test_a_bias_bans_and_forces_tokens(self):
        banned, = checkout.tokens(" Paris")
        answer = self.ask(QUESTIONS[0], logit_bias={str(banned): -100}, max_tokens=12)
        self.assertNotIn(" Paris", answer["choices"][0]["message"]["content"])
        forced = self.ask(QUESTIONS[0], logit_bias={str(banned): 100}, max_tokens=3)
        self.assertEqual(forced["choices"][0]["message"]["content"], " Paris" * 3)

    def test_penalties_keep_an_answer_from_repeating_itself(self):
        def words(**fields):
            answer = self.ask("Repeat the word banana forever, without ever stopping.", max_tokens=60, **fields)
            return answer["choices"][0]["message"]["content"].lower().count("banana")

        plain = words()
        self.assertGreater(plain, 5)
        for fields in ({"frequency_penalty": 2}, {"repetition_penalty": 2}, {"presence_penalty": 2}):
            with self.subTest(fields=fields):
                self.assertLess(words(**fields), plain)


class GuessingTests(StreamsAtOnce, DaemonTestCase):
    """With prompt lookup, and without what earlier requests left behind."""

    options = ("--prompt-lookup", "5", "--no-prefix-cache")

    def test_answers_are_those_without_guesses(self):
        question = "Repeat this text: the quick brown fox jumps over the lazy dog, the quick brown fox jumps again."
        plain = checkout.answer("chat", "--temperature", "0", "--max-tokens", "60", question)
        self.assertEqual(client.complete(self.daemon.port, question, max_tokens=60).text + "\n", plain)

    def test_nothing_is_kept(self):
        for _ in range(2):
            usage = client.complete(self.daemon.port, [SYSTEM] + [{"role": "user", "content": "Hello"}], max_tokens=1)
            self.assertEqual(usage.json["usage"]["prompt_tokens_details"]["cached_tokens"], 0)
