"""Plain completions, embeddings, and what the tokenizer says over HTTP."""

import base64
import json
import math
import struct

import checkout
import client
from daemon import DaemonTestCase


class TextTests(DaemonTestCase):
    def post(self, path, **body):
        return client.request(self.daemon.port, "POST", path, body)

    def good(self, path, **body):
        answer = self.post(path, **body)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def test_a_text_is_gone_on_with(self):
        api = client.openai(self.daemon.port)
        fields = dict(model="m", prompt="The capital of France is", max_tokens=5, temperature=0)
        plain = api.completions.create(**fields)
        self.assertEqual(plain.object, "text_completion")
        self.assertIn("Paris", plain.choices[0].text)
        self.assertEqual(plain.choices[0].finish_reason, "length")
        self.assertEqual(plain.usage.completion_tokens, 5)
        self.assertEqual(plain.usage.prompt_tokens, checkout.token_count("The capital of France is"))
        chunks = list(api.completions.create(**fields, stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(chunk.choices[0].text for chunk in chunks if chunk.choices), plain.choices[0].text)
        self.assertEqual(chunks[-1].usage.completion_tokens, 5)
        echoed = api.completions.create(**fields, echo=True).choices[0].text
        self.assertEqual(echoed, fields["prompt"] + plain.choices[0].text)

    def test_prompts_may_be_many_and_tokens(self):
        texts = ["One, two,", "The sun is"]
        fields = dict(max_tokens=4, temperature=0)
        alone = [self.good("/v1/completions", prompt=text, **fields)["choices"][0]["text"] for text in texts]
        for prompt in (texts, [checkout.tokens(text) for text in texts]):
            choices = self.good("/v1/completions", prompt=prompt, **fields)["choices"]
            self.assertEqual([choice["text"] for choice in choices], alone)
            self.assertEqual([choice["index"] for choice in choices], [0, 1])
        self.assertEqual(self.good("/v1/completions", prompt=checkout.tokens(texts[0]), **fields)["choices"][0]["text"], alone[0])
        choices = self.good("/v1/completions", prompt=texts, n=2, seed=7, max_tokens=4)["choices"]
        self.assertEqual([choice["index"] for choice in choices], [0, 1, 2, 3])

    def test_likelihoods_in_the_older_shape(self):
        choice = self.good("/v1/completions", prompt="One, two,", max_tokens=3, temperature=0, logprobs=2)["choices"][0]
        found = choice["logprobs"]
        self.assertEqual("".join(found["tokens"]), choice["text"])
        self.assertEqual([len(found[name]) for name in ("token_logprobs", "top_logprobs", "text_offset")], [3, 3, 3])
        for token, logprob, top in zip(found["tokens"], found["token_logprobs"], found["top_logprobs"]):
            self.assertEqual(top[token], logprob)
        self.assertEqual(found["text_offset"][1], len(found["tokens"][0]))

    def test_embeddings_lie_near_where_meanings_do(self):
        api = client.openai(self.daemon.port)
        texts = ["A cat sleeps on the sofa.", "A kitten is napping on the couch.", "The interest rate was raised by the bank."]
        found = api.embeddings.create(model="m", input=texts)
        vectors = [item.embedding for item in found.data]
        for vector in vectors:
            self.assertAlmostEqual(math.sqrt(sum(value ** 2 for value in vector)), 1, places=4)

        def cosine(a, b):
            return sum(x * y for x, y in zip(a, b))
        self.assertGreater(cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2]))
        self.assertEqual(found.usage.prompt_tokens, sum(map(checkout.token_count, texts)))
        plain = self.good("/v1/embeddings", input=texts[0], encoding_format="float")["data"][0]["embedding"]
        coded = base64.b64decode(self.good("/v1/embeddings", input=texts[0], encoding_format="base64")["data"][0]["embedding"])
        for a, b in zip(plain, struct.unpack(f"<{len(plain)}f", coded)):
            self.assertAlmostEqual(a, b, places=6)
        # Alone or among others, the same numbers.
        for a, b in zip(plain, vectors[0]):
            self.assertAlmostEqual(a, b, places=6)
        self.assertEqual(self.good("/v1/embeddings", input=checkout.tokens(texts[0]))["data"][0]["embedding"], plain)

    def test_text_to_tokens_and_back(self):
        text = "Größe 14:30 <|im_end|> 猫"
        for name in ("content", "prompt"):
            answer = self.good("/tokenize", **{name: text})
            self.assertEqual(answer["tokens"], checkout.tokens(text))
            self.assertEqual(answer["count"], len(answer["tokens"]))
        self.assertEqual(self.good("/detokenize", tokens=answer["tokens"])["content"], text)

    def test_what_the_server_is(self):
        version = client.request(self.daemon.port, "GET", "/version").json["version"]
        self.assertEqual(checkout.answer("--version"), f"gatehouse {version}\n")

    def test_mistakes_are_named(self):
        for path, body, name in (
                ("/v1/completions", {}, "prompt"), ("/v1/completions", {"prompt": 3}, "prompt"),
                ("/v1/completions", {"prompt": []}, "prompt"), ("/v1/completions", {"prompt": [[]]}, "prompt[0]"),
                ("/v1/completions", {"prompt": ["a", 3]}, "prompt[1]"), ("/v1/completions", {"prompt": [1, "a"]}, "prompt[1]"),
                ("/v1/completions", {"prompt": "a", "best_of": 3}, "best_of"),
                ("/v1/completions", {"prompt": "a", "suffix": "b"}, "suffix"),
                ("/v1/completions", {"prompt": "a", "echo": True, "logprobs": 1}, "echo"),
                ("/v1/completions", {"prompt": "a", "max_tokens": -1}, "max_tokens"),
                ("/v1/embeddings", {}, "input"), ("/v1/embeddings", {"input": "a", "dimensions": 7}, "dimensions"),
                ("/v1/embeddings", {"input": "a", "encoding_format": "int"}, "encoding_format"),
                ("/tokenize", {}, "content"), ("/tokenize", {"content": 3}, "content"), ("/detokenize", {}, "tokens"),
                ("/detokenize", {"tokens": [1.5]}, "tokens[0]")):
            with self.subTest(path=path, body=body):
                answer = self.post(path, **body)
                self.assertEqual((answer.status, answer.error["param"]), (400, name), answer.body)
        for path, body in (("/v1/completions", {"prompt": [99999999]}), ("/detokenize", {"tokens": [99999999]})):
            answer = self.post(path, **body)
            self.assertEqual(answer.status, 400, answer.body)
            self.assertIn("99999999", answer.error["message"])
        long = "word " * 9000
        for path, body in (("/v1/completions", {"prompt": long}), ("/v1/embeddings", {"input": long})):
            answer = self.post(path, **body)
            self.assertEqual((answer.status, answer.error["code"]), (400, "context_length_exceeded"), answer.body)
        self.assertEqual(client.request(self.daemon.port, "POST", "/tokenize", b"nonsense").status, 400)
