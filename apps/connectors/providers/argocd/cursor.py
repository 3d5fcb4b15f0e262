"""What an Argo CD source remembers between fetches: of every application how far it was told, in a few characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.connectors.records import DeploymentRecord, DeploymentState
from apps.connectors.values import (
    UnreadableError,
    as_labels,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_text,
)

MOST_APPS = 3_000  # more are told again at every poll, which stores nothing twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told of one application.

    `number` is the last entry of its history, `digest` stands for the deployments that may still change, `switches`
    counts how often automatic sync was seen switched. `open` is the deployment that was not over, as JSON.
    """

    number: int
    digest: str
    is_automatic: bool
    switches: int = 0
    open: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> list[Any]:
        """JSON types for the cursor."""
        known = [self.number, self.digest, int(self.is_automatic), self.switches]
        return [*known, dict(self.open)] if self.open else known


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`by_project`: the whole list was too large once, so it is asked for project by project."""

    apps: Mapping[str, Told] = field(default_factory=dict)
    by_project: bool = False

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means telling again."""
        entries = {uid: _told(entry) for uid, entry in object_or_empty(cursor.get("apps")).items()}
        known = {uid: told for uid, told in entries.items() if told is not None}
        return cls(apps=known, by_project=cursor.get("by_project") is True)

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        kept = sorted(self.apps.items())[:MOST_APPS]
        return {"apps": {uid: told.dump() for uid, told in kept}, "by_project": self.by_project}


def _told(entry: Any) -> Told | None:
    match list_or_empty(entry):
        case [int(number), str(digest), int(is_automatic), int(switches), *more]:
            rest = object_or_empty(more[0]) if more else {}
            return Told(number=number, digest=digest, is_automatic=bool(is_automatic), switches=switches, open=rest)
        case _:
            return None


def remember_open(record: DeploymentRecord | None) -> dict[str, Any]:
    """What is needed to end this deployment should its end never be seen; {} when it is over."""
    if record is None or record.state is not DeploymentState.RUNNING:
        return {}
    return {
        "id": record.external_id,
        "component": record.component,
        "environment": record.environment,
        "revision": record.revision,
        "started_at": record.started_at.isoformat(),
        "url": record.url,
        "labels": dict(record.labels),
    }


def lost(saved: Mapping[str, Any], *, now: datetime) -> DeploymentRecord | None:
    """The remembered deployment as one whose end nobody saw; None when it cannot be read."""
    try:
        started_at = from_iso(saved.get("started_at"))
    except UnreadableError:
        return None
    return DeploymentRecord(
        external_id=optional_text(saved, "id"),
        raw=saved,
        component=optional_text(saved, "component"),
        environment=optional_text(saved, "environment"),
        revision=optional_text(saved, "revision"),
        state=DeploymentState.UNKNOWN,
        raw_state="replaced",
        started_at=started_at,
        updated_at=now,
        finished_at=now,
        description="Another operation began, or the application was deleted, before the end of this one was seen.",
        url=optional_text(saved, "url", limit=1000),
        labels=as_labels(saved.get("labels")),
    )
