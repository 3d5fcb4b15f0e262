"""What was going on and is over without a word: replaced by the next, or deleted; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.connectors.providers.kubernetes.cursor import text_of, time_of
from apps.connectors.providers.kubernetes.normalize import time_or_none
from apps.connectors.records import DeploymentRecord, DeploymentState, RunRecord, RunState, Trigger
from apps.connectors.values import as_labels


def ended_rollout(saved: Mapping[str, Any], *, at: datetime, word: str) -> DeploymentRecord:
    """The remembered rollout, cancelled `at` then; `word` is superseded or deleted."""
    started_at = time_of(saved, "started_at", at)
    ended_at = max(started_at, at)
    return DeploymentRecord(
        external_id=text_of(saved, "id"),
        raw=saved,
        component=text_of(saved, "component"),
        environment=text_of(saved, "environment"),
        revision=text_of(saved, "revision"),
        state=DeploymentState.CANCELLED,
        raw_state=word,
        started_at=started_at,
        updated_at=ended_at,
        finished_at=ended_at,
        url=text_of(saved, "url"),
        labels=as_labels(saved.get("labels")),
    )


def remembered_run(record: RunRecord) -> dict[str, Any]:
    """What is needed to end a run whose job was deleted."""
    return {
        "pipeline": record.pipeline_external_id,
        "name": record.name,
        "started_at": record.started_at.isoformat() if record.started_at else None,
        "revision": record.revision,
        "trigger": record.trigger,
        "scheduled_for": record.scheduled_for.isoformat() if record.scheduled_for else None,
        "url": record.url,
        "labels": dict(record.labels),
    }


def deleted_run(uid: str, saved: Mapping[str, Any], *, at: datetime) -> RunRecord:
    """The remembered run of a job that is gone: by whom, and whether it ended before, nobody tells."""
    return RunRecord(
        external_id=uid,
        raw=saved,
        pipeline_external_id=text_of(saved, "pipeline"),
        name=text_of(saved, "name"),
        state=RunState.UNKNOWN,
        raw_state="deleted",
        updated_at=at,
        scheduled_for=time_or_none(saved.get("scheduled_for")),
        started_at=time_or_none(saved.get("started_at")),
        finished_at=at,
        trigger=next((one for one in Trigger if one == saved.get("trigger")), Trigger.UNKNOWN),
        revision=text_of(saved, "revision"),
        error="The job was deleted before its end was seen.",
        url=text_of(saved, "url"),
        labels=as_labels(saved.get("labels")),
    )
