# SPDX-License-Identifier: Apache-2.0
"""The evaluation harness against the server: log-likelihoods are those of the library, is_greedy
included, with nothing but a URL."""

import json
import os
import signal
import subprocess
import unittest
from pathlib import Path

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from running_server import RunningServer, real_server

HERE = Path(__file__).resolve().parent
SCORER = os.environ["GEMMA2_SCORE_CHOICES"]
MODEL = os.environ["GEMMA2_DEMO_MODEL"]


def evaluate(server, kind, path, task, **more):
    os.chdir(HERE)  # the tasks name their data from here
    return simple_evaluate(
        model=kind,
        model_args={"model": "gemma", "base_url": server.url + path, "num_concurrent": 4, "max_retries": 1, **more},
        tasks=[task], task_manager=TaskManager(include_path=str(HERE), include_defaults=False),
        log_samples=True, bootstrap_iters=0, apply_chat_template=kind.endswith("chat-completions"))


class LmEval(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RunningServer([*real_server(), "-m", MODEL])

    @classmethod
    def tearDownClass(cls):
        assert cls.server.kill(signal.SIGTERM) == 0

    def test_scores_are_the_librarys(self):
        lines = subprocess.run([SCORER, MODEL, HERE / "choices.jsonl"], check=True, stdout=subprocess.PIPE,
                               text=True).stdout.splitlines()
        expected = [json.loads(line) for line in lines]
        found = evaluate(self.server, "local-completions", "/v1/completions", "story_choices",
                         tokenizer_backend="remote")
        samples = sorted(found["samples"]["story_choices"], key=lambda sample: sample["doc_id"])
        self.assertEqual(len(samples), len(expected))
        for sample, scores in zip(samples, expected):
            for (likelihood, greedy), (library, is_greedy) in zip(sample["filtered_resps"], scores):
                self.assertAlmostEqual(float(likelihood), library, delta=1e-5)
                self.assertEqual(greedy in (True, "True"), is_greedy)
        right = sum(max(range(3), key=lambda i: scores[i][0]) == sample["doc"]["answer"]
                    for sample, scores in zip(samples, expected))
        self.assertAlmostEqual(found["results"]["story_choices"]["acc,none"], right / len(samples))
        self.assertGreater(right, len(samples) // 2)  # the model knows such stories

    def test_generation(self):
        for kind, path in (("local-chat-completions", "/v1/chat/completions"),
                           ("local-completions", "/v1/completions")):
            more = {} if kind.endswith("chat-completions") else {"tokenizer_backend": "remote"}
            found = evaluate(self.server, kind, path, "story_answers", **more)
            for sample in found["samples"]["story_answers"]:
                self.assertNotIn("\n\n", sample["filtered_resps"][0])
            self.assertTrue(any(sample["filtered_resps"][0] for sample in found["samples"]["story_answers"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
