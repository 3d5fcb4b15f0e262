"""Averages over stretches of time, for many series in one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.metrics.models import Series
from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach

WEEK: Final = timedelta(days=7)

# The outer bounds let the planner leave out partitions; the inner ones belong to the window.
_STATS = b"""
SELECT wanted.place, found.mean, found.low, found.high, found.last, found.last_at, found.count
FROM unnest(%(places)b::int[], %(series)b::bigint[], %(starts)b::timestamptz[], %(ends)b::timestamptz[])
     AS wanted (place, series_id, start_at, end_at)
CROSS JOIN LATERAL (
    SELECT avg(value) AS mean, min(value) AS low, max(value) AS high, max(at) AS last_at, count(*) AS count,
           (array_agg(value ORDER BY at DESC))[1] AS last
    FROM metrics_sample
    WHERE series_id = wanted.series_id AND at > wanted.start_at AND at <= wanted.end_at
      AND at > %(start)b AND at <= %(end)b
) AS found
WHERE found.count > 0
"""
_MEANS = """
SELECT series.feature_id, series.measure, avg(sample.value)
FROM metrics_series series JOIN metrics_sample sample ON sample.series_id = series.id
WHERE series.is_primary AND series.feature_id = ANY(%(features)s) AND series.measure = ANY(%(measures)s)
  AND sample.at > %(start)s AND sample.at <= %(end)s
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one series: after `start`, up to `end`."""

    series_id: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class WindowStats:
    """What a window holds; `count` samples, at least one."""

    mean: float
    low: float
    high: float
    last: float
    last_at: datetime
    count: int


def window_stats(*, windows: Sequence[Window]) -> list[WindowStats | None]:
    """One answer a window in the same order, None where it holds no sample; one query for all of them."""
    if not windows:
        return []
    since = min(window.start for window in windows)
    rows = packed.fetch(
        _STATS,
        {
            "places": list(range(len(windows))),
            "series": [window.series_id for window in windows],
            "starts": [window.start for window in windows],
            "ends": [window.end for window in windows],
            "start": since,
            "end": max(window.end for window in windows),
        },
        since=since,
        reach=(Reach(window.series_id, window.start, window.end) for window in windows),
    )
    found: list[WindowStats | None] = [None] * len(windows)
    for row in rows:
        place = row.pop("place")
        found[place] = WindowStats(**row)
    return found


def same_time_last_week(window: Window) -> Window:
    """The same stretch a week earlier, for "as usual"."""
    return Window(window.series_id, window.start - WEEK, window.end - WEEK)


def window_means(
    *, feature_ids: Collection[int], measures: Collection[str], start: datetime, end: datetime
) -> dict[tuple[int, str], float]:
    """(feature, measure) -> mean of its primary series over one stretch; what has no sample is missing."""
    values = {"features": list(feature_ids), "measures": list(measures), "start": start, "end": end}
    reach = primary_reach(feature_ids=feature_ids, measures=measures, start=start, end=end)
    found = packed.rows(_MEANS, values, since=start, reach=reach)
    return {(feature_id, measure): mean for feature_id, measure, mean in found}


def primary_reach(
    *, feature_ids: Collection[int], measures: Collection[str], start: datetime, end: datetime
) -> Iterator[Reach]:
    """One stretch of each primary series; asks only when somebody iterates."""
    rows = Series.objects.filter(is_primary=True, feature__in=feature_ids, measure__in=measures)
    for pk in rows.values_list("pk", flat=True):
        yield Reach(pk, start, end)
