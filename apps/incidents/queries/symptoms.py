"""Series in bins, many in one statement, as the ranking wants them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from django.db.models import Q

from apps.core import bulk
from apps.incidents.suspects.binning import WEEK, Span
from apps.incidents.suspects.facts import Numbers, Series
from apps.metrics import models as metrics
from apps.metrics.measures import MEASURES, Measure
from apps.metrics.queries import packed
from apps.metrics.queries.packed import Reach

MOST: Final = 12  # symptoms of one incident
MOST_BESIDE: Final = 48
_BINS: Final = b"""
SELECT sample.series_id AS id, avg(extract(epoch FROM sample.at))::float8 AS at, avg(sample.value) AS value,
       count(*)::float8 AS count
FROM unnest(%(starts)b::timestamptz[], %(ends)b::timestamptz[], %(steps)b::float8[]) AS span (start_at, end_at, step)
CROSS JOIN LATERAL (
    SELECT series_id, at, value FROM metrics_sample
    WHERE series_id = ANY(%(series)b::bigint[]) AND at >= span.start_at AND at < span.end_at
      AND at >= %(start)b AND at < %(end)b
) AS sample
GROUP BY sample.series_id, span.start_at, floor(extract(epoch FROM sample.at - span.start_at) / span.step)
ORDER BY 1, 2
"""
_USUAL: Final = b"""
SELECT series_id AS id, extract(hour FROM at AT TIME ZONE 'UTC')::int AS hour, avg(value) AS value
FROM metrics_sample WHERE series_id = ANY(%(series)b::bigint[]) AND at >= %(start)b AND at < %(end)b
GROUP BY 1, 2
"""
_USUAL_ROLLED: Final = b"""
SELECT series_id AS id, extract(hour FROM at AT TIME ZONE 'UTC')::int AS hour, sum(total) / sum(count) AS value
FROM metrics_hour WHERE series_id = ANY(%(series)b::bigint[]) AND at >= %(start)b AND at < %(end)b
GROUP BY 1, 2
"""
_FAMILIES: Final = {  # of a name that is in no glossary
    "latency": ("latency", "duration", "wait", "seconds"),
    "safety": ("unsafe", "toxic", "policy", "violation", "refus"),
    "cost": ("cost", "spend", "token"),
    "retrieval": ("retriev", "recall", "rerank", "index"),
    "cache": ("cache",),
    "fallback": ("fallback",),
    "engagement": ("thumbs", "feedback", "engagement", "rating"),
    "accuracy": ("error", "success", "answered", "accuracy", "quality", "ground", "faithful", "score", "fail"),
    "traffic": ("request", "traffic", "qps", "rps"),
}
_KNOWN_WORDS: Final = {  # of a name that is in no glossary
    "down": ("error", "latency", "duration", "cost", "fail", "timeout", "unsafe", "fallback", "lag", "wait", "drift"),
    "up": ("success", "answered", "accuracy", "quality", "score", "grounded", "thumbs", "hit", "recall", "availab"),
}


def symptom_series(*, feature_ids: Collection[int], component_ids: Collection[int]) -> list[metrics.Series]:
    """The series that may show what the incident did: those of its features, the ones that speak for them first."""
    rows = metrics.Series.objects.filter(Q(feature__in=feature_ids) | Q(component__in=component_ids))
    rows = rows.filter(last_at__isnull=False).exclude(kind=metrics.SeriesKind.COUNTER)
    found = list(rows.order_by("-is_primary", "measure", "pk")[: 6 * MOST])
    return sorted(found, key=_use)[:MOST]


def series_beside(
    *, feature_ids: Collection[int], component_ids: Collection[int], without: Collection[int]
) -> list[metrics.Series]:
    """Series of other features, and of components, that tell who else felt it."""
    rows = metrics.Series.objects.filter(Q(feature__in=feature_ids) | Q(component__in=component_ids))
    rows = rows.filter(last_at__isnull=False).exclude(kind=metrics.SeriesKind.COUNTER).exclude(pk__in=without)
    found = sorted(rows.order_by("-is_primary", "pk")[: 4 * MOST_BESIDE], key=_use)
    taken: dict[tuple[int | None, int | None], int] = {}
    kept = []
    for row in found:  # a few of each, so that one talkative feature does not hide the others
        place = (row.feature_id, row.component_id)
        taken[place] = taken.get(place, 0) + 1
        if taken[place] <= 3:
            kept.append(row)
    return kept[:MOST_BESIDE]


def read_bins(*, rows: Sequence[metrics.Series], spans: Sequence[Span]) -> dict[int, tuple[Numbers, Numbers, Numbers]]:
    """series -> (times, means, counts) in the bins of `spans`; one query."""
    if not rows or not spans:
        return {}
    starts, ends = [_time(span.start) for span in spans], [_time(span.end) for span in spans]
    found = packed.fetch(
        _BINS,
        {
            "series": [row.pk for row in rows],
            "starts": starts,
            "ends": ends,
            "steps": [span.step for span in spans],
            "start": min(starts),
            "end": max(ends),
        },
        since=min(starts),
        reach=(Reach(row.pk, *ends_of) for row in rows for ends_of in zip(starts, ends, strict=True)),
    )
    by_series: dict[int, list[Any]] = {}
    for row in found:
        by_series.setdefault(row["id"], []).append((row["at"], row["value"], row["count"]))
    return {key: tuple(np.array(values, dtype=float).T) for key, values in by_series.items()}


def read_usual(*, rows: Sequence[metrics.Series], start: float) -> dict[int, Numbers]:
    """series -> its mean at each hour of the day over a week from `start`; from rolled hours where they are there."""
    end = start + WEEK
    rolled = [row.pk for row in rows if row.rolled_until and row.rolled_until.timestamp() >= end]
    raw = [row.pk for row in rows if row.pk not in set(rolled)]
    usual = {row.pk: np.full(24, np.nan) for row in rows}
    values = {"start": _time(start), "end": _time(end)}
    found = bulk.fetch(_USUAL_ROLLED, values | {"series": rolled}) if rolled else []
    if raw:
        reach = (Reach(pk, values["start"], values["end"]) for pk in raw)
        found += packed.fetch(_USUAL, values | {"series": raw}, since=values["start"], reach=reach)
    for one in found:
        usual[one["id"]][one["hour"]] = one["value"]
    return usual


def as_series(
    rows: Iterable[metrics.Series], bins: Mapping[int, tuple[Numbers, Numbers, Numbers]], usual: Mapping[int, Numbers]
) -> list[Series]:
    """The series as the ranking wants them, in the order of `rows`."""
    empty, nothing = np.array([]), np.full(24, np.nan)
    found = []
    for row in rows:
        times, values, counts = bins.get(row.pk, (empty, empty, empty))
        entry = _entry(row)
        better = entry.better if entry else _better(row.name)
        found.append(
            Series(
                key=str(row.pk),
                label=entry.label if entry else row.name,
                family=entry.family.value if entry else _family(row.name),
                better=better,
                unit=row.shown_unit,
                times=times,
                values=values,
                counts=counts,
                usual=usual.get(row.pk, nothing),
                feature_id=row.feature_id,
                component_id=row.component_id,
            )
        )
    return found


def _entry(row: metrics.Series) -> Measure | None:
    """The entry of the glossary: by its measure, or by a name that is one."""
    return row.entry if row.measure else MEASURES.get(row.name)


def _family(name: str) -> str:
    low = name.lower()
    return next((family for family, words in _FAMILIES.items() if any(word in low for word in words)), "other")


def _better(name: str) -> str:
    """Which direction is good, as far as a name tells."""
    low = name.lower()
    return next((better for better, words in _KNOWN_WORDS.items() if any(word in low for word in words)), "neutral")


def _use(row: metrics.Series) -> tuple[int, int]:
    """Those with a good direction first: they say most."""
    entry = _entry(row)
    better = entry.better if entry else _better(row.name)
    return (1 if better == "neutral" else 0, row.pk)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
