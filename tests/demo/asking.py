"""Asks an ASGI application without a server: path, query and JSON in, status and JSON out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)


def ask(app: Any, path: str, *, payload: Any = None, form: dict[str, str] | None = None, **params: Any) -> Answer:
    """GET, or POST when there is a payload (JSON) or a form; a parameter `key` is shown as a bearer token."""
    key = params.pop("key", "")
    body = json.dumps(payload).encode() if payload is not None else urlencode(form).encode() if form else b""
    kind = b"application/json" if payload is not None else b"application/x-www-form-urlencoded"
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": "POST" if body else "GET", "path": path, "raw_path": path.encode(),
        "headers": [(b"content-type", kind), (b"authorization", f"Bearer {key}".encode())],
        "query_string": urlencode(params).encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    headers = dict(sent[0]["headers"])
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return Answer(sent[0]["status"], headers.get(b"content-type", b"").decode(), text)
