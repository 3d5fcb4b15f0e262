"""Reads of alerts."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apps.events import queries as events
from apps.events.models import Event
from apps.monitors.models import Alert
from apps.monitors.status import AlertState

BEFORE = timedelta(hours=1)  # how far before an alert a change is worth a look
_URGENT = ("page", "critical", "sev1", "error")
_LESS = ("ticket", "warning", "warn", "sev2")


def alerts() -> QuerySet[Alert]:
    """Every alert with what a list shows beside it."""
    return Alert.objects.select_related("feature", "environment", "source").defer("labels", "inputs")


def open_alerts(*, feature_id: int | None = None, limit: int = 100) -> list[Alert]:
    """What is open now: firing before pending, the urgent first, then the newest."""
    rows = alerts().filter(resolved_at=None)
    if feature_id is not None:
        rows = rows.filter(feature_id=feature_id)
    ranked = rows.annotate(
        urgency=Case(
            When(state=AlertState.PENDING, then=Value(3)),
            When(severity__in=_URGENT, then=Value(0)),
            When(severity__in=_LESS, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
    )
    return list(ranked.order_by("urgency", "-opened_at", "-id")[:limit])


def severities() -> list[tuple[str, str]]:
    """The severities that sources use, for a filter."""
    found = Alert.objects.order_by("severity").values_list("severity", flat=True).distinct()
    return [(word, word) for word in found if word]


def get_alert(*, alert_id: int) -> Alert:
    """One alert with everything that its page shows; raises Alert.DoesNotExist."""
    rows = alerts().defer(None).select_related("feature__team", "monitor__series")
    return rows.get(pk=alert_id)


def similar_alerts(*, alert: Alert, limit: int = 6) -> list[Alert]:
    """Other alerts of the same feature that opened before this one, newest first."""
    if alert.feature_id is None:
        return []
    rows = alerts().filter(feature_id=alert.feature_id, opened_at__lt=alert.opened_at)
    return list(rows.exclude(source_id=alert.source_id, external_id=alert.external_id).order_by("-opened_at")[:limit])


def episodes(*, alert: Alert, limit: int = 10) -> list[Alert]:
    """The same alert at other times, newest first."""
    rows = alerts().filter(source_id=alert.source_id, external_id=alert.external_id).exclude(pk=alert.pk)
    return list(rows.order_by("-opened_at", "-id")[:limit])


def changes_before(*, alert: Alert) -> list[Event]:
    """What changed in the hour before it opened, to its feature if it has one, newest first.

    How it is watched counts as no change.
    """
    start, end = alert.opened_at - BEFORE, alert.opened_at
    found = events.changes_between(start=start, end=end, feature_id=alert.feature_id, limit=24)[::-1]
    return [event for event in found if not event.kind.startswith("monitors:")][:12]
