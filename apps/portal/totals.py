"""One number for all features together: averages over a span and points over time, from the primary series.

Hours that are over are read from their roll-ups; samples are read only for what no whole hour covers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import ceil
from typing import Any, Final

from apps.core.ui.formats import HOUR
from apps.metrics.measures import measure
from apps.metrics.models import Series
from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach

# `first` to `last`: the whole hours of the span that may come from roll-ups, as far as the series has them.
_STRETCHES: Final = """
  FROM (SELECT series.id, series.measure, series.feature_id, series.unit,
               greatest(%(first)s, least(coalesce(series.rolled_until, %(first)s), %(last)s)) AS rolled
          FROM metrics_series series
          JOIN catalog_feature feature ON feature.id = series.feature_id AND NOT feature.is_retired
         WHERE series.is_primary AND series.measure = ANY(%(measures)s)) AS series
 CROSS JOIN LATERAL (
    SELECT at, value AS total, 1 AS count FROM metrics_sample
     WHERE series_id = series.id AND at >= %(start)s AND at < %(first)s
    UNION ALL
    SELECT at, total, count FROM metrics_hour WHERE series_id = series.id AND at >= %(first)s AND at < series.rolled
    UNION ALL
    SELECT at, value, 1 FROM metrics_sample
     WHERE series_id = series.id AND at >= %(first)s AND at >= series.rolled AND at < %(end)s
 ) AS stretch
"""
_MEANS: Final = f"""
SELECT series.measure, series.feature_id, sum(total) / sum(count), max(series.unit) {_STRETCHES}
 GROUP BY series.measure, series.feature_id
"""
_POINTS: Final = """
SELECT extract(epoch FROM bucket)::float8, {combine}(mean) FROM (
    SELECT date_bin(make_interval(secs => %(step)s), at, %(start)s) AS bucket, sum(total) / sum(count) AS mean
    {stretches} GROUP BY bucket, series.feature_id
) AS feature GROUP BY bucket ORDER BY bucket
"""


def totals(*, measures: Iterable[str], start: datetime, end: datetime) -> dict[str, tuple[float, str]]:
    """measure -> (one number for all features over the span, its unit); a measure without samples is missing."""
    values: dict[str, list[float]] = defaultdict(list)
    units: dict[str, str] = {}
    first = min(_hour(start, ceil(start.timestamp() / HOUR)), end)
    last = max(first, _hour(end, int(end.timestamp() // HOUR)))
    for slug, _feature, mean, unit in _read(
        _MEANS, {"measures": list(measures), "start": start, "end": end, "first": first, "last": last}
    ):
        values[slug].append(mean)
        units[slug] = unit
    return {slug: (_combined(slug, found), measure(slug).unit_for(units[slug])) for slug, found in values.items()}


def total_points(*, slug: str, start: datetime, end: datetime, buckets: int) -> list[tuple[float, float]]:
    """(epoch seconds, one number for all features) a bucket, oldest first; empty buckets are missing.

    Buckets of an hour and more are whole hours from a full hour on, so that hours rolled up fit into them.
    """
    step = max(1.0, (end - start).total_seconds() / buckets)
    last = start
    if step >= HOUR:
        step = float(ceil(step / HOUR) * HOUR)
        start = _hour(start, int(start.timestamp() // HOUR))
        last = max(start, _hour(end, int(end.timestamp() // HOUR)))
    statement = _POINTS.format(combine="sum" if measure(slug).combine == "sum" else "avg", stretches=_STRETCHES)
    asked = {"measures": [slug], "start": start, "end": end, "first": start, "last": last, "step": step}
    return _read(statement, asked)


def _combined(slug: str, values: list[float]) -> float:
    """Amounts add up; everything else is the mean of the features, so that no slow one hides the others."""
    return sum(values) if measure(slug).combine == "sum" else sum(values) / len(values)


def _hour(like: datetime, number: int) -> datetime:
    """The full hour with this number since 1970, in the zone of `like`."""
    return datetime.fromtimestamp(number * HOUR, like.tzinfo)


def _read(statement: str, values: dict[str, Any]) -> list[Any]:
    return packed.rows(statement, values, since=values["start"], reach=_reach(values))


def _reach(values: dict[str, Any]) -> Iterator[Reach]:
    """What is read from samples: before the first whole hour, and after the last that is rolled up."""
    rows = Series.objects.filter(is_primary=True, measure__in=values["measures"], feature__is_retired=False)
    first, last = values["first"], values["last"]
    for pk, rolled_until in rows.values_list("pk", "rolled_until"):
        yield Reach(pk, values["start"], first)
        yield Reach(pk, max(first, min(rolled_until or first, last)), values["end"])
