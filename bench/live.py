"""Goal 12: one NOTIFY, a thousand open pages: when the last one has it, what a delivery and a connection cost."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from django.conf import settings

from apps.core.embedded import paths
from apps.events.services import CHANNEL
from apps.portal.live import HEARTBEAT_SECONDS, STREAMS_A_USER
from bench.pages import sign_in
from bench.results import Result
from bench.servers import process
from bench.stage import Stage, free_port
from bench.streams import Audience
from bench.timing import Options, cpu_of, memory_of

CLIENTS = 1_000
EVENTS = 5  # in a row, one side at a time
IDLE_FOR = 2 * HEARTBEAT_SECONDS + 1  # seconds: two heartbeats
FLOOR_CHANNEL = "bench_floor"


@dataclass(slots=True)
class Side:
    """One server with its audience, and what was measured."""

    server: process.Server
    channel: str
    audience: Audience
    kilobytes: float = 0.0
    idle: float = 0.0  # cores that the open streams take when nothing happens
    last: list[float] = field(default_factory=list)  # seconds from NOTIFY to the last client
    cpu: list[float] = field(default_factory=list)  # seconds a delivery


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """The portal's own application beside the least one that does the same, in turn."""
    stage.use("live")
    name = stage.database_url.rpartition("/")[2]
    keys = [sign_in(f"live-{n}") for n in range(-(-CLIENTS // STREAMS_A_USER))]
    conninfo, ports = paths.conninfo(stage.home, dbname=name), (free_port(), free_port())
    ours = process.portal(ports[0])
    floor = process.uvicorn("bench.servers.fanout:application", ports[1])
    env = {"FANOUT_CONNINFO": conninfo, "FANOUT_CHANNEL": FLOOR_CHANNEL}
    env |= {"DATABASE_URL": stage.database_url, "LOG_LEVEL": "CRITICAL"}
    with (
        process.running(*ours, port=ports[0], env=env) as portal,
        process.running(*floor, port=ports[1], env=env) as least,
    ):
        sides = asyncio.run(_measured(portal, least, keys, conninfo, options))
    yield from _results(*sides)


def _results(ours: Side, floor: Side) -> Iterator[Result]:
    lines = (
        (f"one event, {CLIENTS:,} pages, until the last has it", "last", 1e3, "ms", 1.17),
        ("server CPU a delivery", "cpu", 1e6, "µs", None),
    )
    for what, name, factor, unit, goal in lines:
        mine, least = (statistics.median(getattr(side, name)) * factor for side in (ours, floor))
        yield Result(what=what, ours=mine, against="least ASGI fan-out", theirs=least, unit=unit, goal=goal)
    memory, least = ours.kilobytes, "least ASGI fan-out"
    yield Result(what="memory a connection", ours=memory, against=least, theirs=floor.kilobytes, unit="KB")
    yield Result(what="memory a connection", ours=memory, against="the limit set", theirs=50, unit="KB", goal=1.0)
    what = f"{CLIENTS:,} open pages at rest: CPU"
    yield Result(what=what, ours=ours.idle * 100, against=least, theirs=floor.idle * 100, unit="% of a core")
    yield Result(what=what, ours=ours.idle * 100, against="goal 13", theirs=0.1, unit="% of a core", goal=1.0)


async def _measured(
    portal: process.Server, least: process.Server, keys: list[str], conninfo: str, options: Options
) -> tuple[Side, Side]:
    sides = (Side(portal, CHANNEL, Audience()), Side(least, FLOOR_CHANNEL, Audience()))
    connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    try:
        for side in sides:
            await _gather_audience(side, keys)
        await _idle(sides)
        for turn in range(options.pairs + 1):
            for side in sides:
                await _ring(side, connection, f"turn{turn}", is_measured=turn > 0)
    finally:
        for side in sides:
            side.audience.close()
        await connection.close()
    return sides


async def _gather_audience(side: Side, keys: list[str]) -> None:
    warm_up = Audience()
    await warm_up.open(side.server.port, [_request(keys[0])])  # what a first request loads is not a connection's
    before = memory_of(side.server.pid)
    await side.audience.open(side.server.port, [_request(keys[n // STREAMS_A_USER]) for n in range(CLIENTS)])
    await asyncio.sleep(1)
    side.kilobytes = (memory_of(side.server.pid) - before) * 1024 / CLIENTS
    warm_up.close()


async def _idle(sides: tuple[Side, Side]) -> None:
    before, began = [cpu_of(side.server.pid) for side in sides], time.perf_counter()
    await asyncio.sleep(IDLE_FOR)
    for side, used in zip(sides, before, strict=True):
        side.idle = (cpu_of(side.server.pid) - used) / (time.perf_counter() - began)


async def _ring(side: Side, connection: psycopg.AsyncConnection[object], name: str, *, is_measured: bool) -> None:
    used, start = cpu_of(side.server.pid), time.perf_counter()
    times = []
    for number in range(EVENTS):
        topic = f"bench-{name}-{number}"
        side.audience.expect(topic.encode())
        began = time.perf_counter()
        await connection.execute("SELECT pg_notify(%s, %s)", [side.channel, f'["{topic}"]'])
        times.append(await side.audience.last_heard() - began)
        await asyncio.sleep(0.05)
    if is_measured:
        side.last.append(statistics.median(times))
        resting = side.idle * (time.perf_counter() - start)
        side.cpu.append((cpu_of(side.server.pid) - used - resting) / EVENTS / CLIENTS)


def _request(session_key: str) -> bytes:
    cookie = f"{settings.SESSION_COOKIE_NAME}={session_key}"
    return (f"GET /live/ HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n").encode()
