"""The live stream, in front of Django: Django lets a browser in, and the bell keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.urls import reverse

from apps.portal.live import Bell, Message, Receive, Send
from apps.portal.readers import READER, Reader

Scope = dict[str, Any]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class LiveStreams:
    """An ASGI application that passes everything on to `pages`, and goes on with the streams that `pages` begins."""

    def __init__(self, pages: Application) -> None:
        self._pages = pages
        self._path = reverse("portal:live")
        self._bell = Bell()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._pages(scope, receive, send)
        elif reader := await self._let_in(scope, receive, send):
            await self._bell.serve(reader, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> Reader | None:
        """Ask Django as for any page: session, rights, headers. Pass its answer on, left open if it names a reader."""
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        inner: Scope = {**scope, READER: None}
        await self._pages(inner, receive, keep)
        reader: Reader | None = inner[READER]
        if reader and answer and answer[0]["status"] == 200:
            headers = [(name, value) for name, value in answer[0]["headers"] if name.lower() != b"content-length"]
            await send({**answer[0], "headers": headers})
            return reader
        for message in answer:
            await send(message)
        return None
