"""What the database calls out at a commit: the names of the topics that changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import psycopg
from django.db import connections
from psycopg import sql

from apps.events.services import CHANNEL

Connection = psycopg.AsyncConnection[Any]

MOMENT = 0.1  # seconds until a notice is read that has arrived


async def connect(channel: str = CHANNEL) -> Connection:
    """A connection of its own, outside of the pool, that hears from now on what is called out on `channel`."""
    wanted = connections["default"].get_connection_params()
    known = {"dbname", "user", "password", "host", "port", "sslmode", "connect_timeout", "service"}
    params = {key: value for key, value in wanted.items() if key in known}
    connection = await psycopg.AsyncConnection.connect(**params, autocommit=True, application_name="opsportal live")
    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    return connection


async def hear(connection: Connection, *, patience: float) -> list[str]:
    """The topics called out next, each once; [] after `patience` seconds. Raises OperationalError on a lost server."""
    if not await _is_readable(connection.fileno(), patience):
        await connection.execute("SELECT 1")  # a dead server is noticed though it says nothing
    notices = [notice async for notice in connection.notifies(timeout=MOMENT, stop_after=1)]
    return list(dict.fromkeys(topic for notice in notices for topic in orjson.loads(notice.payload)))


async def follow(connection: Connection, *, tell: Callable[[str], None], patience: float) -> None:
    """For `patience` seconds, hand over each topic in the very turn of the loop in which it arrives.

    `hear` takes some turns more, and a busy loop fills each with answers that are out of date by then. At the end the
    server is asked whether it is still there; raises OperationalError when it is not.
    """
    loop, descriptor = asyncio.get_running_loop(), connection.fileno()
    lost: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        try:
            connection.pgconn.consume_input()
            _tell_all(connection, tell)
        except Exception as error:
            loop.remove_reader(descriptor)
            lost.set_exception(error)

    loop.add_reader(descriptor, read)
    try:
        _tell_all(connection, tell)  # what was read together with an earlier answer makes nothing readable
        await asyncio.wait([lost], timeout=patience)
    finally:
        loop.remove_reader(descriptor)
    if lost.done():
        lost.result()
    connection.add_notify_handler(told := _teller(tell))  # what arrives together with the answer
    try:
        await connection.execute("SELECT 1")
    finally:
        connection.remove_notify_handler(told)


def _tell_all(connection: Connection, tell: Callable[[str], None]) -> None:
    while (notice := connection.pgconn.notifies()) is not None:
        for topic in orjson.loads(notice.extra):
            tell(topic)


def _teller(tell: Callable[[str], None]) -> Callable[[psycopg.Notify], None]:
    def told(notice: psycopg.Notify) -> None:
        for topic in orjson.loads(notice.payload):
            tell(topic)

    return told


async def _is_readable(descriptor: int, patience: float) -> bool:
    """Whether something arrives in time; `notifies` alone would look for it ten times a second."""
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, arrived.set)
    try:
        await asyncio.wait_for(arrived.wait(), patience)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True
