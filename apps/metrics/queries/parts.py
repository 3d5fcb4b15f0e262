"""The series of a feature, whole and in parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.metrics.measures import MEASURES
from apps.metrics.models import Series
from apps.metrics.queries.points import Points, points_of
from apps.metrics.splits import ENVIRONMENT, SPLITS, Split, others

SPARK: Final = 40
READ: Final = 2000  # series of one feature; with more, somebody puts user ids into labels


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a measure: the phones of its wait. Means over the stretch and over the one before."""

    value: str
    series: Series
    mean: float | None
    before: float | None
    spark: list[float | None]


def feature_series(*, feature_id: int) -> list[Series]:
    """Every described series of a feature, those that speak for it first."""
    rows = Series.objects.filter(feature_id=feature_id, measure__in=MEASURES).select_related(
        "source", "feature", "environment"
    )
    return list(rows.order_by("-is_primary", "id")[:READ])


def possible_splits(series: Iterable[Series]) -> list[tuple[Split, int]]:
    """Every way to split with how many values its series know; 0 when nobody sends the label."""
    rows = list(series)
    return [(split, len({value for one in rows if (value := part_of(one, split))})) for split in _all()]


def part_of(series: Series, split: Split) -> str:
    """What a series is part of."""
    if split is ENVIRONMENT:
        return series.environment.name if series.environment else ""
    return split.value(series.labels)


def parts(
    *, series: Collection[Series], split: Split, start: datetime, end: datetime, earlier: datetime | None
) -> dict[str, list[Part]]:
    """measure -> its parts in alphabetical order; `earlier` begins the stretch to compare with."""
    chosen: dict[tuple[str, str], Series] = {}
    for one in sorted(series, key=lambda row: (others(row.labels, split), row.pk)):
        if value := part_of(one, split):
            chosen.setdefault((one.measure, value), one)
    drawn = points_of(series=list(chosen.values()), start=start, end=end, buckets=SPARK)
    before: dict[int, Points] = {}
    if earlier is not None:
        span = end - start
        before = points_of(series=list(chosen.values()), start=earlier, end=earlier + span, buckets=1)
    found: dict[str, list[Part]] = {}
    for (measure, value), one in chosen.items():
        points, then = drawn[one.pk], before.get(one.pk, Points())
        spark = _spark(points, start, end)
        found.setdefault(measure, []).append(Part(value, one, points.mean, then.mean, spark))
    return {measure: sorted(rows, key=lambda part: part.value) for measure, rows in found.items()}


def _spark(points: Points, start: datetime, end: datetime) -> list[float | None]:
    places: list[float | None] = [None] * SPARK
    span = (end - start).total_seconds()
    for row in points.rows:
        place = int((row.at - start).total_seconds() / span * SPARK)
        places[min(max(place, 0), SPARK - 1)] = row.mean
    return places


def _all() -> list[Split]:
    return [*SPLITS.values(), ENVIRONMENT]
