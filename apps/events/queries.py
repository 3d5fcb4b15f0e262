"""Reads of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from apps.events.models import Event

AROUND = timedelta(minutes=30)


def known_keys(*, keys: Iterable[str]) -> set[str]:
    """Those of `keys` that the ledger has an event for already."""
    found = Event.objects.order_by().filter(dedupe_key__in=list(keys))
    return {key for key in found.values_list("dedupe_key", flat=True) if key}


def events() -> QuerySet[Event]:
    """The ledger with what a list shows beside each event, newest first."""
    return Event.objects.select_related("feature", "environment").order_by("-at", "-id")


def changes_between(
    *, start: datetime, end: datetime, feature_id: int | None = None, only_production: bool = False, limit: int = 60
) -> list[Event]:
    """The newest `limit` changes in a span, oldest first, for markers on charts."""
    rows = Event.objects.filter(is_change=True, at__gte=start, at__lte=end)
    if only_production:
        rows = rows.filter(Q(environment__is_production=True) | Q(environment=None))
    if feature_id is not None:
        rows = rows.filter(feature_id=feature_id)
    return list(rows.order_by("-at", "-id")[:limit])[::-1]


def events_around(*, event: Event, limit: int = 20) -> list[Event]:
    """What else happened within half an hour of `event`, to the same feature if it has one."""
    rows = events().filter(at__gte=event.at - AROUND, at__lte=event.at + AROUND).exclude(pk=event.pk)
    if event.feature_id:
        rows = rows.filter(feature_id=event.feature_id)
    return list(rows[:limit])


def events_of(*, subject_kind: str, subject_id: int, limit: int = 30) -> list[Event]:
    """The history of one subject, newest first."""
    return list(events().filter(subject_kind=subject_kind, subject_id=subject_id)[:limit])
