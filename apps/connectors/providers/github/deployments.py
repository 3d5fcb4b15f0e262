"""From GitHub's deployments and their statuses to records: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.connectors.records import DeploymentRecord, DeploymentState
from apps.connectors.values import (
    from_iso,
    latest,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    required_text,
    safe_url,
)

_STATES = {
    "queued": DeploymentState.QUEUED,
    "pending": DeploymentState.QUEUED,
    "waiting": DeploymentState.QUEUED,
    "in_progress": DeploymentState.RUNNING,
    "success": DeploymentState.SUCCEEDED,
    "failure": DeploymentState.FAILED,
    "error": DeploymentState.FAILED,
}
SUPERSEDED = "inactive"  # a later deployment took over; it says nothing about how this one ended
OPEN = {DeploymentState.QUEUED, DeploymentState.RUNNING}


def read_deployment(
    item: Mapping[str, Any], statuses: Sequence[Any], *, repository: str, web: str, is_rollback: bool
) -> DeploymentRecord:
    """One deployment with its statuses. The newest status decides; without any it is queued."""
    ordered = sorted(map(object_or_empty, list_or_empty(statuses)), key=_order)
    telling = object_or_empty(next((s for s in reversed(ordered) if optional_text(s, "state") != SUPERSEDED), None))
    raw_state = optional_text(ordered[-1], "state") if ordered else ""
    state = _state(optional_text(telling, "state"), raw_state)
    updates = [optional_iso(entry.get(key)) for entry in (item, *ordered) for key in ("created_at", "updated_at")]
    started_at = from_iso(item.get("created_at"))
    deployment_id = required_text(item, "id")
    return DeploymentRecord(
        external_id=deployment_id,
        raw={"deployment": item, "statuses": ordered[-10:]},
        component=repository,
        environment=required_text(item, "environment"),
        revision=required_text(item, "sha"),
        state=state,
        raw_state=raw_state,
        started_at=started_at,
        updated_at=latest(updates) or started_at,
        finished_at=None if state in OPEN else _ended(telling),
        deployed_by=optional_text(object_or_empty(item.get("creator")), "login"),
        description=optional_text(telling, "description") or optional_text(item, "description"),
        is_rollback=is_rollback,
        url=_url(telling, f"{web}/{repository}"),
        labels=_labels(item, repository),
    )


def _state(word: str, raw_state: str) -> DeploymentState:
    """What the newest telling status says; one that is only superseded must have succeeded before."""
    if word:
        return _STATES.get(word, DeploymentState.UNKNOWN)
    return DeploymentState.SUCCEEDED if raw_state == SUPERSEDED else DeploymentState.QUEUED


def _order(status: Mapping[str, Any]) -> tuple[str, int]:
    """Statuses are never edited; two of the same second are told apart by their id."""
    number = status.get("id")
    return optional_text(status, "created_at"), number if isinstance(number, int) else 0


def _ended(status: Mapping[str, Any]) -> datetime | None:
    return optional_iso(status.get("created_at"))


def _url(status: Mapping[str, Any], repository_url: str) -> str:
    log = safe_url(status.get("log_url")) or safe_url(status.get("target_url"))
    return log or f"{repository_url}/deployments"


def _labels(item: Mapping[str, Any], repository: str) -> dict[str, str]:
    labels = {"repository": repository, "ref": optional_text(item, "ref"), "task": optional_text(item, "task")}
    for name in ("production_environment", "transient_environment"):
        if item.get(name) is True:
            labels[name] = "true"
    return {name: value for name, value in labels.items() if value}
