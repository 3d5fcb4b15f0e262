"""Pictures of monitors and objectives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from apps.core.ui.charts import Band, Limit, Line, LineChart
from apps.metrics import queries as metrics
from apps.metrics.models import Series
from apps.metrics.queries import Point
from apps.monitors.models import Backtest, Monitor, Slo

_STRETCHES = 240


def monitor_chart(*, monitor: Monitor, alerts: Sequence[Any], at: datetime, zone: tzinfo) -> LineChart:
    """The last day of what it watches, its levels, and when it alerted."""
    start = at - timedelta(days=1)
    bands = [
        (one.opened_at.timestamp(), (one.resolved_at or at).timestamp())
        for one in alerts
        if (one.resolved_at or at) > start
    ]
    return _chart(
        f"monitor-{monitor.pk}", monitor.series, monitor.kind, monitor.parameters, bands, start=start, end=at, zone=zone
    )


def backtest_chart(*, test: Backtest, zone: tzinfo) -> LineChart:
    """The past that was tried, with a band for every time it would have alerted."""
    start = test.created_at - timedelta(days=test.days)
    end = test.finished_at or test.created_at
    bands = [(one["start"], one["end"] or end.timestamp()) for one in test.episodes]
    name = f"backtest-{test.pk}"
    return _chart(name, test.series, test.kind, test.parameters, bands, start=start, end=end, zone=zone)


def budget_chart(*, slo: Slo, days: Sequence[tuple[datetime, float, float]], at: datetime, zone: tzinfo) -> LineChart:
    """What was left of the budget at the end of each day, as a share of what the whole period allows."""
    all_total = sum(total for _, _, total in days)
    allowed, bad, left = (1 - slo.objective / 100) * all_total, 0.0, []
    for day, good, total in days:
        bad += total - good
        left.append((min(day + timedelta(days=1), at).timestamp(), 1 - bad / allowed if allowed else 1.0))
    words = f"{left[-1][1]:.0%} of the budget is left at the end." if left else "Nothing was measured yet."
    return LineChart(
        id=f"slo-{slo.pk}",
        title=f"Error budget of {slo.name}, last {slo.days} days",
        description=words,
        lines=[Line("Budget left", left, gap=3 * 86_400)],
        start=(at - timedelta(days=slo.days)).timestamp(),
        end=at.timestamp(),
        unit="ratio",
        limits=[Limit(0.0, "Used up")],
        zone=zone,
    )


def _chart(
    name: str,
    series: Series,
    kind: str,
    parameters: dict[str, Any],
    bands: Sequence[tuple[float, float]],
    *,
    start: datetime,
    end: datetime,
    zone: tzinfo,
) -> LineChart:
    points = metrics.series_points(series=series, start=start, end=end, buckets=_STRETCHES)
    limits = []
    if kind == "threshold":
        limits = [Limit(parameters["alert"], "Alert")] if parameters.get("alert") is not None else []
        limits += [Limit(parameters["warn"], "Warning")] if parameters.get("warn") is not None else []
    elif kind == "burn" and parameters.get("limit") is not None:
        limits = [Limit(parameters["limit"], "Good or bad")]
    span = max(60.0, (end - start).total_seconds() / 300)  # so that a short alert can be seen
    low = start.timestamp()
    what = series.entry.label if series.measure else "Value"
    what += {"above": ", highest of each stretch", "below": ", lowest of each stretch"}.get(
        str(parameters.get("direction")), ""
    )
    return LineChart(
        id=name,
        title=f"{series.entry.label if series.measure else series.name[:80]}, {start:%d %b} to {end:%d %b}",
        description=f"{len(bands)} times beyond the rule." if bands else "Never beyond the rule.",
        lines=[Line(what, _samples(points.rows, parameters.get("direction")), gap=points.gap)],
        start=low,
        end=end.timestamp(),
        unit=series.shown_unit,
        bands=[Band(max(low, first), max(last, first + span)) for first, last in bands if last > low],
        limits=limits,
        zone=zone,
        from_zero=False,
    )


def _samples(rows: Sequence[Point], direction: Any) -> list[tuple[float, float]]:
    """What the rule is about: the worst of each stretch where it has a direction, else the mean."""
    name = {"above": "high", "below": "low"}.get(str(direction), "mean")
    return [(row.at.timestamp(), getattr(row, name)) for row in rows]
