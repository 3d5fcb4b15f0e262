"""The small pictures of lists: one measure of many features, in one statement that reads a bounded number of pages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from apps.metrics.queries import packed
from apps.metrics.queries.windows import primary_reach

SAMPLES_A_BUCKET: Final = 12  # the newest of each stretch: enough for a shape, however much was measured
_POINTS = """
SELECT series.feature_id, bucket.place, found.mean
FROM metrics_series series
CROSS JOIN (
    SELECT place, %(start)s + place * make_interval(secs => %(step)s) AS begins,
           %(start)s + (place + 1) * make_interval(secs => %(step)s) AS ends
    FROM generate_series(0, %(buckets)s - 1) AS place
) AS bucket
CROSS JOIN LATERAL (
    SELECT avg(value) AS mean FROM (
        SELECT value FROM metrics_sample
        WHERE series_id = series.id AND at > %(start)s AND at <= %(end)s
          AND at > bucket.begins AND at <= bucket.ends
        ORDER BY at DESC LIMIT %(samples)s
    ) AS newest
) AS found
WHERE series.is_primary AND series.feature_id = ANY(%(features)s) AND series.measure = %(measure)s
  AND found.mean IS NOT NULL
"""


def sparkline_points(
    *, feature_ids: Collection[int], measure: str, start: datetime, end: datetime, buckets: int = 24
) -> dict[int, list[float | None]]:
    """feature -> `buckets` means, oldest first, None where nothing was measured; a feature without any is missing."""
    step = (end - start).total_seconds() / buckets
    found: dict[int, list[float | None]] = {}
    values = {
        "features": list(feature_ids),
        "measure": measure,
        "start": start,
        "end": end,
        "step": step,
        "buckets": buckets,
        "samples": SAMPLES_A_BUCKET,
    }
    reach = primary_reach(feature_ids=feature_ids, measures=[measure], start=start, end=end)
    for feature_id, place, mean in packed.rows(_POINTS, values, since=start, reach=reach):
        found.setdefault(feature_id, [None] * buckets)[place] = mean
    return found
