"""Histograms of three kinds in one form: what lies in each bucket, what came since the last time, and percentiles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.connectors.values import finite, list_or_empty, object_or_empty

MOST_BUCKETS = 400
PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

Spread = Mapping[float, float]  # upper bound -> what lies in this bucket alone; bounds without anything bound others


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts by bucket. With a `scale` buckets are indices of OTLP's exponential histogram, else upper bounds.

    Exponential bucket i holds values in (base^i, base^(i+1)] with base = 2^(2^-scale); `zero` are those at zero.
    Values below zero are counted as zero: durations and sizes have none.
    """

    buckets: Mapping[float, float]
    scale: int | None = None
    zero: float = 0.0
    total: float = 0.0  # the sum of the values, for costs

    @property
    def count(self) -> float:
        return sum(self.buckets.values()) + self.zero

    def spread(self) -> dict[float, float]:
        """By upper bound, whatever the kind."""
        if self.scale is None:
            return dict(self.buckets)
        found = {0.0: self.zero}
        for index, count in self.buckets.items():
            lower, upper = _edge(self.scale, index), _edge(self.scale, index + 1)
            found.setdefault(lower, 0.0)
            found[upper] = found.get(upper, 0.0) + count
        return found

    def since(self, before: Histogram) -> Histogram | None:
        """What came since `before`; None when something is fewer than it was, so that counting began anew."""
        scale = self.scale
        if scale is not None and before.scale is not None and scale != before.scale:
            scale = min(scale, before.scale)
        elif scale != before.scale:
            return None
        now, then = self._at(scale), before._at(scale)
        if scale is None and set(now) != set(then):
            return None
        grown = {bound: now.get(bound, 0.0) - then.get(bound, 0.0) for bound in {*now, *then}}
        zero, total = self.zero - before.zero, self.total - before.total
        if zero < 0 or any(count < 0 for count in grown.values()):
            return None
        return Histogram(buckets=grown, scale=scale, zero=zero, total=total)

    def to_json(self) -> dict[str, Any]:
        """JSON types; infinity is written as a text."""
        pairs = [["+Inf" if math.isinf(bound) else bound, count] for bound, count in sorted(self.buckets.items())]
        return {"buckets": pairs, "scale": self.scale, "zero": self.zero, "total": self.total}

    @classmethod
    def from_json(cls, value: Any) -> Histogram | None:
        """What `to_json` wrote; None for anything else."""
        read = object_or_empty(value)
        if "buckets" not in read:
            return None
        pairs = [pair for pair in list_or_empty(read["buckets"]) if isinstance(pair, list) and len(pair) == 2]
        scale = read.get("scale")
        return cls(
            buckets={float(bound): finite(count) or 0.0 for bound, count in pairs},
            scale=scale if isinstance(scale, int) else None,
            zero=finite(read.get("zero")) or 0.0,
            total=finite(read.get("total")) or 0.0,
        )

    def _at(self, scale: int | None) -> dict[float, float]:
        """The buckets at a coarser scale: two neighbours become one for every step."""
        if scale is None or self.scale is None or scale == self.scale:
            return dict(self.buckets)
        found: dict[float, float] = {}
        for index, count in self.buckets.items():
            coarse = float(int(index) >> (self.scale - scale))
            found[coarse] = found.get(coarse, 0.0) + count
        return found


def _edge(scale: int, index: float) -> float:
    """base^index; infinity where a float ends."""
    try:
        return math.pow(2.0, math.ldexp(index, -scale))
    except OverflowError:
        return math.inf


def quantile(spread: Spread, q: float) -> float | None:
    """The q-quantile by linear interpolation inside a bucket, as PromQL does it; None without observations.

    In a bucket without an upper end the answer is its lower end.
    """
    wanted = q * sum(spread.values())
    if wanted <= 0:
        return None
    lower, below = 0.0, 0.0
    for upper, inside in sorted(spread.items()):
        if inside > 0 and below + inside >= wanted:
            if math.isinf(upper):
                return lower
            floor = min(lower, upper) if lower or below or upper > 0 else upper
            return floor + (upper - floor) * (wanted - below) / inside
        lower, below = upper, below + inside
    return lower if math.isfinite(lower) else None


def percentiles(spread: Spread) -> dict[str, float]:
    """p50, p95 and p99, those that there are."""
    found = {name: quantile(spread, q) for name, q in PERCENTILES.items()}
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}
