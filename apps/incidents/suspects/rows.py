"""What is read of the records, before anything is concluded from it; times in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One event of the ledger that changed something. `thing` is what was changed: the place, the label, the flag."""

    key: str
    event_id: int
    kind: str  # of the event
    thing: str
    at: float
    title: str
    what: str = ""  # the source's own word for a reported change
    before: str = ""
    after: str = ""
    component_id: int | None = None
    component_kind: str = ""
    feature_id: int | None = None
    is_elsewhere: bool = False
    actor: str = ""
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run; `state` is the portal's word."""

    id: int
    pipeline_id: int
    pipeline: str
    state: str
    started_at: float | None
    finished_at: float | None
    scheduled_for: float | None = None
    component_id: int | None = None
    feature_id: int | None = None
    is_elsewhere: bool = False
    error: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert on something that the affected features need but that is not theirs."""

    id: int
    title: str
    opened_at: float
    resolved_at: float | None
    component_id: int | None
    component_kind: str
    feature_id: int | None = None
    is_elsewhere: bool = False
    url: str = ""
