"""Who polls which source: a claim is a random id and a lease, and only its holder may write.

The claim in PostgreSQL is the truth. Messages may be lost, doubled or late, workers may die, two beats may tick:
a source is polled by one worker at a time, and a lapsed lease makes it due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import orjson
from django.db import connection, transaction

from apps.connectors.errors import ErrorClass
from apps.sources.models import Source, SourceState

PICKUP_SECONDS = 15  # from the claim until a worker begins
LEASE_SECONDS = 60  # from the beginning until the source counts as abandoned; above fetch.TOTAL_SECONDS
MOST_CLAIMS = 5_000  # a tick


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to poll one source."""

    source_id: int
    claim_id: UUID

    def to_json(self) -> list[Any]:
        """The form in which it travels to the worker."""
        return [self.source_id, str(self.claim_id)]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> Self:
        """The claim out of a message."""
        return cls(int(value[0]), UUID(value[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One poll to carry out: everything that fetching needs, read in one go when the worker begins."""

    claim: Claim
    source: Source
    cursor: dict[str, Any]
    poll_id: int
    started_at: datetime
    is_look_due: bool = False  # at what the source lets us read
    was_refused: bool = False  # the last poll failed for its credential


CLAIM = """
WITH due AS (
    SELECT state.source_id
      FROM sources_sourcestate state JOIN sources_source source ON source.id = state.source_id
     WHERE state.next_poll_at <= %(at)s AND source.is_enabled AND source.is_polled
       AND (state.claimed_until IS NULL OR state.claimed_until <= %(at)s)
       AND (state.not_before IS NULL OR state.not_before <= %(at)s)
     ORDER BY state.next_poll_at, state.source_id
     LIMIT %(most)s
       FOR UPDATE OF state SKIP LOCKED
)
UPDATE sources_sourcestate state
   SET claim_id = gen_random_uuid(), claimed_at = %(at)s,
       claimed_until = %(at)s + make_interval(secs => %(pickup)s),
       next_poll_at = %(at)s + make_interval(secs => %(pickup)s),
       circuit = CASE state.circuit WHEN 'open' THEN 'half_open' ELSE state.circuit END
  FROM due WHERE state.source_id = due.source_id
RETURNING state.source_id, state.claim_id
"""


def claim_due_sources(*, at: datetime, most: int = MOST_CLAIMS) -> list[Claim]:
    """Claims on every source that is due, each for one caller only; losing a race is silent.

    `next_poll_at` moves to the end of the lease, so an abandoned source comes back by the same index.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"at": at, "pickup": PICKUP_SECONDS, "most": most})
        return [Claim(*row) for row in cursor.fetchall()]


BEGIN = """
WITH held AS (
    UPDATE sources_sourcestate state
       SET last_attempt_at = %(at)s, claimed_until = %(at)s + make_interval(secs => %(lease)s),
           next_poll_at = %(at)s + make_interval(secs => %(lease)s)
      FROM unnest(%(sources)s::bigint[], %(claims)s::uuid[]) AS claim (source_id, claim_id)
     WHERE state.source_id = claim.source_id AND state.claim_id = claim.claim_id
       AND (state.last_attempt_at IS NULL OR state.last_attempt_at < state.claimed_at)
 RETURNING state.source_id, state.claim_id, state.cursor, state.scopes_due_at <= %(at)s AS is_look_due,
           state.error_class
), abandoned AS (
    UPDATE sources_poll poll
       SET outcome = 'superseded', finished_at = %(at)s, error = 'The worker that polled did not come back.'
      FROM held WHERE poll.source_id = held.source_id AND poll.outcome = 'running'
), begun AS (
    INSERT INTO sources_poll (source_id, claim_id, started_at, outcome, error_class, error,
                              fetched, changed, rejected, requests, bytes_read)
    SELECT source_id, claim_id, %(at)s, 'running', '', '', 0, 0, 0, 0, 0 FROM held
 RETURNING id, source_id
)
SELECT held.*, begun.id FROM held JOIN begun USING (source_id)
"""


def begin_polls(*, claims: Sequence[Claim], at: datetime) -> list[Job]:
    """The jobs of those claims that still hold and that nobody has begun: a message delivered twice polls once.

    Polls that earlier holders left unfinished are closed as superseded.
    """
    with transaction.atomic():
        begun = _begin(claims, at)
        sources = Source.objects.in_bulk([row[0] for row in begun])
    return [
        Job(
            claim=Claim(source_id, claim_id),
            source=sources[source_id],
            cursor=orjson.loads(cursor),
            poll_id=poll_id,
            started_at=at,
            is_look_due=bool(is_look_due),
            was_refused=error_class == ErrorClass.AUTH,
        )
        for source_id, claim_id, cursor, is_look_due, error_class, poll_id in begun
    ]


def _begin(claims: Sequence[Claim], at: datetime) -> list[tuple[Any, ...]]:
    wanted: dict[str, Any] = {
        "sources": [claim.source_id for claim in claims],
        "claims": [claim.claim_id for claim in claims],
        "at": at,
        "lease": LEASE_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, wanted)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def hold_claims(*, claims: Sequence[Claim]) -> dict[int, SourceState]:
    """The states of those claims that still hold, by source and locked until the transaction ends.

    Whoever is missing here was superseded and must not write.
    """
    ids = {claim.source_id: claim.claim_id for claim in claims}
    rows = SourceState.objects.select_for_update().filter(source_id__in=ids).order_by("source_id")
    return {state.source_id: state for state in rows if state.claim_id == ids[state.source_id]}
