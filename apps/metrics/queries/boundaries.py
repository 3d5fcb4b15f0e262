"""When a series left its promise: the moment is in the samples, not in the time at which somebody looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach

# The first sample after the last good one. `sign` turns "at least" into "at most".
_FIRST = """
SELECT wanted.place, (
    SELECT min(bad.at) FROM metrics_sample bad
    WHERE bad.series_id = wanted.series_id AND bad.at <= wanted.end_at AND bad.at >= %(start)s AND bad.at > coalesce(
        (SELECT good.at FROM metrics_sample good
         WHERE good.series_id = wanted.series_id AND good.at > wanted.start_at AND good.at <= wanted.end_at
           AND good.at >= %(start)s AND good.value * wanted.sign <= wanted.bound * wanted.sign
         ORDER BY good.at DESC LIMIT 1),
        wanted.start_at)
)
FROM unnest(%(places)s::int[], %(series)s::bigint[], %(bounds)s::float8[], %(signs)s::float8[],
            %(starts)s::timestamptz[], %(ends)s::timestamptz[])
     AS wanted (place, series_id, bound, sign, start_at, end_at)
"""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A limit on one series, looked at from after `start` up to `end`."""

    series_id: int
    limit: float
    is_at_most: bool
    start: datetime
    end: datetime


def first_outside(*, boundaries: Sequence[Boundary]) -> list[datetime | None]:
    """When each series last left its limit for good, in the same order; None while its newest sample is inside."""
    if not boundaries:
        return []
    since = min(one.start for one in boundaries)
    values = {
        "places": list(range(len(boundaries))),
        "series": [one.series_id for one in boundaries],
        "bounds": [one.limit for one in boundaries],
        "signs": [1.0 if one.is_at_most else -1.0 for one in boundaries],
        "starts": [one.start for one in boundaries],
        "ends": [one.end for one in boundaries],
        "start": since,
    }
    reach = (Reach(one.series_id, one.start, one.end) for one in boundaries)
    return [at for _, at in sorted(packed.rows(_FIRST, values, since=since, reach=reach))]
