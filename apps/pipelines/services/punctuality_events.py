"""What a turn of a pipeline's punctuality is called in the ledger."""

from __future__ import annotations

from datetime import datetime

from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.pipelines.models import Punctuality
from apps.pipelines.status import GOOD_STATES, PunctualityState

_LATE = "pipelines:punctuality:late"
_MISSED = "pipelines:punctuality:missed"
_RUNNING_LONG = "pipelines:punctuality:running-long"
_RECOVERED = "pipelines:punctuality:recovered"
_KINDS = {
    PunctualityState.LATE: (_LATE, Tone.WARN, "is late"),
    PunctualityState.MISSED: (_MISSED, Tone.BAD, "missed a run"),
    PunctualityState.RUNNING_LONG: (_RUNNING_LONG, Tone.WARN, "runs longer than expected"),
}


def event_of(row: Punctuality, old_state: str, troubled_at: datetime | None) -> NewEvent | None:
    """The news of a turn; None for one that is no news to anybody. `troubled_at`: since when it had been in trouble."""
    pipeline = row.pipeline
    assert row.judged_at is not None
    at, told = row.since or row.judged_at, str(row.state)
    if row.state in GOOD_STATES and troubled_at is not None:
        kind, tone, verb = _RECOVERED, Tone.OK, "is on time again"
        at, told = row.judged_at, f"recovered:{troubled_at.timestamp():.0f}"
    elif row.state in _KINDS:
        kind, tone, verb = _KINDS[PunctualityState(row.state)]
        told = f"{row.state}:{(row.due_at or at).timestamp():.0f}"
    else:
        return None
    return NewEvent(
        kind=kind,
        at=at,
        title=f"{pipeline.name[:120]} {verb}",
        tone=tone,
        detail=row.sentence,
        is_demo=pipeline.source.is_demo,
        feature_id=pipeline.feature_id,
        component_id=pipeline.component_id,
        environment_id=pipeline.environment_id,
        source_id=pipeline.source_id,
        subject_kind="pipeline",
        subject_id=pipeline.pk,
        dedupe_key=f"punctuality:{pipeline.pk}:{told}",
        url=pipeline.url,
        data={"from": old_state, "to": row.state},
        topics=("runs", pipeline.topic),
    )
