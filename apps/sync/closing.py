"""Writing down how polls ended: the states and the poll rows of a whole group, one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
from django.db import connection

from apps.sources.models import SourceState
from apps.sources.status import Outcome
from apps.sources.storing import Stored
from apps.sync.fetch import Fetched
from apps.sync.leftovers import Leftover

STATES = """
UPDATE sources_sourcestate state
   SET claim_id = NULL, claimed_at = NULL, claimed_until = NULL, is_poll_requested = false,
       next_poll_at = new.next_poll_at, not_before = new.not_before, cursor = new.cursor,
       has_backlog = new.has_backlog, last_success_at = new.last_success_at, last_change_at = new.last_change_at,
       error_class = new.error_class, error = new.error, failing_since = new.failing_since, failures = new.failures,
       circuit = new.circuit, circuit_opened_at = new.circuit_opened_at, skew_seconds = new.skew_seconds,
       last_answer_at = new.last_answer_at, missing_scopes = new.missing_scopes, scopes = new.scopes,
       scopes_checked_at = new.scopes_checked_at, scopes_due_at = new.scopes_due_at
  FROM jsonb_to_recordset(%s) AS new (
       source_id bigint, next_poll_at timestamptz, not_before timestamptz, cursor jsonb, has_backlog boolean,
       last_success_at timestamptz, last_change_at timestamptz, error_class text, error text,
       failing_since timestamptz, failures integer, circuit text, circuit_opened_at timestamptz,
       skew_seconds double precision, last_answer_at timestamptz, missing_scopes text[], scopes jsonb,
       scopes_checked_at timestamptz, scopes_due_at timestamptz)
 WHERE state.source_id = new.source_id
"""
STATE_COLUMNS = (
    "source_id",
    "next_poll_at",
    "not_before",
    "cursor",
    "has_backlog",
    "last_success_at",
    "last_change_at",
    "error_class",
    "error",
    "failing_since",
    "failures",
    "circuit",
    "circuit_opened_at",
    "skew_seconds",
    "last_answer_at",
    "missing_scopes",
    "scopes",
    "scopes_checked_at",
    "scopes_due_at",
)
POLLS = """
UPDATE sources_poll poll
   SET finished_at = new.finished_at, outcome = new.outcome, error_class = new.error_class, error = new.error,
       fetched = new.fetched, changed = new.changed, rejected = new.rejected, requests = new.requests,
       bytes_read = new.bytes_read
  FROM jsonb_to_recordset(%s) AS new (
       id bigint, finished_at timestamptz, outcome text, error_class text, error text, fetched integer,
       changed integer, rejected integer, requests integer, bytes_read bigint)
 WHERE poll.id = new.id
"""

Row = dict[str, object]


def finished_poll(fetched: Fetched, stored: Stored, at: datetime) -> Row:
    """The poll's row as it is to be written when its claim held."""
    error = fetched.error
    return {
        "id": fetched.job.poll_id,
        "finished_at": at,
        "outcome": Outcome.SUCCEEDED if error is None else Outcome.FAILED,
        "error_class": "" if error is None else error.error_class,
        "error": "" if error is None else error.message,
        "fetched": len(fetched.batch.records) if fetched.batch is not None else 0,
        "changed": stored.changed,
        "rejected": len(stored.rejected),
        "requests": fetched.requests,
        "bytes_read": fetched.bytes_read,
    }


def superseded_poll(fetched: Fetched, at: datetime) -> Row:
    """The poll's row when somebody else holds the claim now: nothing of what was fetched counts."""
    return {
        "id": fetched.job.poll_id,
        "finished_at": at,
        "outcome": Outcome.SUPERSEDED,
        "error_class": "",
        "error": "Another worker took over or the source was changed; nothing of this poll was stored.",
        "fetched": 0,
        "changed": 0,
        "rejected": 0,
        "requests": fetched.requests,
        "bytes_read": fetched.bytes_read,
    }


def leftover(fetched: Fetched, stored: Stored) -> Leftover:
    """What stays of the batch beside the stored records."""
    assert fetched.batch is not None
    return Leftover(
        source_id=fetched.job.source.pk,
        secrets=fetched.secrets,
        keeps_raw=fetched.job.source.raw_kept_days > 0,
        records=fetched.batch.records,
        rejected=stored.rejected,
    )


def write_states(*, states: Sequence[SourceState]) -> None:
    """Write the machine's columns of held states and give their claims back."""
    _write(STATES, [{name: getattr(state, name) for name in STATE_COLUMNS} for state in states])


def write_polls(*, polls: Sequence[Row]) -> None:
    """Close the poll rows."""
    _write(POLLS, polls)


def _write(statement: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        text = orjson.dumps(list(rows), default=str).decode()
        cursor.execute(statement, [text.replace("\\u0000", "\\ufffd")])  # PostgreSQL takes no NUL
