"""A look at what a source lets us read, about once a day and when its credential begins or ends to be refused.

It is part of a poll and goes under its claim, so it never runs beside one. A look that fails says nothing about the
source: what was known stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.connectors.base import Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.pool import Pool
from apps.events.services import NewEvent
from apps.sources.models import Source, SourceState
from apps.sources.rights import note_rights
from apps.sources.wiring import make_connector, networks_of, open_door
from apps.sync import pacing
from apps.sync.claims import Job

EVERY = 86_400  # seconds; each source at its own time of the day
FIRST_AFTER = timedelta(hours=1)  # a source that was never planned, so that an update starts no rush
LOOK_SECONDS = 12.0  # with fetch.TOTAL_SECONDS it stays below the lease
LIMITS = Limits(total_seconds=6.0, fetch_seconds=10.0, max_requests=20, attempts=1)
MOST = 20  # in one task; the others are due again with their next poll

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: the rights, None if it failed; `is_owed` when it was wanted and there was no room for it."""

    scopes: tuple[Scope, ...] | None = None
    is_owed: bool = False


@dataclass(slots=True)
class Room:
    """How many looks are left in one task."""

    left: int = MOST

    def take(self) -> bool:
        """Whether there was one left; now it is taken."""
        self.left -= 1
        return self.left >= 0


def is_wanted(*, job: Job, error: SourceError | None) -> bool:
    """Whether this poll, which ended with `error`, should look: it is due, or the credential's standing has changed."""
    is_refused = error is not None and error.error_class is ErrorClass.AUTH
    if error is not None and not is_refused:
        return False
    return job.is_look_due or is_refused is not job.was_refused


async def look(*, job: Job, secrets: Mapping[str, str], pool: Pool) -> Look:
    """Ask the source what it grants, with a budget of its own; never raises."""
    source = job.source
    networks = networks_of(source.config, source.allowed_networks)
    http = open_door(networks=networks, trusted_ca=source.trusted_ca, pool=pool, limits=LIMITS)
    try:
        connector = make_connector(key=source.connector, config=source.config, secrets=secrets, http=http)
        async with asyncio.timeout(LOOK_SECONDS), http:
            return Look((await connector.probe()).scopes)
    except (SourceError, TimeoutError):
        return Look()
    except Exception:
        logger.exception("looking at the rights of %s failed on our side", source.slug)
        return Look()


def note_look(*, state: SourceState, source: Source, found: Look | None, is_good: bool, at: datetime) -> list[NewEvent]:
    """The state after this poll's look, or without one (None); events for rights that went missing or came back."""
    if found is None:
        if is_good and state.scopes_due_at is None:
            state.scopes_due_at = _next_turn(source, at + FIRST_AFTER)
        return []
    if found.is_owed:
        state.scopes_due_at = at
        return []
    state.scopes_due_at = _next_turn(source, at)
    return [] if found.scopes is None else note_rights(state=state, source=source, scopes=found.scopes, at=at)


def _next_turn(source: Source, at: datetime) -> datetime:
    return pacing.next_slot(source_id=source.pk, interval_seconds=EVERY, at=at)
