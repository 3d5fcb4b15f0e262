"""From a status page's incidents and components to alerts and series: pure, and a bad item is rejected alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.connectors.providers.statuspage.page import Page, affected, updates
from apps.connectors.records import AlertRecord, AlertState, Kind, Listing, Rejected, SeriesRecord
from apps.connectors.values import (
    UnreadableError,
    first_line,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    required_text,
    stable_id,
)

LEVELS = {  # how bad it is; the page's own order
    "operational": 0,
    "under_maintenance": 1,
    "degraded_performance": 2,
    "partial_outage": 3,
    "major_outage": 4,
}
OVER = ("resolved", "postmortem")  # any other word (investigating, identified, monitoring …) is not over


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component as it is now; `level` is an entry of LEVELS."""

    external_id: str
    name: str
    group: str
    status: str
    level: int
    raw: Mapping[str, Any]


def read_incidents(items: Sequence[Any], *, page: Page) -> tuple[list[AlertRecord], list[Rejected]]:
    """The incidents that concern us as alerts."""

    def read(item: Mapping[str, Any]) -> AlertRecord | None:
        return _alert(item, page=page) if page.concerns_us(item) else None

    found, rejected = read_items(items, read, kind=Kind.ALERT, id_key="id")
    return [record for record in found if record is not None], rejected


def complete_listing(items: Sequence[Any], *, page: Page) -> tuple[Listing, ...]:
    """The ids of the incidents that are not over; none when one of them showed no identity."""
    found = [object_or_empty(item) for item in items]
    identities = [optional_text(item, "id") for item in found if page.concerns_us(item)]
    return (Listing(kind=Kind.ALERT, external_ids=frozenset(identities)),) if all(identities) else ()


def read_components(items: Sequence[Any], *, page: Page) -> tuple[list[Component], list[Rejected]]:
    """The components that we follow, without the groups that only hold others."""
    groups = {optional_text(item, "id"): optional_text(item, "name") for item in map(object_or_empty, items)}
    single = [item for item in items if not object_or_empty(item).get("group")]

    def read(item: Mapping[str, Any]) -> Component | None:
        name, status = required_text(item, "name"), required_text(item, "status")
        if not page.follows(name):
            return None
        if status not in LEVELS:
            raise UnreadableError(f"“{status[:60]}” is no status of a component")
        return Component(
            external_id=required_text(item, "id"),
            name=name,
            group=groups.get(optional_text(item, "group_id"), ""),
            status=status,
            level=LEVELS[status],
            raw=item,
        )

    found, rejected = read_items(single, read, kind=Kind.SERIES, id_key="id")
    return [component for component in found if component is not None], rejected


def series_of(component: Component, *, page: Page, at: datetime) -> SeriesRecord:
    """How bad a component is at a time, from 0 (operational) to 4 (major outage). No measure fits: it is no share."""
    labels = {"page": page.name, "service": component.name, "group": component.group}
    return SeriesRecord(
        external_id=stable_id("component", component.external_id),
        raw=component.raw,
        name=f"{page.name}: {component.name}"[:512],
        unit="level",
        labels={name: value for name, value in labels.items() if value},
        samples=((at, float(component.level)),),
    )


def _alert(item: Mapping[str, Any], *, page: Page) -> AlertRecord:
    status = required_text(item, "status")
    newest = next(iter(updates(item)), {})
    labels = {
        "page": page.name,
        "affected": ", ".join(affected(item)),
        "impact": optional_text(item, "impact"),
        "status": status,
    }
    return AlertRecord(
        external_id=required_text(item, "id"),
        raw=item,
        name=f"{page.name}: {required_text(item, 'name')}"[:300],
        state=AlertState.RESOLVED if status in OVER else AlertState.FIRING,
        severity=optional_text(item, "impact", limit=40),
        started_at=from_iso(item.get("started_at") or item.get("created_at")),
        summary=first_line(newest.get("body")),
        labels={name: value[:512] for name, value in labels.items() if value},
        url=page.link(item),
    )


def open_items(summary: Mapping[str, Any]) -> list[Any]:
    """The incidents of a summary; maintenance is not among them, but a page may list what is over for a moment."""
    items = list_or_empty(summary.get("incidents"))
    return [item for item in items if object_or_empty(item).get("status") not in OVER]
