"""What a status page announces, as changes: each update of an incident, and the three steps of a maintenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from apps.connectors.providers.statuspage.page import Page, affected, updates
from apps.connectors.records import ChangeRecord, Kind, Rejected
from apps.connectors.values import (
    MAX_NAME,
    MAX_TEXT,
    UnreadableError,
    from_iso,
    optional_iso,
    optional_text,
    read_items,
    required_text,
)

_BEGUN = ("in_progress", "verifying", "completed")
_WORDS = {"announced": "is announced", "started": "has begun", "finished": "is finished"}


class _ChangesOf(Protocol):
    def __call__(self, item: Mapping[str, Any], *, page: Page, since: datetime) -> list[ChangeRecord]: ...


def read_updates(items: Sequence[Any], *, page: Page, since: datetime) -> tuple[list[ChangeRecord], list[Rejected]]:
    """The updates of incidents that were written since; an update has an id of its own and is told once."""
    return _read(items, _updates, page=page, since=since)


def read_maintenances(
    items: Sequence[Any], *, page: Page, since: datetime
) -> tuple[list[ChangeRecord], list[Rejected]]:
    """Announced, started and finished, as far as the maintenance has come, each when it happened since."""
    return _read(items, _steps, page=page, since=since)


def _read(
    items: Sequence[Any], changes_of: _ChangesOf, *, page: Page, since: datetime
) -> tuple[list[ChangeRecord], list[Rejected]]:
    def read(item: Mapping[str, Any]) -> list[ChangeRecord]:
        return changes_of(item, page=page, since=since) if page.concerns_us(item) else []

    found, rejected = read_items(items, read, kind=Kind.CHANGE, id_key="id")
    return [change for changes in found for change in changes], rejected


def _updates(item: Mapping[str, Any], *, page: Page, since: datetime) -> list[ChangeRecord]:
    identity, name = required_text(item, "id"), required_text(item, "name")
    changes, before = [], ""
    for update in reversed(updates(item)):
        status = required_text(update, "status")
        written = from_iso(update.get("created_at"))
        if written >= since:
            changes.append(
                ChangeRecord(
                    external_id=f"incident:{identity}:{required_text(update, 'id')}",
                    raw=update,
                    what="incident",
                    title=f"{page.name}: {name}: {_plain(status)}"[:MAX_NAME],
                    at=optional_iso(update.get("display_at")) or written,
                    detail=optional_text(update, "body", limit=MAX_TEXT),
                    before=_plain(before),
                    after=_plain(status),
                    url=page.link(item),
                    labels=_labels(item, page),
                )
            )
        before = status
    return changes


def _steps(item: Mapping[str, Any], *, page: Page, since: datetime) -> list[ChangeRecord]:
    status = required_text(item, "status")
    begins, ends = from_iso(item.get("scheduled_for")), optional_iso(item.get("scheduled_until"))
    steps = {"announced": from_iso(item.get("created_at"))}
    if status in _BEGUN:
        steps["started"] = _first_time(item, "in_progress") or optional_iso(item.get("started_at")) or begins
    if status == "completed":
        steps["finished"] = _first_time(item, "completed") or _end(item, ends)
    return [_step(item, step, at, page=page) for step, at in steps.items() if at >= since]


def _step(item: Mapping[str, Any], step: str, at: datetime, *, page: Page) -> ChangeRecord:
    begins, ends = from_iso(item.get("scheduled_for")), optional_iso(item.get("scheduled_until"))
    span = f"Planned from {_minute(begins)}" + (f" until {_minute(ends)}." if ends else ".")
    names = affected(item)
    touched = f" Affects {', '.join(names)}." if names else ""
    return ChangeRecord(
        external_id=f"maintenance:{required_text(item, 'id')}:{step}",
        raw=item,
        what="maintenance",
        title=f"{page.name}: maintenance {_WORDS[step]}: {required_text(item, 'name')}"[:MAX_NAME],
        at=at,
        detail=f"{span}{touched}"[:MAX_TEXT],
        after=step,
        url=page.link(item),
        labels=_labels(item, page),
    )


def _first_time(item: Mapping[str, Any], status: str) -> datetime | None:
    times = [
        optional_iso(update.get("display_at")) or from_iso(update.get("created_at"))
        for update in updates(item)
        if update.get("status") == status
    ]
    return min(times, default=None)


def _end(item: Mapping[str, Any], planned: datetime | None) -> datetime:
    end = optional_iso(item.get("resolved_at")) or planned
    if end is None:
        raise UnreadableError("it is completed, but no time says when")
    return end


def _labels(item: Mapping[str, Any], page: Page) -> dict[str, str]:
    names = ", ".join(affected(item))[:MAX_NAME]
    labels = {"page": page.name, "affected": names, "impact": optional_text(item, "impact")}
    return {name: value for name, value in labels.items() if value}


def _plain(status: str) -> str:
    return status.replace("_", " ")


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
