"""Percentiles of single observations over any stretch, from sketches and the samples that have none yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from apps.metrics.models import Series
from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach
from apps.metrics.sketches import KEY_SQL, Sketch, from_row

# Whole days and hours from their rows, the two ends and what is not rolled up yet from samples.
_SKETCH: Final = f"""
SELECT array_agg(key ORDER BY key), array_agg(count ORDER BY key)
FROM (
    SELECT key, sum(count)::bigint AS count
    FROM (
        SELECT bin.key, bin.count FROM metrics_day day, unnest(day.bins, day.counts) AS bin (key, count)
        WHERE day.series_id = %(series)s AND day.at >= %(first_day)s AND day.at < %(last_day)s
        UNION ALL
        SELECT bin.key, bin.count FROM metrics_hour hour, unnest(hour.bins, hour.counts) AS bin (key, count)
        WHERE hour.series_id = %(series)s AND hour.at >= %(first_hour)s AND hour.at < %(last_hour)s
          AND NOT (hour.at >= %(first_day)s AND hour.at < %(last_day)s)
        UNION ALL
        SELECT {KEY_SQL.format(value="value")}, 1 FROM metrics_sample
        WHERE series_id = %(series)s AND at >= %(start)s AND at < %(end)s
          AND NOT (at >= %(first_hour)s AND at < %(last_hour)s)
    ) AS told GROUP BY key
) AS added
"""  # noqa: S608 - constant text


def sketch_between(*, series: Series, start: datetime, end: datetime) -> Sketch:
    """What was observed from `start` to `end`, in one query whose cost follows the days, not the samples."""
    rolled = min(end, series.rolled_until or start)
    first_hour, last_hour = _up(start, 3600), _down(rolled, 3600)
    first_day, last_day = _up(start, 86_400), _down(rolled, 86_400)
    values: dict[str, Any] = {
        "series": series.pk,
        "start": start,
        "end": end,
        "first_hour": first_hour,
        "last_hour": max(first_hour, last_hour),
        "first_day": first_day,
        "last_day": max(first_day, last_day),
    }
    edges = ((start, first_hour), (max(first_hour, last_hour), end))
    reach = (Reach(series.pk, *edge) for edge in edges)
    [(keys, counts)] = packed.rows(_SKETCH, values, since=start, reach=reach)
    return from_row(keys, counts)


def _down(at: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, at.tzinfo)


def _up(at: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(-(-at.timestamp() // seconds) * seconds, at.tzinfo)
