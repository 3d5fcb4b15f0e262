"""Samples of one series, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from apps.metrics.models import Sample, Series, SeriesKind
from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach
from apps.metrics.retention import packed_before

_CHUNK = 5000
_STRETCH: Final = timedelta(days=8)  # so much of what may be packed is held at a time
_OLD = """
SELECT extract(epoch FROM at)::float8, value FROM metrics_sample
WHERE series_id = %(series)s AND at > %(start)s AND at <= %(end)s ORDER BY at
"""
_COUNTS = """
SELECT to_timestamp(floor(extract(epoch FROM at) / %(step)s) * %(step)s) AS begins,
       count(*) FILTER (WHERE CASE WHEN %(above)s THEN value <= %(limit)s ELSE value >= %(limit)s END), count(*)
FROM metrics_sample WHERE series_id = %(series)s AND at >= %(start)s AND at <= %(end)s
GROUP BY 1 ORDER BY 1
"""
# What a counter grew since the sample before, all of it after a reset; other series tell so many a sample.
_EVENTS = """
SELECT to_timestamp(floor(extract(epoch FROM at) / %(step)s) * %(step)s) AS begins,
       least(coalesce(sum(amount) FILTER (WHERE series_id = %(good)s), 0),
             sum(amount) FILTER (WHERE series_id = %(total)s)) AS good,
       sum(amount) FILTER (WHERE series_id = %(total)s) AS total
FROM (
    SELECT series_id, at, CASE WHEN NOT series_id = ANY(%(counters)s::bigint[]) THEN value
                               WHEN before IS NULL THEN 0
                               WHEN value >= before THEN value - before ELSE value END AS amount
    FROM (
        SELECT series_id, at, value, lag(value) OVER (PARTITION BY series_id ORDER BY at) AS before
        FROM metrics_sample
        WHERE series_id = ANY(%(series)s::bigint[]) AND at >= %(first)s AND at <= %(end)s
    ) AS pairs
) AS told
WHERE at >= %(start)s
GROUP BY 1 HAVING sum(amount) FILTER (WHERE series_id = %(total)s) > 0 ORDER BY 1
"""
_BEFORE: Final = timedelta(days=1)  # so far back a counter's sample before is looked for


def samples_between(*, series_id: int, after: datetime, until: datetime) -> Iterator[tuple[float, float]]:
    """(seconds since 1970, value) after `after` up to `until`, oldest first; memory stays flat."""
    hot = packed_before(timezone.now())
    while after < min(hot, until):
        end = min(after + _STRETCH, hot, until)
        values = {"series": series_id, "start": after, "end": end}
        for at, value in packed.rows(_OLD, values, since=after, reach=[Reach(series_id, after, end)]):
            yield at, value
        after = end
    rows = Sample.objects.filter(series_id=series_id, at__gt=after, at__lte=until).order_by("at")
    for at, value in rows.values_list("at", "value").iterator(chunk_size=_CHUNK):
        yield at.timestamp(), value


def last_sample_at(*, series_id: int, until: datetime) -> datetime | None:
    """When the newest sample up to `until` was."""
    rows = Sample.objects.filter(series_id=series_id, at__lte=until).order_by("-at")
    newest = rows.values_list("at", flat=True).first()
    if newest is not None and newest >= packed_before(timezone.now()):
        return newest
    found = [newest, packed.newest_packed(series_id=series_id, until=until)]
    return max((at for at in found if at is not None), default=None)


def stretch_counts(
    *, series_id: int, limit: float, is_bad_above: bool, start: datetime, end: datetime, step: int = 3600
) -> list[tuple[datetime, int, int]]:
    """(beginning of the stretch, good, all) for each stretch of `step` seconds with samples, oldest first."""
    values: dict[str, Any] = {
        "series": series_id,
        "limit": limit,
        "above": is_bad_above,
        "start": start,
        "end": end,
        "step": step,
    }
    rows: list[Any] = packed.rows(_COUNTS, values, since=start, reach=[Reach(series_id, start, end)])
    return rows


def event_counts(
    *, good: Series, total: Series, start: datetime, end: datetime, step: int = 3600
) -> list[tuple[datetime, float, float]]:
    """(beginning of the stretch, good events, all events) for each stretch of `step` seconds with events, oldest first.

    Never more good ones than all.
    """
    first = start - _BEFORE
    both = [good.pk, total.pk]
    values: dict[str, Any] = {
        "series": both,
        "counters": [one.pk for one in (good, total) if one.kind == SeriesKind.COUNTER],
        "good": good.pk,
        "total": total.pk,
        "first": first,
        "start": start,
        "end": end,
        "step": step,
    }
    rows: list[Any] = packed.rows(_EVENTS, values, since=first, reach=[Reach(pk, first, end) for pk in both])
    return rows
