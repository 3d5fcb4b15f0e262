"""The doorbell: one LISTEN a web process, fanned out to every open browser as server-sent events.

A message names a topic that changed and nothing else; the page then fetches the fragment with an ordinary GET, so
permissions, templates and caching stay in one place. After a reconnect the page refetches everything it shows.

An open stream costs its request and nothing else: no thread, no timer, no query. All of them share the connection to
the database, the heartbeat and the question who may still hear.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.db import close_old_connections

from apps.portal import notices
from apps.portal.readers import Reader, still_standing

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 25.0  # proxies hang up after 30 s of silence or more
LONGEST_SECONDS = 600.0  # then the browser reconnects, with its rights read anew
STREAMS_A_USER = 3
RECONNECT_SECONDS = 1.0

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def body(data: bytes, *, is_last: bool = False) -> Message:
    """The ASGI message that carries `data`; made once, shared by all streams."""
    return {"type": "http.response.body", "body": data, "more_body": not is_last}


BEGINNING = body(b"retry: 2000\n\n")
EVERYTHING = body(b"data: all\n\n")
HEARTBEAT = body(b": still here\n\n")
END = body(b"", is_last=True)


class Stream:
    """One open browser. It takes what it is told at once; if it reads too slowly, it refetches everything later."""

    __slots__ = ("_catching_up", "_has_missed", "_request", "_send", "ends_at", "reader")

    def __init__(self, reader: Reader, send: Send) -> None:
        self.reader = reader
        self.ends_at = asyncio.get_running_loop().time() + LONGEST_SECONDS
        self._send = send
        self._request = asyncio.current_task()
        self._catching_up: asyncio.Task[None] | None = None
        self._has_missed = False

    def tell(self, message: Message) -> None:
        """Hand over a message without waiting."""
        if self._catching_up is not None:
            self._has_missed = True
        elif not _is_taken(self._send(message)):
            self._has_missed = True
            self._catching_up = asyncio.create_task(self._catch_up())

    def end(self) -> None:
        """End the request that keeps the stream open."""
        if self._request is not None:
            self._request.cancel()

    def forget(self) -> None:
        """Wait no longer for a slow browser."""
        if self._catching_up is not None:
            self._catching_up.cancel()

    async def _catch_up(self) -> None:
        while self._has_missed:
            self._has_missed = False
            await self._send(EVERYTHING)
        self._catching_up = None


class Bell:
    """Who listens, the one task that hears the database, and the one that beats and looks who may still hear."""

    def __init__(self) -> None:
        self._streams: dict[int, list[Stream]] = defaultdict(list)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[Stream]:
        return (stream for streams in self._streams.values() for stream in streams)

    async def serve(self, reader: Reader, receive: Receive, send: Send) -> None:
        """Keep a stream open until the browser leaves, its rights end, ten minutes are over or the server stops."""
        stream = Stream(reader, send)
        self._join(stream)
        try:
            stream.tell(BEGINNING)
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            pass  # by `end`, or because the server stops: either way the answer ends like any other
        finally:
            self._leave(stream)
        _is_taken(send(END))

    def ring(self, message: Message) -> None:
        """Tell every stream."""
        for stream in self:
            try:
                stream.tell(message)
            except Exception as error:  # one that fails must not keep the news from the others
                log.warning("a live stream ends: %s", type(error).__name__)
                stream.end()

    def _join(self, stream: Stream) -> None:
        streams = self._streams[stream.reader.user_id]
        if len(streams) >= STREAMS_A_USER:
            streams.pop(0).end()
        streams.append(stream)
        for work in (self._listen, self._watch):
            if (task := self._tasks.get(work.__name__)) is None or task.done():
                self._tasks[work.__name__] = asyncio.create_task(work())

    def _leave(self, stream: Stream) -> None:
        stream.forget()
        streams = self._streams[stream.reader.user_id]
        with contextlib.suppress(ValueError):
            streams.remove(stream)
        if not streams:
            del self._streams[stream.reader.user_id]

    async def _watch(self) -> None:
        while self._streams:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.ring(HEARTBEAT)
            await self._dismiss()

    async def _dismiss(self) -> None:
        """End the streams that are over before the next beat, and those whose readers may hear no more."""
        streams = list(self)
        standing = await sync_to_async(_standing)({stream.reader for stream in streams})
        next_beat = asyncio.get_running_loop().time() + HEARTBEAT_SECONDS
        for stream in streams:
            if stream.reader not in standing or stream.ends_at < next_beat:
                stream.end()

    async def _listen(self) -> None:
        while self._streams:
            try:
                async with await notices.connect() as connection:
                    self.ring(EVERYTHING)  # what changed while nobody listened
                    while self._streams:
                        if topics := await notices.hear(connection, patience=HEARTBEAT_SECONDS):
                            self.ring(body(b"".join(b"data: %b\n\n" % topic.encode() for topic in topics)))
            except (psycopg.OperationalError, OSError) as error:
                log.warning("live updates wait for the database: %s", type(error).__name__)
                await asyncio.sleep(RECONNECT_SECONDS)


def _is_taken(sending: Awaitable[None]) -> bool:
    """Whether the server takes a message without making us wait, as it does until a browser's buffer is full.

    A task for every message would cost more than the message. What would wait is given up before anything is written.
    """
    steps = sending.__await__()
    try:
        next(steps)
    except StopIteration:
        return True
    steps.close()
    return False


def _standing(readers: Collection[Reader]) -> set[Reader]:
    try:
        return still_standing(readers)
    except Exception as error:  # nobody can tell who may hear; the browsers come back and are asked who they are
        log.warning("live streams end, for the database does not answer: %s", type(error).__name__)
        return set()
    finally:
        close_old_connections()  # it would be kept from everybody else until the next beat
