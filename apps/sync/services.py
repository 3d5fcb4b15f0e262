"""The poll, read downwards: begin what was claimed, fetch side by side, store as it comes, judge what was touched."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from queue import Empty, SimpleQueue
from time import monotonic

import uvloop
from django.db import connection

from apps.sync.claims import Claim, Job, begin_polls
from apps.sync.fetch import Fetched, fetch_all
from apps.sync.finishing import Tally, finish_polls
from apps.sync.judging import judge_features

AT_ONCE = 250  # how many fetched sources share one transaction, when as many come in
GATHERING_SECONDS = 0.03  # how long the first of a group waits for the others
PATIENCE_SECONDS = 0.5

logger = logging.getLogger(__name__)


def poll_all(*, claims: Sequence[Claim], at: datetime) -> Tally:
    """Poll every source whose claim still holds; returns how they ended.

    1. Begin: renew the leases and read all sources in one go. 2. Fetch in an event loop on a thread of its own, so
    that no database call ever blocks it. 3. Here, store what has been fetched, those that wait together in one
    transaction. 4. Whenever nothing waits, judge the features that were touched.
    """
    jobs = begin_polls(claims=claims, at=at)
    total, touched = Tally(superseded=len(claims) - len(jobs)), Tally()
    for group, is_caught_up in _fetched_groups(jobs):
        tally = finish_polls(group=group)
        total.add(tally)
        touched.add(tally)
        if is_caught_up and touched.feature_ids:
            judge_features(feature_ids=touched.feature_ids, set_ids=touched.set_ids)
            touched = Tally()
    return total


def _fetched_groups(jobs: Sequence[Job]) -> Iterator[tuple[list[Fetched], bool]]:
    """What has been fetched, in groups of those that came in within a moment; and whether nothing waits after it.

    Whatever is stored for one source costs as many statements as for a hundred.
    """
    if not jobs:
        return
    arrived: SimpleQueue[Fetched | None] = SimpleQueue()
    threading.Thread(target=_fetch_in_loop, args=(jobs, arrived), name="fetch", daemon=True).start()
    is_over = False
    while not is_over:
        group: list[Fetched] = []
        closes_at = 0.0
        while len(group) < AT_ONCE:
            try:
                fetched = arrived.get(timeout=max(closes_at - monotonic(), 0.0)) if group else _next(arrived)
            except Empty:
                break
            if fetched is None:
                is_over = True
                break
            closes_at = closes_at or monotonic() + GATHERING_SECONDS
            group.append(fetched)
        yield group, is_over or arrived.empty()


def _next(arrived: SimpleQueue[Fetched | None]) -> Fetched | None:
    """The next one to arrive; a connection that would only wait goes back to the pool meanwhile."""
    try:
        return arrived.get(timeout=PATIENCE_SECONDS)
    except Empty:
        if not connection.in_atomic_block:
            connection.close()
        return arrived.get()


def _fetch_in_loop(jobs: Sequence[Job], arrived: SimpleQueue[Fetched | None]) -> None:
    """Fetch everything; whatever happens, say at the end that nothing more will come."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(fetch_all(jobs=jobs, hand_over=arrived.put))
    except Exception:
        logger.exception("the fetching loop broke off; the leases of what is missing will lapse")
    finally:
        arrived.put(None)
