"""What the end of an evaluation is called in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from apps.core.bulk import Row
from apps.evaluations.models import Order
from apps.evaluations.status import OPEN_STATES, EvaluationState, Verdict, verdict_of
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.sources.models import Source

_SUCCEEDED = "evaluations:run:succeeded"
_FAILED = "evaluations:run:failed"
_STARTED = "evaluations:run:started"
_CANCELLED = "evaluations:run:cancelled"
_KINDS = {EvaluationState.SUCCEEDED: _SUCCEEDED, EvaluationState.FAILED: _FAILED}


def events_of(*, runs: Iterable[Row], source: Source) -> list[NewEvent]:
    """One event for each run that ended, oldest first, at its own time however late it was told."""
    ended = [row for row in runs if row["state"] in _KINDS and row["old_state"] in (None, *OPEN_STATES)]
    return [_event(row, source) for row in sorted(ended, key=lambda row: row["ended_at"])]


def order_event(order: Order, word: Literal["started", "cancelled"], *, actor: str, at: datetime) -> NewEvent:
    """That somebody, or the schedule, wants an execution of ours to begin, or to stop."""
    run = order.run
    return NewEvent(
        kind=_STARTED if word == "started" else _CANCELLED,
        at=at,
        title=f"{run.suite.name[:100]} was {word} for {run.what[:120]}",
        actor=actor,
        is_demo=run.source.is_demo,
        feature_id=run.feature_id,
        component_id=run.component_id,
        source_id=run.source_id,
        subject_kind="evaluation",
        subject_id=run.pk,
        data={"suite": run.suite.name, "subject": run.subject, "version": run.version, "reason": order.reason},
        topics=("evaluations", f"suite-{run.suite_id}"),
    )


def _event(row: Row, source: Source) -> NewEvent:
    kind = _KINDS[EvaluationState(row["state"])]
    return NewEvent(
        kind=kind,
        at=row["ended_at"],
        title=_title(kind, row),
        tone=_tone(kind, row),
        is_demo=source.is_demo,
        feature_id=row["feature_id"],
        component_id=row["component_id"],
        environment_id=row["environment_id"],
        source_id=source.pk,
        subject_kind="evaluation",
        subject_id=row["id"],
        dedupe_key=f"evaluation:{row['id']}:{row['state']}:{int(row['ended_at'].timestamp())}",
        url=row["url"],
        data={"suite": row["suite_name"], "subject": row["subject"], "version": row["version"]},
    )


def _tone(kind: str, row: Row) -> Tone:
    if kind == _FAILED:
        return Tone.BAD
    verdict = verdict_of(passed=row["passed"], failed=row["failed"])
    return {Verdict.PASSED: Tone.OK, Verdict.FAILED: Tone.WARN}.get(verdict, Tone.INFO)


def _title(kind: str, row: Row) -> str:
    """A sentence such as: 48 of 50 passed in support-golden for support-reply 12."""
    what = f" for {row['subject'][:80]} {row['version'][:40]}".rstrip() if row["subject"] else ""
    suite = row["suite_name"][:100]
    if kind == _FAILED:
        return f"{suite} broke off{what}"
    judged = row["passed"] + row["failed"]
    return f"{row['passed']:,} of {judged:,} passed in {suite}{what}" if judged else f"{suite} was scored{what}"
