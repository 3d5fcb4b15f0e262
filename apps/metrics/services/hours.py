"""Hours and days that are over, one row each: charts of a month read hundreds of rows in place of tens of thousands.

`Series.rolled_until` says how far the rows are true; a late or corrected sample moves it back, so the next round does
those hours again, and their days, and charts read samples until then. Both levels can be done again at any time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import connection, transaction

from apps.metrics.measures import OBSERVED
from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach
from apps.metrics.retention import day_days, hour_days
from apps.metrics.sketches import KEY_SQL

CLOSED_AFTER: Final = timedelta(minutes=5)  # late samples of the hour have mostly come by then
_SERIES_A_ROUND: Final = 200
_DAYS_A_ROUND: Final = 10
_CHOOSE = """
SELECT id, date_trunc('hour', coalesce(rolled_until, first_at), 'UTC') AS begins
FROM metrics_series
WHERE last_at IS NOT NULL AND kind = 'gauge'
  AND date_trunc('hour', coalesce(rolled_until, first_at), 'UTC') < least(%(closed)s, last_at)
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_WANTED = """
SELECT sample.series_id, date_trunc('hour', sample.at, 'UTC') AS hour, sample.at, sample.value
FROM unnest(%(ids)s::bigint[], %(begins)s::timestamptz[]) AS chosen (id, begins)
JOIN metrics_sample sample ON sample.series_id = chosen.id AND sample.at >= chosen.begins
     AND sample.at < least(chosen.begins + %(span)s, %(closed)s)
WHERE sample.at >= %(first)s AND sample.at < %(closed)s
"""
# The newest value is the largest (time, value); sorting all of them would take longer.
_ROLL = f"""
INSERT INTO metrics_hour AS known (series_id, at, count, total, low, high, last)
SELECT series_id, hour, count(*), sum(value), min(value), max(value),
       (max(ARRAY[extract(epoch FROM at)::float8, value]))[2]
FROM ({_WANTED}) AS wanted
GROUP BY 1, 2
ON CONFLICT (series_id, at) DO UPDATE
SET count = excluded.count, total = excluded.total, low = excluded.low, high = excluded.high, last = excluded.last
"""  # noqa: S608 - constant text
_SKETCH = f"""
UPDATE metrics_hour AS known SET bins = sketch.bins, counts = sketch.counts
FROM (
    SELECT series_id, hour, array_agg(key ORDER BY key) AS bins, array_agg(count ORDER BY key) AS counts
    FROM (
        SELECT series_id, hour, {KEY_SQL.format(value="value")} AS key, count(*) AS count
        FROM ({_WANTED}) AS wanted
        WHERE series_id IN (SELECT id FROM metrics_series WHERE id = ANY(%(ids)s) AND measure = ANY(%(observed)s))
        GROUP BY 1, 2, 3
    ) AS binned GROUP BY 1, 2
) AS sketch
WHERE known.series_id = sketch.series_id AND known.at = sketch.hour
"""  # noqa: S608 - constant text
# Days are added up from their hours, the last one as far as it has come; sketches add up bin by bin.
_ROLL_DAYS = """
INSERT INTO metrics_day AS known (series_id, at, count, total, low, high, last, bins, counts)
SELECT summed.series_id, summed.day, summed.count, summed.total, summed.low, summed.high, summed.last,
       sketch.bins, sketch.counts
FROM (
    SELECT series_id, date_trunc('day', at, 'UTC') AS day, sum(count) AS count, sum(total) AS total, min(low) AS low,
           max(high) AS high, (max(ARRAY[extract(epoch FROM at)::float8, last]))[2] AS last
    FROM unnest(%(ids)s::bigint[], %(begins)s::timestamptz[]) AS chosen (id, begins)
    JOIN metrics_hour ON series_id = chosen.id AND at >= date_trunc('day', chosen.begins, 'UTC')
         AND at < date_trunc('day', least(chosen.begins + %(span)s, %(closed)s), 'UTC') + interval '1 day'
    GROUP BY 1, 2
) AS summed
LEFT JOIN LATERAL (
    SELECT array_agg(key ORDER BY key) AS bins, array_agg(count ORDER BY key) AS counts
    FROM (
        SELECT bin.key, sum(bin.count)::bigint AS count
        FROM metrics_hour hour, unnest(hour.bins, hour.counts) AS bin (key, count)
        WHERE hour.series_id = summed.series_id AND hour.at >= summed.day AND hour.at < summed.day + interval '1 day'
        GROUP BY bin.key
    ) AS added
) AS sketch ON true
ON CONFLICT (series_id, at) DO UPDATE
SET count = excluded.count, total = excluded.total, low = excluded.low, high = excluded.high, last = excluded.last,
    bins = excluded.bins, counts = excluded.counts
"""
_REMEMBER = """
UPDATE metrics_series series SET rolled_until = least(chosen.begins + %(span)s, %(closed)s)
FROM unnest(%(ids)s::bigint[], %(begins)s::timestamptz[]) AS chosen (id, begins) WHERE series.id = chosen.id
"""


def roll_up_hours(*, at: datetime, seconds: float = 20.0) -> int:
    """Roll up what is over, for at most so many seconds; returns how many stretches of series were done."""
    ends, done = monotonic() + seconds, 0
    while monotonic() < ends:
        count = _round(at)
        done += count
        if not count:
            break
    return done


def forget_old(*, at: datetime) -> int:
    """Remove the hours and days that are no longer kept; how many rows went."""
    gone = 0
    with connection.cursor() as cursor:
        for statement, days in (
            ("DELETE FROM metrics_hour WHERE at < %s", hour_days()),
            ("DELETE FROM metrics_day WHERE at < %s", day_days()),
        ):
            cursor.execute(statement, [at - timedelta(days=days)])
            gone += int(cursor.rowcount)
    return gone


def _round(at: datetime) -> int:
    closed = (at - CLOSED_AFTER).replace(minute=0, second=0, microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CHOOSE, {"closed": closed, "limit": _SERIES_A_ROUND})
        chosen = cursor.fetchall()
        if not chosen:
            return 0
        ids, begins = (list(column) for column in zip(*chosen, strict=True))
        span = timedelta(days=_DAYS_A_ROUND)
        values: dict[str, Any] = {"ids": ids, "begins": begins, "first": min(begins), "closed": closed, "span": span}
        values["observed"] = list(OBSERVED)
        reach = [Reach(pk, begin, min(begin + span, closed)) for pk, begin in zip(ids, begins, strict=True)]
        for statement in (_ROLL, _SKETCH):
            packed.rows(statement, values, since=min(begins), reach=reach)
        for statement in (_ROLL_DAYS, _REMEMBER):
            cursor.execute(statement, values)
        return len(chosen)
