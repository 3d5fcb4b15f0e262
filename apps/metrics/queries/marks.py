"""What changed or broke around a feature, for the marks on its charts; bounded however much happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.urls import reverse

from apps.metrics.markers import LOOKS, TROUBLES, MarkFamily, family_of, is_rollback, is_sequel

SHOWN: Final = 60
CHANGES_READ: Final = 300
EVENTS_LOOKED_AT: Final = 3000  # of the feature, to find its trouble among its ordinary runs
# 1. changes of the feature  2. those of everybody: freezes, and what providers report  3. trouble of the feature
_MARKS = """
SELECT event.id, event.at, event.kind, event.title, event.is_change, event.data->>'what', component.kind, event.actor,
       event.environment_id, event.data->>'before', event.data->>'after'
FROM (
    (SELECT * FROM events_event
     WHERE feature_id = %(feature)s AND is_change AND at >= %(start)s AND at <= %(end)s
     ORDER BY at DESC, id DESC LIMIT %(changes)s)
    UNION ALL
    (SELECT * FROM (
        SELECT * FROM events_event
        WHERE feature_id IS NULL AND is_change AND at >= %(start)s AND at <= %(end)s
        ORDER BY at DESC, id DESC LIMIT %(changes)s
     ) AS everybody
     WHERE kind LIKE 'deployments:freeze:%%' OR data->>'what' IN ('maintenance', 'incident'))
    UNION ALL
    (SELECT * FROM (
        SELECT * FROM events_event
        WHERE feature_id = %(feature)s AND at >= %(start)s AND at <= %(end)s
        ORDER BY at DESC, id DESC LIMIT %(looked_at)s
     ) AS recent
     WHERE NOT is_change AND (kind = ANY(%(troubles)s) OR kind LIKE 'incidents:incident:%%')
     LIMIT %(changes)s)
) AS event LEFT JOIN catalog_component component ON component.id = event.component_id
ORDER BY event.at, event.id
"""


@dataclass(frozen=True, slots=True)
class Marker:
    """One event with a mark."""

    event_id: int
    at: datetime
    title: str
    family: MarkFamily
    is_rollback: bool
    is_change: bool
    actor: str = ""
    what: str = ""
    environment_id: int | None = None

    @property
    def url(self) -> str:
        """The page of the change."""
        return reverse("events:event-detail", args=[self.event_id])

    @property
    def family_label(self) -> str:
        """The family in words."""
        return LOOKS[self.family].label


@dataclass(frozen=True, slots=True)
class Markers:
    """The newest of the wanted families, oldest first; how many got no mark; how many each family has."""

    rows: list[Marker] = field(default_factory=list)
    left_out: int = 0
    counts: dict[MarkFamily, int] = field(default_factory=dict)


def markers_between(
    *,
    feature_id: int,
    start: datetime,
    end: datetime,
    families: Collection[MarkFamily] = frozenset(MarkFamily),
    limit: int = SHOWN,
) -> Markers:
    """What to mark on a feature's charts, in one bounded query; trouble beyond its newest 3,000 events is not seen."""
    values: dict[str, Any] = {
        "feature": feature_id,
        "start": start,
        "end": end,
        "changes": CHANGES_READ,
        "looked_at": EVENTS_LOOKED_AT,
        "troubles": list(TROUBLES),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MARKS, values)
        found = [marker for row in cursor.fetchall() if (marker := _marker(*row))]
    wanted = [marker for marker in found if marker.family in families]
    return Markers(wanted[-limit:], max(0, len(wanted) - limit), dict(Counter(marker.family for marker in found)))


def _marker(event_id: int, at: datetime, kind: str, title: str, is_change: bool, *more: Any) -> Marker | None:
    what, component_kind, actor, environment_id, before, after = more
    family = family_of(kind, what=what or "", component_kind=component_kind or "", is_change=is_change)
    if family is None or is_sequel(family, before=before or "", after=after or ""):
        return None
    back = is_rollback(kind, title)
    return Marker(event_id, at, title, family, back, is_change, actor, what or "", environment_id)
