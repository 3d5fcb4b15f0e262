"""Everybody hears at once, whatever a single browser does; without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from apps.portal.live import EVERYTHING, Bell, body
from apps.portal.readers import Reader
from tests.portal.browsers import until


class Door:
    """What a server does with the messages of one stream; while it is not `open`, sending waits."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.is_broken = False

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.open.wait()
        if self.is_broken:
            self.is_broken = False
            raise OSError("the browser is gone")
        self.sent.append(message)


async def _never() -> Mapping[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


def _with_two_streams(monkeypatch, story: Callable[[Bell, Door, Door], Awaitable[None]]) -> None:
    """The story of a bell with two streams and no database."""

    async def nothing(_bell: Bell) -> None: ...

    async def told() -> None:
        bell, doors = Bell(), (Door(), Door())
        tasks = [asyncio.create_task(bell.serve(Reader(n, "", ""), _never, door.send)) for n, door in enumerate(doors)]
        await until(lambda: all(door.sent for door in doors))
        await story(bell, *doors)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)

    monkeypatch.setattr(Bell, "_listen", nothing)
    monkeypatch.setattr(Bell, "_watch", nothing)
    asyncio.run(told())


def test_a_slow_browser_keeps_nobody_waiting_and_asks_for_everything_later(monkeypatch) -> None:
    news = [body(b"data: %d\n\n" % number) for number in range(100)]

    async def story(bell: Bell, slow: Door, quick: Door) -> None:
        slow.open.clear()
        for message in news:
            bell.ring(message)
        assert quick.sent[1:] == news
        slow.open.set()
        await until(lambda: EVERYTHING in slow.sent)
        await asyncio.sleep(0)
        bell.ring(news[0])
        assert slow.sent[1:] == [EVERYTHING, news[0]]

    _with_two_streams(monkeypatch, story)


def test_what_a_slow_browser_misses_while_it_catches_up_is_asked_for_too(monkeypatch) -> None:
    async def story(bell: Bell, slow: Door, _quick: Door) -> None:
        slow.open.clear()
        bell.ring(body(b"data: 1\n\n"))
        await asyncio.sleep(0)  # the catching up has begun to wait
        bell.ring(body(b"data: 2\n\n"))
        slow.open.set()
        await until(lambda: slow.sent[1:] == [EVERYTHING, EVERYTHING])

    _with_two_streams(monkeypatch, story)


def test_a_stream_that_fails_ends_and_the_others_hear(monkeypatch) -> None:
    async def story(bell: Bell, broken: Door, whole: Door) -> None:
        broken.is_broken = True
        bell.ring(EVERYTHING)
        assert EVERYTHING in whole.sent
        await until(lambda: [stream.reader.user_id for stream in bell] == [1])

    _with_two_streams(monkeypatch, story)
