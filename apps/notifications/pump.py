"""Sending, read downwards: hand new events over, claim what is due, send side by side, write down how it ended.

One pump at a time begins sends for the whole portal, in one thread however slow the receivers are; whoever finds it
busy goes away. The turn is a lock of the database session, so a dead worker's turn ends with its connection. What is
under way when a turn ends is waited for outside it, so that a slow receiver never holds up the next turn.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any

from django.db import DatabaseError, connection

from apps.connectors.pool import Pool
from apps.notifications.claims import Claim, claim_due_deliveries
from apps.notifications.envelope import envelope_of
from apps.notifications.marking import Sent, mark_deliveries
from apps.notifications.outbox import hand_over_events
from apps.notifications.sending import send
from apps.sources import queries as sources
from apps.sources.models import Source

SIDE_BY_SIDE = 500  # tries under way
ROUND_SECONDS = 0.5
BUDGET = timedelta(seconds=20)  # of a turn; the next tick takes the next one
TURN = "hashtextextended('opsportal.notifications.pump', 0)"


@dataclass(slots=True)
class Tally:
    """What one turn did."""

    queued: int = 0
    tried: int = 0
    delivered: int = 0

    def __str__(self) -> str:
        return f"{self.queued} queued, {self.tried} tried, {self.delivered} delivered"


def pump() -> Tally | None:
    """Send until nothing is due or the budget is used; None when another pump is at work."""
    tally = Tally()
    with _Loop() as loop:
        with _turn() as is_ours:
            if not is_ours:
                return None
            _send_what_is_due(loop, tally)
        while loop.under_way:
            _write_down(loop, tally)
    return tally


def _send_what_is_due(loop: _Loop, tally: Tally) -> None:
    at = sources.database_time()
    end = at + BUDGET
    while at < end:
        tally.queued += hand_over_events(at=at)
        _start(loop, claim_due_deliveries(at=at, most=SIDE_BY_SIDE - loop.under_way))
        if not loop.under_way:
            return
        _write_down(loop, tally)
        at = sources.database_time()


def _write_down(loop: _Loop, tally: Tally) -> None:
    sent = loop.finished(patience=ROUND_SECONDS)
    mark_deliveries(sent=sent, at=sources.database_time())
    tally.tried += len(sent)
    tally.delivered += sum(one.outcome.is_good for one in sent)


def _start(loop: _Loop, claims: list[Claim]) -> None:
    wanted = {source_id for claim in claims if (source_id := claim.delivery.event.source_id)}
    names = dict(Source.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}
    for claim in claims:
        loop.start(claim, names)


@contextmanager
def _turn() -> Iterator[bool]:
    """Whether it is our turn; it ends with the block, or with the connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({TURN})")
        row = cursor.fetchone()
    is_ours = bool(row and row[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            _end_turn()


def _end_turn() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_unlock({TURN})")
    except DatabaseError:
        connection.close()  # never back into the pool with the lock


class _Loop:
    """An event loop on a thread of its own, so that no database call ever blocks it and no receiver blocks us."""

    def __init__(self) -> None:
        self.under_way = 0
        self._finished: SimpleQueue[Sent] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="notifications", daemon=True)
        self._pool: Pool | None = None

    def __enter__(self) -> _Loop:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            asyncio.run_coroutine_threadsafe(_shut_down(self._pool), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def start(self, claim: Claim, source_names: dict[int, str]) -> None:
        """Begin to send; how it ends comes out of `finished`."""
        if self._pool is None:  # most turns find nothing to send
            self._thread.start()
            self._pool = asyncio.run_coroutine_threadsafe(_make_pool(), self._loop).result()
        self.under_way += 1
        event = claim.delivery.event
        envelope = envelope_of(event, source_name=source_names.get(event.source_id or 0, ""))
        asyncio.run_coroutine_threadsafe(self._send(claim, envelope), self._loop)

    def finished(self, *, patience: float) -> list[Sent]:
        """What ended meanwhile; waits up to `patience` seconds for the first."""
        found: list[Sent] = []
        try:
            found.append(self._finished.get(timeout=patience))
            while True:
                found.append(self._finished.get_nowait())
        except Empty:
            pass
        self.under_way -= len(found)
        return found

    async def _send(self, claim: Claim, envelope: dict[str, Any]) -> None:
        outcome = await send(subscription=claim.delivery.subscription, envelope=envelope, pool=self._pool)
        self._finished.put(Sent(claim=claim, outcome=outcome))


async def _make_pool() -> Pool:
    return Pool()


async def _shut_down(pool: Pool) -> None:
    """Give up what is still under way, which happens only after an error: the leases of its claims will lapse."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await pool.close()
