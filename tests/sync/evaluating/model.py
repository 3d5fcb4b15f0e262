"""A model on a loopback server that does as it is told: it counts what it is asked and answers by a rule."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = str | tuple[int, dict[str, str]]  # a text, or a status with headers


def echo(question: str) -> Answer:
    """a7 to a prompt that asks q7."""
    return "a" + question.rpartition("q")[2]


@dataclass
class Model:
    """`rule` turns the last message into an answer."""

    url: str = ""
    rule: Callable[[str], Answer] = echo
    asked: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serve_model() -> Iterator[Model]:
    """A running model on a free port."""
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            question = body["messages"][-1]["content"]
            with model.lock:
                model.asked[question] += 1
                model.bodies.append(body)
                model.keys.append(self.headers.get("Authorization", ""))
                model.at_once += 1
                model.most_at_once = max(model.most_at_once, model.at_once)
            answer = model.rule(question)
            with model.lock:
                model.at_once -= 1
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            status, headers = (200, {}) if isinstance(answer, str) else answer
            data = {
                "choices": [{"message": {"role": "assistant", "content": answer}}],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 500},
            }
            body = json.dumps(data if status == 200 else {"error": {"message": "no"}}).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
