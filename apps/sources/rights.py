"""Which rights a source grants the connector: kept with its state, and told when one goes missing or comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.connectors.base import Scope
from apps.core.fitting import fit
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.sources.models import Source, SourceState

LONGEST_NAME = 120
MOST = 50  # rights of one source; more are a connector's mistake
FIELDS = ("scopes", "missing_scopes", "scopes_checked_at")


def note_rights(*, state: SourceState, source: Source, scopes: Sequence[Scope], at: datetime) -> list[NewEvent]:
    """The state after a look at the rights, not saved; one event for what went missing and one for what came back."""
    before = set(state.missing_scopes)
    rights = [_right(scope) for scope in scopes[:MOST]]
    missing = [right["name"] for right in rights if not right["is_granted"]]
    state.scopes, state.missing_scopes, state.scopes_checked_at = rights, missing, at
    granted = [right for right in rights if right["is_granted"] and right["name"] in before]
    lost = [right for right in rights if not right["is_granted"] and right["name"] not in before]
    events = []
    if lost:
        title = f"{source.name} does not grant {_names(lost)}"
        events.append(_event(source, at, "source:scope:missing", Tone.WARN, title, lost))
    if granted:
        title = f"{source.name} grants {_names(granted)} again"
        events.append(_event(source, at, "source:scope:granted", Tone.OK, title, granted))
    return events


def _right(scope: Scope) -> dict[str, Any]:
    return {"name": fit(scope.name, LONGEST_NAME), "why": fit(scope.why, 300), "is_granted": scope.is_granted}


def _names(rights: Sequence[dict[str, Any]]) -> str:
    return ", ".join(right["name"] for right in rights)


def _event(
    source: Source, at: datetime, kind: str, tone: Tone, title: str, rights: Sequence[dict[str, Any]]
) -> NewEvent:
    return NewEvent(
        kind=kind,
        at=at,
        title=title,
        tone=tone,
        detail="; ".join(f"{right['name']}: {right['why']}" for right in rights),
        is_demo=source.is_demo,
        environment_id=source.environment_id,
        source_id=source.pk,
        subject_kind="source",
        subject_id=source.pk,
        data={"scopes": [right["name"] for right in rights]},
        topics=("sources",),
    )
