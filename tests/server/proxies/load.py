# SPDX-License-Identifier: Apache-2.0
"""Clients that stream without a pause, and what became of each of their requests."""
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cluster import chat_body

RETRYABLE = (429, 502, 503, 504)


@dataclass
class Outcome:
    kind: str  # "complete", "cut" (began, named no end), "refused" (may be tried again), "wrong"
    detail: str
    server: str
    began: float
    ended: float


def stream_once(port, content, headers=(), more=(), on_piece=lambda: None):
    """Returns (kind, detail or text, server)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    server = ""
    pieces = []
    try:
        connection.request("POST", "/v1/chat/completions", chat_body(content, more),
                           {"Content-Type": "application/json", **dict(headers)})
        response = connection.getresponse()
        # nginx names all that it tried, the last of which answered.
        server = (response.headers.get("x-served-by") or "").split(",")[-1].split(":")[-1].strip()
        if response.status != 200:
            kind = "refused" if response.status in RETRYABLE else "wrong"
            return kind, f"status {response.status}", server
        for line in response:
            if not line.startswith(b"data: "):
                continue
            data = line[6:].strip()
            if data == b"[DONE]":
                return "complete", "".join(pieces), server
            on_piece()
            chunk = json.loads(data)
            if "error" in chunk:
                return "wrong", chunk["error"]["message"], server
            pieces += [choice["delta"].get("content", "") for choice in chunk["choices"]]
        return "cut", "no [DONE]", server
    except (http.client.HTTPException, ConnectionError) as error:
        return ("cut" if pieces else "refused"), type(error).__name__, server
    except (ValueError, OSError) as error:  # half of a JSON; a wait without end
        return "wrong", repr(error), server
    finally:
        connection.close()


class Load:
    """`clients` threads, each with a question of its own whose right answer is known."""

    def __init__(self, port, clients=16):
        self.port = port
        self.outcomes = []
        self.stopped = threading.Event()
        self.questions = [f"slow {8 + client}" for client in range(clients)]
        with ThreadPoolExecutor(clients) as pool:
            found = list(pool.map(lambda question: stream_once(port, question), self.questions))
        assert {kind for kind, *_ in found} == {"complete"}, found
        self.answers = {question: text for question, (_, text, _) in zip(self.questions, found)}
        self.threads = [threading.Thread(target=self.ask, args=(each,)) for each in self.questions]

    def ask(self, question):
        while not self.stopped.is_set():
            began = time.monotonic()
            kind, detail, server = stream_once(self.port, question, {"x-session": question})
            if kind == "complete" and detail != self.answers[question]:
                kind, detail = "wrong", f"another text: {detail!r}"
            self.outcomes.append(Outcome(kind, detail, server, began, time.monotonic()))
            if kind != "complete":
                time.sleep(0.1)  # as a client that tries again

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def of_kind(self, *kinds):
        return [each for each in self.outcomes if each.kind in kinds]

    def completed_by(self, port, since):
        return sum(each.server == str(port) and each.began > since
                   for each in self.of_kind("complete"))
