# SPDX-License-Identifier: Apache-2.0
"""The official openai package against the server: what it sends by itself, and how it understands
the answers and errors that come back."""

import json
import signal
import unittest

import openai

from running_server import RunningServer, real_server

STORY = [{"role": "user", "content": "Tell me a story about a fox."}]
SCHEMA = {
    "type": "object",
    "properties": {"animal": {"enum": ["fox", "hen"]}, "legs": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["animal", "legs"],
    "additionalProperties": False,
}


class OpenAi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RunningServer([*real_server(), "--api-key", "secret", "--log-disable=0"])
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key="secret")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        assert cls.server.kill(signal.SIGTERM) == 0

    def chat(self, **fields):
        fields = {"model": "gemma-2b-it", "messages": STORY, "max_tokens": 12, "temperature": 0, **fields}
        return self.client.chat.completions.create(**fields)

    def test_chat(self):
        answer = self.chat()
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.model, "gemma-2b-it")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertTrue(answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 12)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + 12)

    def test_stream_with_usage(self):
        whole = self.chat().choices[0].message.content
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, whole)
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, 12)
        self.assertEqual({c.id for c in chunks}, {chunks[0].id})
        finished = [c.choices[0].finish_reason for c in chunks if c.choices]
        self.assertEqual([f for f in finished if f], ["length"])

    def test_logprobs(self):
        for stream in (False, True):
            answer = self.chat(logprobs=True, top_logprobs=3, stream=stream)
            if stream:
                content = [t for c in answer if c.choices and c.choices[0].logprobs
                           for t in c.choices[0].logprobs.content]
            else:
                content = answer.choices[0].logprobs.content
            self.assertEqual(len(content), 12)
            for token in content:
                self.assertEqual(len(token.top_logprobs), 3)
                self.assertEqual(token.logprob, token.top_logprobs[0].logprob)  # greedy
                self.assertEqual(bytes(token.bytes).decode("utf-8", "replace"), token.token)

    def test_several_answers(self):
        answer = self.chat(n=3, temperature=1, seed=5)
        self.assertEqual([c.index for c in answer.choices], [0, 1, 2])
        again = self.chat(n=3, temperature=1, seed=5)
        self.assertEqual([c.message.content for c in answer.choices],
                         [c.message.content for c in again.choices])

    def test_completions(self):
        answer = self.client.completions.create(
            model="any", prompt=["Once upon", "The fox"], max_tokens=4, temperature=0, echo=True, logprobs=2)
        self.assertEqual(len(answer.choices), 2)
        self.assertTrue(answer.choices[0].text.startswith("Once upon"))
        logprobs = answer.choices[0].logprobs
        self.assertIsNone(logprobs.token_logprobs[0])
        self.assertEqual(len(logprobs.tokens), len(logprobs.token_logprobs))
        self.assertEqual(len(logprobs.tokens), len(logprobs.text_offset))
        streamed = self.client.completions.create(
            model="any", prompt="Once upon", max_tokens=4, temperature=0, stream=True)
        self.assertEqual("Once upon" + "".join(c.choices[0].text for c in streamed), answer.choices[0].text)

    def test_embeddings(self):
        base64 = self.client.embeddings.create(model="any", input=["a fox", "a hen"])
        floats = self.client.embeddings.create(model="any", input=["a fox", "a hen"], encoding_format="float")
        for one, other in zip(base64.data, floats.data):
            self.assertEqual(len(one.embedding), len(other.embedding))
            for x, y in zip(one.embedding, other.embedding):
                self.assertAlmostEqual(x, y, delta=1e-7)
            self.assertAlmostEqual(sum(x * x for x in one.embedding), 1, delta=1e-5)

    def test_json_schema(self):
        form = {"type": "json_schema", "json_schema": {"name": "animal", "schema": SCHEMA, "strict": True}}
        for seed in range(5):
            answer = self.chat(response_format=form, temperature=2, seed=seed, max_tokens=60)
            self.assertEqual(answer.choices[0].finish_reason, "stop")
            value = json.loads(answer.choices[0].message.content)
            self.assertIn(value["animal"], ["fox", "hen"])
            self.assertIn(value["legs"], range(10))
        answer = self.chat(response_format={"type": "json_object"}, temperature=1, seed=1, max_tokens=400)
        if answer.choices[0].finish_reason == "stop":
            self.assertIsInstance(json.loads(answer.choices[0].message.content), dict)

    def test_errors_by_type(self):
        with self.assertRaises(openai.BadRequestError) as bad:
            self.chat(temperature=5)
        self.assertEqual(bad.exception.param, "temperature")
        self.assertEqual(bad.exception.type, "invalid_request_error")
        with self.assertRaises(openai.BadRequestError) as tools:
            self.chat(tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
        self.assertEqual(tools.exception.param, "tools")
        with self.assertRaises(openai.BadRequestError) as schema:
            self.chat(response_format={"type": "json_schema", "json_schema": {
                "name": "x", "schema": {"type": "string", "pattern": "^a*$"}}})
        self.assertIn("/pattern", str(schema.exception))
        with self.assertRaises(openai.BadRequestError) as long:
            self.chat(messages=[{"role": "user", "content": "fox " * 20000}])
        self.assertEqual(long.exception.code, "context_length_exceeded")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("another")
        stranger = openai.OpenAI(base_url=self.server.url + "/v1", api_key="wrong")
        with self.assertRaises(openai.AuthenticationError):
            stranger.models.list()

    def test_client_errors_are_not_retried(self):
        before = len(self.server.log)
        with self.assertRaises(openai.BadRequestError):
            self.chat(n=0)
        self.chat(max_tokens=1)  # behind it in the log
        lines = [line for line in self.server.log[before:] if "/v1/chat/completions" in line]
        self.assertEqual(sum(" 400 " in line for line in lines), 1)

    def test_busy_is_retried(self):
        with RunningServer([*real_server(), "-np", "1", "--max-queue", "15"]) as narrow:
            client = openai.OpenAI(base_url=narrow.url + "/v1", api_key="x", max_retries=0)
            stream = client.chat.completions.create(
                model="any", messages=STORY, max_tokens=6000, n=16, stream=True,  # takes seconds
                extra_body={"ignore_eos": True})
            next(iter(stream))
            with self.assertRaises(openai.RateLimitError) as busy:
                client.chat.completions.create(model="any", messages=STORY, max_tokens=1, n=16)
            self.assertGreaterEqual(int(busy.exception.response.headers["retry-after"]), 1)
            stream.close()  # the slot is free then
            patient = client.with_options(max_retries=5)
            self.assertTrue(patient.chat.completions.create(model="any", messages=STORY, max_tokens=1))

    def test_models(self):
        models = self.client.models.list()
        self.assertEqual(len(models.data), 1)
        self.assertEqual(self.client.models.retrieve(models.data[0].id).id, models.data[0].id)


if __name__ == "__main__":
    unittest.main(verbosity=2)
