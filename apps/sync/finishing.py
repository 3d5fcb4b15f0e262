"""Storing what was fetched and giving the claims back: one transaction a group, all of it or nothing."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import close_old_connections, connection, transaction

from apps.events import services as events
from apps.events.services import NewEvent
from apps.sources.identity.naming import SeenNames, note_names
from apps.sources.mapping import Names
from apps.sources.models import SourceState
from apps.sources.storing import Stored
from apps.sync import closing, standing
from apps.sync.claims import hold_claims
from apps.sync.fetch import Fetched, internal_error
from apps.sync.leftovers import Leftover, write_leftovers
from apps.sync.store import Delivery, store_batches

TIMEOUTS = """
SELECT clock_timestamp(), set_config('statement_timeout', '20s', true), set_config('lock_timeout', '5s', true)
"""

logger = logging.getLogger(__name__)
_random = random.SystemRandom()


@dataclass(slots=True)
class Tally:
    """How a number of polls ended."""

    succeeded: int = 0
    failed: int = 0
    superseded: int = 0
    changed: int = 0
    feature_ids: set[int] = field(default_factory=set)
    set_ids: set[int] = field(default_factory=set)

    def add(self, other: Tally) -> None:
        """Fold `other` into this one."""
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.superseded += other.superseded
        self.changed += other.changed
        self.feature_ids |= other.feature_ids
        self.set_ids |= other.set_ids

    def __str__(self) -> str:
        return f"{self.succeeded} polled, {self.failed} failed, {self.superseded} superseded, {self.changed} changed"


@dataclass(slots=True)
class _Findings:
    """What a group's transaction has to write at its end, one statement each."""

    tally: Tally = field(default_factory=Tally)
    news: list[NewEvent] = field(default_factory=list)
    topics: set[str] = field(default_factory=set)
    leftovers: list[Leftover] = field(default_factory=list)
    polls: list[closing.Row] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    seen: list[SeenNames] = field(default_factory=list)


def finish_polls(*, group: Sequence[Fetched]) -> Tally:
    """Store and release a group together; when that fails, each on its own, so that one touches no other."""
    if not group:
        return Tally()
    try:
        return _finish(group, is_careful=False)
    except Exception as error:
        logger.info("storing %d sources together failed (%s); each on its own now", len(group), type(error).__name__)
        close_old_connections()
    total = Tally()
    for fetched in group:
        total.add(_finish_alone(fetched))
    return total


def _finish_alone(fetched: Fetched) -> Tally:
    """One source stored carefully, else noted as failed, else left for its lease to lapse; never raises."""
    try:
        return _finish([fetched], is_careful=True)
    except Exception as error:
        logger.exception("storing what %s brought failed", fetched.job.source.slug)
        broken = replace(fetched, batch=None, error=internal_error(error))
        close_old_connections()
    try:
        return _finish([broken], is_careful=True)
    except Exception:
        logger.exception("the failure of %s cannot be noted; its lease will lapse", fetched.job.source.slug)
        close_old_connections()
        return Tally(failed=1)


def _finish(group: Sequence[Fetched], *, is_careful: bool) -> Tally:
    """Records, original items, letters, states, polls and events of the group, for those whose claim still holds."""
    found = _Findings()
    with transaction.atomic():
        at = limit_waiting()
        held = hold_claims(claims=[fetched.job.claim for fetched in group])
        outcomes = _store(group, held, found.names, at, is_careful=is_careful)
        for fetched in group:
            state = held.get(fetched.job.source.pk)
            if state is None:
                found.tally.superseded += 1
                found.polls.append(closing.superseded_poll(fetched, at))
            else:
                _settle(fetched, state, outcomes.get(fetched.job.source.pk), found, at)
        write_leftovers(leftovers=found.leftovers, at=at)
        note_names(batches=found.seen, at=at)
        closing.write_states(states=list(held.values()))
        closing.write_polls(polls=found.polls)
        events.record_events(events=found.news)
        events.ring(topics=found.topics)
    return found.tally


def _store(
    group: Sequence[Fetched], held: Mapping[int, SourceState], names: Names, at: datetime, *, is_careful: bool
) -> dict[int, Stored]:
    """What storing the batches came to, by source; those whose claim was lost are left out."""
    deliveries = [
        Delivery(fetched.job.source, fetched.batch)
        for fetched in group
        if fetched.batch is not None and fetched.job.source.pk in held
    ]
    outcomes = store_batches(deliveries=deliveries, at=at, names=names, is_careful=is_careful)
    return {delivery.source.pk: stored for delivery, stored in zip(deliveries, outcomes, strict=True)}


def _settle(fetched: Fetched, state: SourceState, outcome: Stored | None, found: _Findings, at: datetime) -> None:
    """Note in a source's state how its poll ended."""
    source, was_requested, stored = fetched.job.source, state.is_poll_requested, outcome or Stored()
    if outcome is not None:
        found.leftovers.append(closing.leftover(fetched, outcome))
    news = standing.note_poll(
        state=state, fetched=fetched, changed=stored.changed, at=at, jitter=_random.uniform(0.0, 1.0)
    )
    found.polls.append(closing.finished_poll(fetched, stored, at))
    found.news += stored.events + news
    found.seen += stored.names
    found.topics |= stored.topics
    if was_requested or stored.changed or news:
        found.topics |= {"sources", f"source-{source.pk}"}
    ended = Tally(changed=stored.changed, feature_ids=stored.feature_ids, set_ids=stored.set_ids)
    ended.succeeded, ended.failed = int(fetched.error is None), int(fetched.error is not None)
    found.tally.add(ended)


def limit_waiting() -> datetime:
    """Bound every statement of this transaction, and read the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(TIMEOUTS)
        row = cursor.fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]  # the driver hands over an aware datetime
