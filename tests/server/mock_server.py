#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The server's outside without a model: what a real one can not be made to say on demand.

It serves the chat page and streams what the last message of the request asks for:
    say TEXT   TEXT, word by word              slow N   N words, 50 ms each
    fail       an error event after a word     cut      breaks off after a word
    end        ends after a word, no [DONE]    busy     429 with Retry-After
    refuse     400 with a message              echo     the request without its messages
Anything else is answered with a short text. /health is 503 from SIGTERM on, while streams under way
end and new requests are still served for the time that --drain gives.
"""
import argparse
import json
import math
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def chunk_of(delta, finish=None, logprobs=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock",
            "choices": [choice], "usage": None}


def logprobs_of(word):
    others = [word, " other", "\n", "<b>", " \u00e9"]
    tops = [{"token": token, "logprob": math.log(0.5 ** (rank + 1)), "bytes": None}
            for rank, token in enumerate(others)]
    return {"content": [{**tops[0], "top_logprobs": tops}], "refusal": None}


def words_of(text):
    """Pieces that join to the text: a space goes with the word after it."""
    pieces = text.replace(" ", "\0 ").split("\0")
    return [piece for piece in pieces if piece]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5  # of idle connections
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def reply(self, status, body, content_type="application/json", headers=()):
        if isinstance(body, dict):
            body = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message, kind="invalid_request_error", headers=()):
        error = {"message": message, "type": kind, "param": None, "code": None}
        self.reply(status, {"error": error}, headers=headers)

    def is_known(self):
        key = self.server.options.api_key
        if not key or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self.refuse(401, "expected an API key", "authentication_error",
                    [("WWW-Authenticate", "Bearer")])
        return False

    def do_GET(self):
        self.path = self.path.removeprefix(self.server.options.prefix)
        page = self.server.page.get(self.path)
        if page:
            self.reply(200, page[1], page[0], [("Content-Security-Policy", POLICY)])
        elif self.path == "/health":
            if self.server.is_draining:
                self.refuse(503, "draining", "unavailable_error")
            else:
                self.reply(200, {"status": "ok"})
        elif self.path == "/v1/models" and self.is_known():
            self.reply(200, {"object": "list", "data": [{"id": "mock-model", "object": "model"}]})
        elif self.path == "/props" and self.is_known():
            params = {"temperature": 0.7, "top_p": 0.95, "top_k": 40, "seed": -1}
            self.reply(200, {"default_generation_settings": {"n_ctx": 512, "params": params},
                             "total_slots": 2, "model_path": "mock.gguf"})
        elif self.path not in ("/v1/models", "/props"):
            self.refuse(404, f"{self.path}: there is no such path")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != f"{self.server.options.prefix}/v1/chat/completions":
            return self.refuse(404, f"{self.path}: there is no such path")
        if not self.is_known():
            return None
        if self.server.is_draining and self.server.options.strict_drain:
            return self.refuse(503, "draining", "unavailable_error")
        request = json.loads(body)
        said = request["messages"][-1]["content"]
        if said == "refuse":
            return self.refuse(400, "messages[0].content: expected something else")
        if said == "busy":
            return self.refuse(429, "the queue is full", "rate_limit_error", [("Retry-After", "7")])
        try:
            self.stream(request, said)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        return None

    def send_chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def send_event(self, value):
        data = value if isinstance(value, str) else json.dumps(value)
        self.send_chunk(f"data: {data}\n\n".encode())

    def stream(self, request, said):
        text, pause = "Once upon a time there was a little fox.", self.server.options.pause
        if said.startswith("say "):
            text = said[4:]
        if said == "echo":
            text = json.dumps({name: each for name, each in request.items() if name != "messages"})
        if said.startswith("slow "):
            text, pause = " ".join(f"word{n}" for n in range(int(said[5:]))), 0.05
        if request.get("continue_final_message"):
            text = " and so on"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.send_event(chunk_of({"role": "assistant", "content": ""}))
        if request.get("return_progress"):
            self.send_event({**chunk_of({}), "prompt_progress": {"total": 4, "processed": 2}})
        words = words_of(text)
        for word in words:
            self.send_event(chunk_of({"content": word}, None,
                                     logprobs_of(word) if request.get("logprobs") else None))
            if said == "fail":
                self.send_event({"error": {"message": "the model lost its thread"}})
                return self.send_chunk(b"")
            if said == "end":
                return self.send_chunk(b"")
            if said == "cut":
                time.sleep(0.2)  # else browsers drop what they had received but not handed over yet
                self.connection.close()
                self.close_connection = True
                return None
            time.sleep(pause)
        self.send_event(chunk_of({}, "length" if len(words) > 500 else "stop"))
        prompt = sum(len(message["content"].split()) for message in request["messages"])
        usage = {"prompt_tokens": prompt, "completion_tokens": len(words),
                 "total_tokens": prompt + len(words)}
        self.send_event({"choices": [], "usage": usage, "timings": {"predicted_per_second": 20.0}})
        self.send_event("[DONE]")
        return self.send_chunk(b"")


class MockServer(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for all that were accepted
    request_queue_size = 256

    def __init__(self, options):
        super().__init__((options.host, options.port), Handler)
        self.options = options
        self.is_draining = False
        self.page = {}
        files = Path(options.page).iterdir() if options.page else ()
        for path in (each for each in files if each.suffix in TYPES):
            name = "/" if path.name == "index.html" else f"/{path.name}"
            self.page[name] = (TYPES[path.suffix], path.read_bytes())

    def drain(self):
        """As the real one: first the balancer is told, then requests under way end."""
        self.is_draining = True
        time.sleep(self.options.drain)
        self.shutdown()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--page", help="folder of the chat page")
    parser.add_argument("--prefix", default="", help="of all paths, as behind a proxy")
    parser.add_argument("--api-key")
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between words")
    parser.add_argument("--drain", type=float, default=0, help="seconds of 503 before it ends")
    parser.add_argument("--strict-drain", action="store_true", help="503 for new requests as well")
    server = MockServer(parser.parse_args())
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.drain).start())
    print(f"mock_server: listening on http://{server.server_name}:{server.server_port}",
          file=sys.stderr, flush=True)
    server.serve_forever(poll_interval=0.1)
    server.timeout = 0
    for _ in range(server.request_queue_size):  # whoever was let in is served
        server.handle_request()
    server.server_close()


if __name__ == "__main__":
    main()
