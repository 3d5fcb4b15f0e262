"""Evaluations as a source tells them; a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.records import EvaluationRecord, RunState, Score

NOW = datetime(2026, 11, 24, 9, 24, tzinfo=UTC)


def an_evaluation(number: int = 1, **fields: Any) -> EvaluationRecord:
    """An execution that was scored `number` hours ago: two of three cases passed."""
    ended = NOW - timedelta(hours=number)
    defaults = {
        "external_id": f"eval-{number}",
        "suite": "support-golden",
        "state": RunState.SUCCEEDED,
        "raw_state": "done",
        "updated_at": ended,
        "started_at": ended - timedelta(minutes=3),
        "finished_at": ended,
        "subject": "support-reply",
        "version": "12",
        "scores": (
            Score(scorer="groundedness", value=0.5, case="a", passed=False, comment="It made up a price."),
            Score(scorer="groundedness", value=0.9, case="b", passed=True),
            Score(scorer="groundedness", value=1.0, case="c", passed=True),
        ),
    }
    return EvaluationRecord(**defaults | fields)
