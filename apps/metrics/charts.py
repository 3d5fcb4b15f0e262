"""Charts of series as plain data: the story, the stretch before, the promise, every change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import accumulate

import numpy as np
from django.urls import reverse

from apps.catalog.models import Promise
from apps.core.ui import formats
from apps.core.ui.charts import Limit, Line, LineChart, Mark
from apps.core.ui.sampling import Sample
from apps.metrics.markers import LOOKS
from apps.metrics.measures import Measure
from apps.metrics.models import Series
from apps.metrics.queries import CostRow, Marker, Markers, Point, Points
from apps.metrics.ranges import Span

_SPIKE = 2.0  # times the usual distance between the lowest and the highest of a stretch


def series_chart(
    *,
    series: Series,
    span: Span,
    points: Points,
    before: Points | None,
    markers: Markers,
    promise: Promise | None,
    zone: tzinfo,
    height: int = 200,
    sync: str = "",
) -> LineChart:
    """The chart of one series over `span`; `before` is the stretch to compare with, at its own times.

    Charts of one `sync` share their cursor and the list of marks on their page.
    """
    entry, unit = series.entry, series.shown_unit
    whose = str(series.feature) if series.feature and series.is_primary else series.name
    lines = [Line(_name(span), samples(points), gap=points.gap)]
    if before and before.rows:
        earlier = samples(before)
        lines.insert(0, Line(span.than, earlier, role="previous", shift=span.shift.total_seconds(), gap=before.gap))
    return LineChart(
        id=f"series-{series.pk}",
        title=f"{entry.label}, {whose}, {span.label}",
        description=in_words(points.rows, entry, unit),
        lines=lines,
        start=span.start.timestamp(),
        end=span.end.timestamp(),
        unit=unit,
        marks=[mark(one) for one in markers.rows],
        marks_left_out=markers.left_out,
        marks_url=_changes_url(series, span, zone),
        names_marks=not sync,
        limits=[Limit(promise.limit, f"Our promise: {entry.text(promise.limit, series.unit)}")] if promise else [],
        height=height,
        sync=sync,
        zone=zone,
        from_zero=unit not in ("ratio", "of 5"),
    )


def cost_chart(*, row: CostRow, first: datetime, at: datetime, markers: Markers, zone: tzinfo) -> LineChart:
    """The month of one feature added up, its forecast as a second line, and its budget."""
    unit, entry = row.series.unit, row.series.entry
    spent = list(accumulate((day.cost for day in row.days), initial=0.0))
    ends = [first.timestamp(), *(min(_end_of(day.on), at.timestamp()) for day in row.days)]
    lines = [Line("So far", list(zip(ends, spent, strict=True)), gap=0.0)]
    coming = row.forecast.path if row.forecast else ()
    if coming:
        course = [(at.timestamp(), spent[-1]), *((_end_of(on), total) for on, total in coming)]
        lines.append(Line("Forecast", course, role="second", gap=0.0))
    limits = [Limit(row.budget.amount, "Budget")] if row.budget_share is not None and row.budget else []
    told = f"{formats.number_text(spent[-1], unit)} so far"
    return LineChart(
        id="cost-course",
        title=f"{entry.label} of {row.series.feature}, added up",
        description=f"{told}, {formats.number_text(coming[-1][1], unit)} forecast." if coming else f"{told}.",
        lines=lines,
        start=first.timestamp(),
        end=max([at.timestamp(), *(_end_of(on) for on, _ in coming)]),
        unit=unit,
        marks=[mark(one) for one in markers.rows],
        marks_left_out=markers.left_out,
        limits=limits,
        zone=zone,
    )


def _end_of(day: date) -> float:
    """The end of a UTC day in epoch seconds."""
    return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()


def samples(points: Points) -> list[Sample]:
    """One mean a stretch, in its middle, and beside it whatever sticks out of the stretch: no spike disappears."""
    rows = points.rows
    if points.is_exact:
        return [(row.at.timestamp(), row.mean) for row in rows]
    means, lows, highs = (np.array([getattr(row, name) for row in rows]) for name in ("mean", "low", "high"))
    usual = float(np.median(highs - lows)) if rows else 0.0
    limits = np.maximum(_SPIKE * usual, np.abs(means) * 1e-6)
    if not (np.maximum(highs - means, means - lows) > limits).any():
        return [(row.at.timestamp() + points.step / 2, row.mean) for row in rows]
    found: list[Sample] = []
    for row, following in zip(rows, [*rows[1:], *rows[-1:]], strict=True):
        begin, far = row.at.timestamp(), max(_SPIKE * usual, abs(row.mean) * 1e-6)
        values = [row.mean]
        values += [row.high] if row.high - row.mean > far else []
        values += [row.low] if row.mean - row.low > far else []
        if len(values) == 3:  # a step or a swing: the line passes through both ends on its way to what follows
            values = sorted(values[1:], reverse=following.mean < row.mean)
        width = points.step / (len(values) + 1)
        found += [(begin + width * (place + 1), value) for place, value in enumerate(values)]
    return found


def mark(one: Marker) -> Mark:
    """How an event stands on a chart."""
    return Mark(one.at.timestamp(), LOOKS[one.family].mark, one.title, one.url, is_back=one.is_rollback)


def in_words(rows: Sequence[Point], entry: Measure, unit: str) -> str:
    """What one would see."""
    if not rows:
        return "No sample lies in this stretch of time."
    low, high = min(row.low for row in rows), max(row.high for row in rows)
    told = [formats.number_text(value, unit) for value in (low, high, rows[-1].mean)]
    return f"{entry.label}: between {told[0]} and {told[1]}, {told[2]} at the end."


def _changes_url(series: Series, span: Span, zone: tzinfo) -> str:
    """The list of changes from the day on which the chart begins."""
    since = f"since={span.start.astimezone(zone):%Y-%m-%d}"
    feature = f"&feature={series.feature.slug}" if series.feature else ""
    return f"{reverse('events:event-list')}?{since}{feature}"


def _name(span: Span) -> str:
    return f"{span.label[:1].upper()}{span.label[1:]}"
