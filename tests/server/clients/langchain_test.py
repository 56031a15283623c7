# SPDX-License-Identifier: Apache-2.0
"""LangChain's ChatOpenAI against the server."""

import signal
import unittest

from langchain_openai import ChatOpenAI

from running_server import RunningServer, real_server


class LangChain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RunningServer(real_server())
        cls.chat = ChatOpenAI(base_url=cls.server.url + "/v1", api_key="none", model="gemma", temperature=0,
                              max_tokens=16, stream_usage=True)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.kill(signal.SIGTERM) == 0

    def test_invoke_with_a_system_message(self):
        answer = self.chat.invoke([("system", "You tell stories."), ("human", "A story about a hen, please.")])
        self.assertTrue(answer.content)
        self.assertEqual(answer.usage_metadata["output_tokens"], 16)

    def test_stream_adds_up(self):
        question = "A story about a hen, please."
        whole = self.chat.invoke(question).content
        chunks = list(self.chat.stream(question))
        self.assertEqual("".join(chunk.content for chunk in chunks), whole)
        self.assertTrue(any(chunk.usage_metadata for chunk in chunks))

    def test_batch(self):
        answers = self.chat.batch(["Hello!", "What is a fox?", "Hello!"])
        self.assertEqual(answers[0].content, answers[2].content)

    def test_structured_output(self):
        schema = {"title": "Animal", "type": "object", "additionalProperties": False,
                  "properties": {"kind": {"type": "string", "enum": ["fox", "hen"]}}, "required": ["kind"]}
        structured = self.chat.with_structured_output(schema, method="json_schema")
        self.assertIn(structured.invoke("Which animal?")["kind"], ["fox", "hen"])

    def test_tools_are_refused_aloud(self):
        with self.assertRaises(Exception) as refused:
            self.chat.bind_tools([{"name": "f", "description": "d", "parameters": {}}]).invoke("x")
        self.assertIn("tools", str(refused.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
