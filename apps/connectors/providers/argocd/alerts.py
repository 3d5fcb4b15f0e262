"""From an application's three axes (health, sync, last operation) to alerts; pure.

Health, sync and operation are independent of each other: a healthy application may be out of sync, and a synced one
degraded. Each has its own alert, and every alert carries all three words as labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apps.connectors.providers.argocd.normalize import App, first_time
from apps.connectors.records import AlertRecord, AlertState
from apps.connectors.values import (
    UnreadableError,
    first_line,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
)

_HEALTH = {"Degraded": "ticket", "Missing": "ticket"}
_SYNC = {"OutOfSync": "info", "Unknown": "ticket"}  # Unknown: Argo CD cannot compare, for example a broken repository
_PHASES = {"Failed", "Error"}
_OF_SYNC = ("ComparisonError", "InvalidSpecError", "UnknownError")


def read_alerts(app: App, *, now: datetime, with_sync: bool = True) -> list[AlertRecord]:
    """The open alerts of one application; `now` is their begin where Argo CD tells none."""
    found = [*_health(app, now), *_operation(app, now)]
    return [*found, *_sync(app, now)] if with_sync else found


def _health(app: App, now: datetime) -> Iterator[AlertRecord]:
    health = object_or_empty(app.status.get("health"))
    word = optional_text(health, "status")
    if word in _HEALTH:
        summary = first_line(health.get("message")) or f"Argo CD calls the health of {app.component} {word}."
        since = first_time(_time(health.get("lastTransitionTime")), now)
        yield _alert(app, "health", word, severity=_HEALTH[word], summary=summary, since=since or now)


def _sync(app: App, now: datetime) -> Iterator[AlertRecord]:
    word = optional_text(object_or_empty(app.status.get("sync")), "status")
    if word not in _SYNC:
        return
    kind, message, since = _condition(app)
    is_moving = optional_text(object_or_empty(app.status.get("operationState")), "phase") in ("Running", "Terminating")
    state = AlertState.PENDING if is_moving and word == "OutOfSync" else AlertState.FIRING
    said = f"{kind}: {message}" if message else ""
    missing = f"Argo CD cannot compare {app.component} with its source."
    plain = f"{app.component} differs from its source." if word == "OutOfSync" else missing
    summary = said or plain
    name = "sync unknown" if word == "Unknown" else word
    yield _alert(app, "sync", name, severity=_SYNC[word], summary=summary, since=since or now, state=state)


def _operation(app: App, now: datetime) -> Iterator[AlertRecord]:
    state = object_or_empty(app.status.get("operationState"))
    word = optional_text(state, "phase")
    if word in _PHASES:
        summary = first_line(state.get("message")) or f"The last sync of {app.component} ended as {word}."
        since = first_time(_time(state.get("finishedAt")), _time(state.get("startedAt")), now)
        yield _alert(app, "operation", "sync failed", severity="ticket", summary=summary, since=since or now)


def _condition(app: App) -> tuple[str, str, datetime | None]:
    """(type, first line, since when) of the condition that explains the sync, or blanks."""
    for condition in map(object_or_empty, list_or_empty(app.status.get("conditions"))):
        if (kind := optional_text(condition, "type")) in _OF_SYNC:
            return kind, first_line(condition.get("message")), _time(condition.get("lastTransitionTime"))
    return "", "", None


def _alert(
    app: App,
    axis: str,
    word: str,
    *,
    severity: str,
    summary: str,
    since: datetime,
    state: AlertState = AlertState.FIRING,
) -> AlertRecord:
    axes = {
        "health": optional_text(object_or_empty(app.status.get("health")), "status"),
        "sync": optional_text(object_or_empty(app.status.get("sync")), "status"),
        "operation": optional_text(object_or_empty(app.status.get("operationState")), "phase"),
    }
    place = {"component": app.component, "environment": app.environment, "application": app.component}
    labels = {**{name: value for name, value in place.items() if value}, **app.labels, **axes}
    return AlertRecord(
        external_id=f"{app.uid}/{axis}",
        raw={"axes": axes, "conditions": app.status.get("conditions"), "metadata": app.item.get("metadata")},
        name=f"{app.component} {word}",
        state=state,
        severity=severity,
        started_at=since,
        summary=summary,
        labels={name: value for name, value in labels.items() if value},
        url=app.url,
    )


def _time(value: Any) -> datetime | None:
    try:
        return optional_iso(value)
    except UnreadableError:
        return None
