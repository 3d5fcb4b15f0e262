"""Series thinned to so many points, in the database: mean, lowest and highest of each stretch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from django.utils import timezone

from apps.core.ui.formats import DAY, HOUR
from apps.metrics.models import Series, SeriesKind
from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach
from apps.metrics.retention import sample_days

GAP_IN_STEPS: Final = 2.5
_GAUGE = """
SELECT series_id, at, value FROM metrics_sample
WHERE series_id = ANY(%(series)s) AND at >= %(start)s AND at < %(end)s
"""
# How much a counter grew a second since the sample before; after a reset it began at zero.
_COUNTER = """
SELECT series_id, at, seconds,
       CASE WHEN value >= before THEN value - before ELSE value END / seconds AS value
FROM (
    SELECT series_id, at, value, lag(value) OVER by_time AS before,
           extract(epoch FROM at - lag(at) OVER by_time)::float8 AS seconds
    FROM metrics_sample WHERE series_id = ANY(%(series)s) AND at >= %(start)s AND at < %(end)s
    WINDOW by_time AS (PARTITION BY series_id ORDER BY at)
) AS pairs WHERE before IS NOT NULL
"""
_BINNED = """
SELECT series_id, date_bin(make_interval(secs => %(step)s), at, %(start)s) AS bucket, {mean}, min(value),
       max(value), count(*)
FROM ({samples}) AS sample GROUP BY 1, 2 ORDER BY 1, 2
"""
_MEANS = {  # a rate counts for as long as it held, so a gap weighs what it lasted
    SeriesKind.GAUGE: "avg(value)",
    SeriesKind.COUNTER: "sum(value * seconds) / sum(seconds)",
}
# Hours or days that are over from their own rows, what came since from samples.
_ROLLED = """
SELECT series_id, date_bin(make_interval(secs => %(step)s), at, %(start)s) AS bucket, sum(total) / sum(count), min(low),
       max(high), sum(count)
