"""The timeline: what people wrote and what the ledger knows, on one axis, in lanes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from apps.core.ui.status import StatusLook
from apps.events.models import Event
from apps.incidents.models import Incident, TimelineEntry
from apps.incidents.queries.gathering import surroundings
from apps.incidents.status import EntryKind
from apps.incidents.stretch import Stretch

BEFORE: Final = timedelta(hours=2)
AFTER: Final = timedelta(hours=1)
MOST: Final = 400
LANES: Final = {
    "people": "People",
    "changes": "Changes",
    "pipelines": "Pipelines",
    "alerts": "Alerts and health",
    "incident": "This incident",
}
_QUIET: Final = ("incidents:entry:written", "pipelines:run:started", "pipelines:run:succeeded")
_OF_PREFIX: Final = {"pipelines:": "pipelines", "monitors:": "alerts", "health:": "alerts", "incidents:": "incident"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    until: datetime | None
    lane: str
    title: str
    note: str
    who: str
    tone: str
    glyph: str
    is_key: bool
    url: str = ""
    entry: TimelineEntry | None = None
    event_id: int | None = None


def timeline_of(
    *,
    incident: Incident,
    at: datetime,
    lanes: Collection[str] = (),
    key_only: bool = False,
    stretch: Stretch | None = None,
) -> list[Moment]:
    """From two hours before the impact to one after the end, oldest first; at most 400 events of the ledger.

    With a stretch what lies in it, also when that is before or after the incident.
    """
    whole = stretch or whole_of(incident, at)
    entries = list(incident.entries.all())
    pinned = {entry.event_id for entry in entries if entry.event_id}
    found = [_written(entry) for entry in entries if stretch is None or stretch.start <= entry.at <= stretch.end]
    found += [_happened(event) for event in _events(incident, whole) if event.pk not in pinned]
    if lanes:
        found = [one for one in found if one.lane in lanes]
    if key_only:
        found = [one for one in found if one.is_key]
    return sorted(found, key=lambda one: (one.at, one.title))


def whole_of(incident: Incident, at: datetime) -> Stretch:
    """The incident with some time before and after."""
    return Stretch(incident.impact_started_at - BEFORE, (incident.resolved_at or at) + AFTER)


def _events(incident: Incident, stretch: Stretch) -> list[Event]:
    features = [feature.pk for feature in incident.features.all()]
    needed = surroundings(feature_ids=features).needed
    placed = Q(feature__in=features) | Q(component__in=needed) | Q(subject_kind="incident", subject_id=incident.pk)
    rows = Event.objects.filter(placed, at__gte=stretch.start, at__lte=stretch.end).exclude(kind__in=_QUIET)
    return list(rows.order_by("-at", "-pk")[:MOST])


def _written(entry: TimelineEntry) -> Moment:
    kind = EntryKind(entry.kind)
    look: StatusLook = kind.look
    return Moment(
        at=entry.at,
        until=entry.until,
        lane=_lane_of(entry),
        title=entry.text,
        note="",
        who=entry.author,
        tone=look.tone,
        glyph=look.glyph,
        is_key=entry.is_pinned or kind in (EntryKind.STATE, EntryKind.DECISION, EntryKind.SYMPTOM),
        entry=entry,
        event_id=entry.event_id,
    )


def _lane_of(entry: TimelineEntry) -> str:
    """What the portal itself noted of an event is no word of people."""
    if entry.kind in (EntryKind.STATE, EntryKind.ROLE):
        return "incident"
    if entry.event_id is None or entry.user_id is not None:
        return "people"
    return "changes" if entry.kind == EntryKind.ACTION else "alerts"


def _happened(event: Event) -> Moment:
    lane = next((lane for prefix, lane in _OF_PREFIX.items() if event.kind.startswith(prefix)), "changes")
    return Moment(
        at=event.at,
        until=None,
        lane=lane,
        title=event.title,
        note=event.note,
        who=event.actor,
        tone=event.tone_class,
        glyph=event.glyph,
        is_key=lane == "changes" if event.is_change else lane != "incident" and event.tone == "bad",
        url=event.get_absolute_url(),
        event_id=event.pk,
    )
