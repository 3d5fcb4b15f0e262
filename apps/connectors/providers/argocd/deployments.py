"""From an application's history and its latest operation to deployments; pure.

A sync that goes through becomes an entry of the history that tells when its operation started. So the start, with
the application's uid, is the identity of a deployment from its first second to its last. A dry run or a sync of
chosen resources never enters the history and is no deployment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from apps.connectors.providers.argocd.normalize import App, describe_source, revision_of, sources_of
from apps.connectors.records import DeploymentRecord, DeploymentState, Kind, Rejected
from apps.connectors.values import (
    UnreadableError,
    first_line,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
)

_PHASES = {
    "Running": DeploymentState.RUNNING,
    "Terminating": DeploymentState.RUNNING,
    "Succeeded": DeploymentState.SUCCEEDED,
    "Failed": DeploymentState.FAILED,
    "Error": DeploymentState.FAILED,
}
AUTO_SYNC = "auto-sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """`history`: number of the entry -> deployment, oldest first. `operation`: the latest, unless history has it."""

    history: Mapping[int, DeploymentRecord]
    operation: DeploymentRecord | None
    rejected: Mapping[int, Rejected]  # by the number of the entry

    @property
    def last_number(self) -> int:
        """The number of the newest entry, readable or not; -1 without any."""
        return max((*self.history, *self.rejected), default=-1)

    @property
    def newest(self) -> list[DeploymentRecord]:
        """The deployments that may still change: the last of the history, and the operation.

        While a sync goes on the last one is left alone: the images already belong to the next.
        """
        operation = [self.operation] if self.operation else []
        if self.is_moving or not self.history:
            return operation
        return [self.history[max(self.history)], *operation]

    @property
    def is_moving(self) -> bool:
        """Whether a sync goes on."""
        return self.operation is not None and self.operation.state is DeploymentState.RUNNING


def read_deployments(app: App) -> Deployments:
    """Every deployment that the application still shows."""
    history: dict[int, DeploymentRecord] = {}
    rejected: dict[int, Rejected] = {}
    operation = _operation(app)
    live: list[str] = []  # revisions in the order they went live
    for entry in app.history:
        revision = revision_of(entry)
        try:
            history[entry["id"]] = _past(app, entry, is_rollback=is_return(live, revision))
        except UnreadableError as error:
            reason = f"history entry {entry['id']}: {error}"
            rejected[entry["id"]] = Rejected(
                kind=Kind.DEPLOYMENT, external_id=f"{app.uid}/{entry['id']}", reason=reason, raw=entry
            )
        live.append(revision)
    known = {record.external_id: number for number, record in history.items()}
    if operation is not None and operation.external_id in known:
        number = known[operation.external_id]
        by = history[number].deployed_by or operation.deployed_by
        history[number], operation = replace(history[number], deployed_by=by), None
    elif operation is not None:
        operation = replace(operation, is_rollback=is_return(live, operation.revision))
    found = Deployments(history=history, operation=operation, rejected=rejected)
    if history and app.images and not found.is_moving:
        last = max(history)
        history[last] = replace(history[last], labels={**history[last].labels, "images": app.images})
    return found


def is_return(live: Sequence[str], revision: str) -> bool:
    """Whether `revision` was live before another one that it now replaces."""
    return bool(live) and live[-1] != revision and revision in live


def _past(app: App, entry: Mapping[str, Any], *, is_rollback: bool) -> DeploymentRecord:
    finished_at = from_iso(entry.get("deployedAt"))
    started_at = optional_iso(entry.get("deployStartedAt"))
    return DeploymentRecord(
        external_id=identity(app.uid, started_at) if started_at else f"{app.uid}/{entry['id']}",
        raw={"history": entry, "metadata": app.item.get("metadata"), "spec": app.item.get("spec")},
        component=app.component,
        environment=app.environment,
        revision=_revision(entry),
        state=DeploymentState.SUCCEEDED,
        raw_state="Succeeded",
        started_at=started_at or finished_at,
        updated_at=finished_at,
        finished_at=finished_at,
        deployed_by=_initiator(entry.get("initiatedBy")),
        description=_description(entry),
        is_rollback=is_rollback,
        url=app.url,
        labels={**app.labels, **_source_labels(entry), "history_id": str(entry["id"])},
    )


def _operation(app: App) -> DeploymentRecord | None:
    """The latest operation as a deployment; None when it is none, or does not yet say what it deploys."""
    state = object_or_empty(app.status.get("operationState"))
    operation = object_or_empty(state.get("operation"))
    sync, result = object_or_empty(operation.get("sync")), object_or_empty(state.get("syncResult"))
    told = result if revision_of(result) else sync
    is_partial = bool(list_or_empty(sync.get("resources"))) or sync.get("dryRun") is True
    try:
        started_at, finished_at = from_iso(state.get("startedAt")), optional_iso(state.get("finishedAt"))
    except UnreadableError:
        return None
    if "sync" not in operation or is_partial or not revision_of(told):
        return None
    phase = optional_text(state, "phase")
    mapped = _PHASES.get(phase, DeploymentState.UNKNOWN)
    is_over = mapped is not DeploymentState.RUNNING
    return DeploymentRecord(
        external_id=identity(app.uid, started_at),
        raw={"operationState": state, "metadata": app.item.get("metadata"), "spec": app.item.get("spec")},
        component=app.component,
        environment=app.environment,
        revision=revision_of(told),
        state=mapped,
        raw_state=phase,
        started_at=started_at,
        updated_at=max(started_at, finished_at or started_at),
        finished_at=finished_at if is_over else None,
        deployed_by=_initiator(operation.get("initiatedBy")),
        description=first_line(state.get("message")) or _description(told),
        url=app.url,
        labels={**app.labels, **_source_labels(told or sync)},
    )


def identity(uid: str, started_at: datetime) -> str:
    """The external id of the deployment that an application began then."""
    return f"{uid}/{started_at:%Y%m%dT%H%M%SZ}"


def _revision(entry: Mapping[str, Any]) -> str:
    if revision := revision_of(entry):
        return revision
    raise UnreadableError("revision is missing")


def _initiator(value: Any) -> str:
    by = object_or_empty(value)
    return optional_text(by, "username") or (AUTO_SYNC if by.get("automated") is True else "")


def _description(result: Mapping[str, Any]) -> str:
    return "; ".join(describe_source(source) for source in sources_of(result))[:2000]


def _source_labels(result: Mapping[str, Any]) -> dict[str, str]:
    """repository, path, chart and target_revision; those of several sources joined."""
    names = {"repository": "repoURL", "path": "path", "chart": "chart", "target_revision": "targetRevision"}
    sources = sources_of(result)
    labels = {label: _joined(optional_text(source, key) for source in sources) for label, key in names.items()}
    return {label: text for label, text in labels.items() if text}


def _joined(texts: Any) -> str:
    return ", ".join(dict.fromkeys(text for text in texts if text))[:512]
