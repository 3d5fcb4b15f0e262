"""What a deployment's change of state is called in the change ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from apps.core.bulk import Row
from apps.core.ui.formats import short_revision
from apps.deployments.status import DeploymentState
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.sources.models import Source

_STARTED = "deployments:deployment:started"
_SUCCEEDED = "deployments:deployment:succeeded"
_FAILED = "deployments:deployment:failed"
_ROLLED_BACK = "deployments:deployment:rolled-back"
_TOLD = {
    DeploymentState.RUNNING: (_STARTED, Tone.INFO),
    DeploymentState.SUCCEEDED: (_SUCCEEDED, Tone.OK),
    DeploymentState.FAILED: (_FAILED, Tone.BAD),
}


def events_of(*, deployments: Iterable[Row], source: Source) -> list[NewEvent]:
    """One event for each deployment whose state is new, oldest first, at its own time however late it was told."""
    told = [row for row in deployments if row["state"] in _TOLD and row["state"] != row["old_state"]]
    return [_event(row, source) for row in sorted(told, key=_happened_at)]


def _happened_at(row: Row) -> datetime:
    """A rollout is told when it began; its outcome when it was reached."""
    started_at: datetime = row["started_at"]
    return started_at if row["state"] == DeploymentState.RUNNING else row["finished_at"] or started_at


def _event(row: Row, source: Source) -> NewEvent:
    kind, tone = _TOLD[DeploymentState(row["state"])]
    if kind == _SUCCEEDED and row["is_rollback"]:
        kind, tone = _ROLLED_BACK, Tone.WARN
    return NewEvent(
        kind=kind,
        at=_happened_at(row),
        title=_title(kind, row),
        tone=tone,
        detail=row["description"],
        actor=row["deployed_by"],
        is_change=True,
        is_demo=source.is_demo,
        feature_id=row["feature_id"],
        component_id=row["component_id"],
        environment_id=row["environment_id"],
        source_id=source.pk,
        subject_kind="deployment",
        subject_id=row["id"],
        dedupe_key=f"deployment:{row['id']}:{row['state']}:{int(_happened_at(row).timestamp())}",
        url=row["url"],
        data={"component": row["component_name"], "revision": row["reference"], "previous": row["previous"]},
    )


def _title(kind: str, row: Row) -> str:
    """A sentence such as: retrieval-api 2.40 went live in Production."""
    component, reference = row["component_name"][:100], short_revision(row["reference"])[:80]
    where = row["where"][:60] or "an environment without a name"
    match kind:
        case "deployments:deployment:started":
            return f"{component} {reference} is rolling out to {where}"
        case "deployments:deployment:failed":
            return f"{component} {reference} failed to go live in {where}"
        case "deployments:deployment:rolled-back":
            return f"{component} was rolled back to {reference} in {where}"
        case _:
            return f"{component} {reference} went live in {where}"
