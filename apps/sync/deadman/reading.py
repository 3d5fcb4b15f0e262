"""The signs of life, in one small statement."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from apps.sync.deadman.rule import Limits, Signs

# A source that asked for quiet is left alone on purpose. A new one has one limit's time for its first answer.
SIGNS = """
SELECT clock_timestamp(), (SELECT max(at) FROM sources_heartbeat), min(source.interval_seconds),
       max(greatest(state.last_answer_at, state.last_success_at, source.created_at))
  FROM sources_source source JOIN sources_sourcestate state ON state.source_id = source.id
 WHERE source.is_enabled AND source.is_polled
   AND (state.not_before IS NULL OR state.not_before <= clock_timestamp())
"""


def read_signs() -> Signs:
    """What the database knows now, by its own clock."""
    with connection.cursor() as cursor:
        cursor.execute(SIGNS)
        row = cursor.fetchone()
    assert row is not None
    at, worker_at, shortest, answer_at = row
    return Signs(at=at, worker_at=worker_at, shortest=shortest, answer_at=answer_at)


def limits() -> Limits:
    """How long silence may last here."""
    return Limits(intervals=settings.DEADMAN_INTERVALS, floor=settings.DEADMAN_SECONDS)
