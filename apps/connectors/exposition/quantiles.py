"""Quantiles from cumulative buckets, and rates from counters, between two scrapes: pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.samples import Sample

from apps.connectors.values import as_labels, finite

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

Buckets = Mapping[float, float]  # upper bound -> cumulative count, the last bound is infinity


def read_histograms(samples: Iterable[Sample]) -> list[tuple[dict[str, str], dict[float, float]]]:
    """(labels without le, upper bound -> cumulative count) of every histogram in the samples."""
    found: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    for sample in samples:
        if not sample.name.endswith("_bucket"):
            continue
        bound, count = read_bound(sample.labels.get("le")), finite(sample.value)
        if bound is None or count is None:
            continue
        labels = as_labels({name: value for name, value in sample.labels.items() if name != "le"})
        found.setdefault(tuple(labels.items()), {})[bound] = count
    return [(dict(labels), buckets) for labels, buckets in found.items()]


def read_bound(value: Any) -> float | None:
    """An upper bound, infinity included; None for anything that is no number."""
    try:
        bound = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(bound) else bound


def increase(now: Buckets, before: Buckets) -> dict[float, float]:
    """What was counted in each bucket between two scrapes; after a restart everything counts as new."""
    is_reset = any(now.get(bound, 0.0) < count for bound, count in before.items()) or set(before) != set(now)
    return dict(now) if is_reset else {bound: count - before[bound] for bound, count in now.items()}


def quantile(buckets: Buckets, q: float) -> float | None:
    """The q-quantile by linear interpolation inside a bucket, as PromQL does it; None without observations.

    In the last bucket, which has no upper end, the answer is its lower end.
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or not math.isinf(bounds[-1]) or buckets[bounds[-1]] <= 0:
        return None
    rank = q * buckets[bounds[-1]]
    position = next(index for index, bound in enumerate(bounds) if buckets[bound] >= rank)
    if position == len(bounds) - 1:
        return bounds[-2]
    upper = bounds[position]
    if position == 0:
        lower, below = (0.0, 0.0) if upper > 0 else (upper, 0.0)
    else:
        lower, below = bounds[position - 1], buckets[bounds[position - 1]]
    inside = buckets[upper] - below
    return upper if inside <= 0 else lower + (upper - lower) * (rank - below) / inside


def rate(now: float, before: float, seconds: float) -> float | None:
    """Increase per second; a counter that fell has restarted from zero. None when no time has passed."""
    if seconds <= 0:
        return None
    return (now - before if now >= before else now) / seconds
