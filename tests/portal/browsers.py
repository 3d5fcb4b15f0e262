"""Browsers that hear the live stream of an ASGI application in this very process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

PATIENCE = 20.0  # seconds


async def until(is_so: Callable[[], object]) -> None:
    """Wait for something that must come."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - what comes is not ours to set an event
            await asyncio.sleep(0.01)


class Browser:
    """One request for /live/; `text` is all that came, and `is_complete` whether the answer has ended."""

    def __init__(self, application: Any, client: Any, *, method: str = "GET", path: str = "/live/", **headers: str):
        cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
        session = f"{settings.SESSION_COOKIE_NAME}={cookie.value if cookie else ''}"
        headers = {"host": "localhost", "cookie": session, **headers}
        self.scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.is_complete = False
        self._has_asked = False
        self._left = asyncio.Event()
        self.request = asyncio.create_task(application(self.scope, self._receive, self._send))

    async def begun(self) -> Browser:
        """Itself, once the stream has begun."""
        await until(lambda: "retry:" in self.text or self.request.done())
        assert self.status == 200
        return self

    async def leave(self) -> None:
        """Close the page."""
        self._left.set()
        await self.request

    async def _receive(self) -> Mapping[str, Any]:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message["body"].decode()
            self.is_complete = not message.get("more_body", False)
