"""Reads of monitors."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from apps.metrics.models import Series, SeriesKind
from apps.monitors.models import Monitor, Silencing
from apps.monitors.status import MonitorState

_ORDER = (
    MonitorState.ALERTING,
    MonitorState.MISCONFIGURED,
    MonitorState.WARNING,
    MonitorState.NOT_EVALUATED,
    MonitorState.FINE,
    MonitorState.SWITCHED_OFF,
)


def monitors() -> QuerySet[Monitor]:
    """Every monitor with what a list shows beside it; `trouble` orders the worst first."""
    worst = [When(condition__state=state, then=Value(place)) for place, state in enumerate(_ORDER)]
    rows = Monitor.objects.select_related("series__feature__team", "series__source", "condition")
    rows = rows.defer("condition__memory", "series__labels")
    return rows.annotate(trouble=Case(*worst, default=Value(len(_ORDER)), output_field=IntegerField()))


def series_to_watch() -> QuerySet[Series]:
    """What a monitor may watch: gauges with samples, those that speak for a feature first."""
    rows = Series.objects.filter(last_at__isnull=False, kind=SeriesKind.GAUGE).select_related("feature", "source")
    return rows.order_by("-is_primary", "feature__name", "measure", "name")


def series_to_count() -> QuerySet[Series]:
    """What may count events: everything with samples, counters and what belongs to a feature first."""
    rows = Series.objects.filter(last_at__isnull=False).select_related("feature", "source")
    return rows.order_by("kind", F("feature__name").asc(nulls_last=True), "name")


def silencings_of(*, monitor: Monitor, at: datetime) -> list[Silencing]:
    """What keeps a monitor quiet now or later, the soonest first."""
    mine = Q(monitor=monitor)
    if monitor.series.feature_id:
        mine |= Q(feature_id=monitor.series.feature_id)
    return list(Silencing.objects.filter(mine, lifted_at=None, ends_at__gt=at).order_by("starts_at"))
