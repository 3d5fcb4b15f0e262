"""Prompts in front of Django: what is remembered is answered here, everything else by Django, whose answer is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from apps.accounts import services as accounts
from apps.api.serving.asked import PREFIXES, Asked, read
from apps.api.serving.ear import Ear
from apps.api.serving.memory import Memory
from apps.api.serving.rendering import CACHE_CONTROL, is_known
from apps.api.serving.slot import SLOT, Slot
from apps.prompts.serving import Document

log = logging.getLogger(__name__)

TRIES = 3  # times that a request waits for the same question of another one

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_FIXED = [
    (b"content-type", b"application/json"),
    (b"cache-control", CACHE_CONTROL.encode()),
    (b"vary", b"Authorization"),
    (b"x-content-type-options", b"nosniff"),
]
_FIXED_304 = _FIXED[1:]
_SORRY = b'{"error": {"code": "unavailable", "message": "The database does not answer; ask again in a moment."}}'
_UNAVAILABLE: list[Message] = [
    {
        "type": "http.response.start",
        "status": 503,
        "headers": [(b"content-type", b"application/json"), (b"retry-after", b"1"), (b"cache-control", b"no-store")],
    },
    {"type": "http.response.body", "body": _SORRY},
]


class PromptAnswers:
    """An ASGI application that answers for prompts what it remembers, and passes everything else on to `pages`."""

    def __init__(self, pages: Application) -> None:
        self.memory = Memory()
        self._pages = pages
        self._ear = Ear(self.memory, note=_note_uses)
        self._flights: dict[bytes, asyncio.Event] = {}
        self._is_https = settings.SECURE_SSL_REDIRECT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIXES) or scope["method"] != "GET":
            await self._pages(scope, receive, send)
            return
        asked = read(scope, is_https=self._is_https)
        if asked is None:
            await self._pages(scope, receive, send)
        elif (document := self.memory.recall(asked)) is not None:
            await _send(send, asked, document, ())
        else:
            await self._find(asked, scope, receive, send)

    async def _find(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask Django, one question an address at a time; without the database, the last that was known."""
        self._ear.listen()
        for _ in range(TRIES):
            if (flight := self._flights.get(asked.address)) is None:
                break
            await flight.wait()
            if (document := self.memory.recall(asked)) is not None:
                await _send(send, asked, document, ())
                return
        if self.memory.lost_at is not None and await self._send_last_known(asked, send):
            return
        flight = self._flights.setdefault(asked.address, asyncio.Event())
        try:
            await self._ask(asked, scope, receive, send)
        finally:
            self._flights.pop(asked.address, None)
            flight.set()

    async def _ask(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def collect(message: Message) -> None:
            answer.append(message)

        slot, mark = Slot(), self.memory.begin()
        try:
            await self._pages({**scope, SLOT: slot}, receive, collect)
            self.memory.keep(mark, asked, slot)
        finally:
            self.memory.forget(mark)
        if answer and answer[0]["status"] >= 500:
            if await self._send_last_known(asked, send):
                return
            if self.memory.lost_at is not None:
                answer = _UNAVAILABLE
        for message in answer:
            await send(message)

    async def _send_last_known(self, asked: Asked, send: Send) -> bool:
        document = self.memory.last_known(asked)
        if document is not None:
            age = str(round(self.memory.silent_for)).encode()
            await _send(send, asked, document, ((b"x-opsportal-stale", age),))
        return document is not None


async def _send(send: Send, asked: Asked, document: Document, more: tuple[tuple[bytes, bytes], ...]) -> None:
    is_same = is_known(document, asked.if_none_match)
    headers = [*(_FIXED_304 if is_same else _FIXED), (b"etag", document.etag), *more]
    if not is_same:
        headers.append((b"content-length", b"%d" % len(document.body)))
    await send({"type": "http.response.start", "status": 304 if is_same else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_same else document.body})


async def _note_uses(token_ids: set[int]) -> None:
    """Write down which tokens were used."""
    await sync_to_async(_write_uses)(token_ids)


def _write_uses(token_ids: set[int]) -> None:
    try:
        accounts.note_uses(token_ids=token_ids, at=datetime.now(UTC))
    finally:
        close_old_connections()  # it would be kept from everybody else until the next time
