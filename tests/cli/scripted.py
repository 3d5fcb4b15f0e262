"""A portal that answers what a test told it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

Answer = tuple[int, Any, dict[str, str]]  # status, body (JSON, or a text as it is), headers


@dataclass
class Scripted:
    """Where it listens, and the address, headers and body of every request."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


@contextmanager
def answering(answers: Sequence[Answer]) -> Iterator[Scripted]:
    """Serve these answers, one a request."""
    portal, left = Scripted(), list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            portal.asked.append((self.path, dict(self.headers)))
            portal.bodies.append(json.loads(body) if body else None)
            status, value, headers = left.pop(0)
            text = (value if isinstance(value, str) else json.dumps(value)).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    portal.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield portal
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