FROM (
    SELECT series_id, at, total, low, high, count
    FROM unnest(%(series)s::bigint[], %(rolled)s::timestamptz[]) AS chosen (id, rolled)
    JOIN {table} ON series_id = chosen.id AND at >= %(start)s AND at < chosen.rolled
    UNION ALL
    SELECT series_id, at, value, value, value, 1
    FROM unnest(%(series)s::bigint[], %(rolled)s::timestamptz[]) AS chosen (id, rolled)
    JOIN metrics_sample ON series_id = chosen.id AND at >= chosen.rolled
    WHERE at >= %(since)s AND at < %(end)s
) AS stretch GROUP BY 1, 2 ORDER BY 1, 2
"""
# Every sample as it is; one more than wanted says that they are too many.
_EXACT = "SELECT series_id, at, value, value, value, 1 FROM ({samples}) AS sample ORDER BY at LIMIT %(most)s"
# Seconds, because reading an instant out of text takes many times as long as making one of a number.
_IN_SECONDS = """
SELECT series_id, extract(epoch FROM at)::float8, mean, low, high, count
FROM ({points}) AS point (series_id, at, mean, low, high, count) ORDER BY series_id, at
"""
_STEPS = """
SELECT series_id, floor(extract(epoch FROM at - %(start)s) / %(step)s)::int AS place, avg(value)
FROM metrics_sample WHERE series_id = ANY(%(series)s) AND at >= %(start)s AND at < %(end)s
GROUP BY series_id, place
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One stretch that begins at `at`; the extremes are kept so that a spike survives."""

    at: datetime
    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Points:
    """The stretches that hold samples, oldest first; `step` seconds each, and a hole when `gap` seconds are empty.

    `is_exact`: so few that every sample stands for itself, at its own time.
    """

    rows: list[Point] = field(default_factory=list)
    step: float = 0.0
    gap: float = 0.0
    is_exact: bool = False

    @property
    def mean(self) -> float | None:
        """Over all samples."""
        count = sum(row.count for row in self.rows)
        return sum(row.mean * row.count for row in self.rows) / count if count else None


def series_points(*, series: Series, start: datetime, end: datetime, buckets: int = 240) -> Points:
    """The series from `start` to `end` in at most `buckets` stretches; empty ones are missing.

    Where there are at most two samples a stretch, the samples themselves.
    """
    step = (end - start).total_seconds() / buckets
    if series.step_seconds and series.step_seconds > step / 2:
        values = {"series": [series.pk], "start": start, "end": end, "most": 2 * buckets + 1}
        reach = [Reach(series.pk, start, end)]
        rows = _rows(_EXACT.format(samples=_samples(series.kind)), values, reach).get(series.pk, [])
        if len(rows) <= 2 * buckets:
            return Points(rows, series.step_seconds, GAP_IN_STEPS * series.step_seconds, is_exact=True)
    return points_of(series=[series], start=start, end=end, buckets=buckets)[series.pk]


def points_of(*, series: Collection[Series], start: datetime, end: datetime, buckets: int = 240) -> dict[int, Points]:
    """Every one of `series` in at most `buckets` stretches, in at most three queries however many they are.

    Stretches of two hours and more are whole hours from a full hour on, so that hours rolled up fit into them; the
    longest are whole UTC days.
    """
    step = max(1, ceil((end - start).total_seconds() / buckets))
    found: dict[int, Points] = {}
    counters = [one for one in series if one.kind == SeriesKind.COUNTER]
    gauges = [one for one in series if one.kind != SeriesKind.COUNTER]
    is_long = step >= 2 * HOUR or (timezone.now() - start).days >= sample_days()  # older than the samples
    rolled = [one for one in gauges if is_long and one.rolled_until and one.rolled_until > start]
    plain = [one for one in gauges if one not in rolled]
    for kind, rows in ((SeriesKind.COUNTER, counters), (SeriesKind.GAUGE, plain)):
        statement = _BINNED.format(samples=_samples(kind), mean=_MEANS[kind])
        reach = [Reach(one.pk, start, end) for one in rows]
        found |= _points(statement, rows, float(step), {"start": start, "end": end}, reach)
    table, width = ("metrics_day", DAY) if step > 20 * HOUR else ("metrics_hour", HOUR)
    return found | _from_rows(table, rolled, ceil(step / width) * width, width, start, end)


def _from_rows(
    table: str, series: Collection[Series], step: int, width: int, start: datetime, end: datetime
) -> dict[int, Points]:
    """Points from rows of `width` seconds each, as far as they are true and whole."""
    until = [_down(min(one.rolled_until or start, end), width) for one in series]
    values = {"start": _down(start, width), "end": end, "rolled": until, "since": min(until, default=start)}
    reach = [Reach(one.pk, rolled, end) for one, rolled in zip(series, until, strict=True)]
    return _points(_ROLLED.format(table=table), series, float(step), values, reach)


def _down(at: datetime, width: int) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // width * width, at.tzinfo)


def _points(
    statement: str, series: Collection[Series], step: float, values: dict[str, Any], reach: list[Reach]
) -> dict[int, Points]:
    if not series:
        return {}
    rows = _rows(statement, values | {"series": [one.pk for one in series], "step": step}, reach)
    return {
        one.pk: Points(rows.get(one.pk, []), step, GAP_IN_STEPS * max(step, one.step_seconds or 0.0)) for one in series
    }


def _samples(kind: str) -> str:
    return _COUNTER if kind == SeriesKind.COUNTER else _GAUGE


def _rows(statement: str, values: dict[str, Any], reach: list[Reach]) -> dict[int, list[Point]]:
    found: dict[int, list[Point]] = {}
    inside = _IN_SECONDS.format(points=statement)
    for series_id, seconds, *row in packed.rows(inside, values, since=min(one.start for one in reach), reach=reach):
        found.setdefault(series_id, []).append(Point(datetime.fromtimestamp(seconds, UTC), *row))
    return found


def step_averages(
    *, series_ids: Collection[int], start: datetime, step: timedelta, steps: int
) -> dict[int, dict[int, float]]:
    """series -> place of the step -> mean, over `steps` steps from `start`; one query, empty steps missing."""
    end = start + step * steps
    values = {"series": list(series_ids), "start": start, "end": end, "step": step.total_seconds()}
    found: dict[int, dict[int, float]] = {}
    reach = (Reach(pk, start, end) for pk in series_ids)
    for series_id, place, mean in packed.rows(_STEPS, values, since=start, reach=reach):
        found.setdefault(series_id, {})[place] = mean
    return found
