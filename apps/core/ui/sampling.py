"""Fewer points that look the same: the extremes of every bucket stay, so no spike disappears."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

Sample = tuple[float, float | None]  # (epoch seconds, value); None is a measured absence
Point = tuple[float, float]
Run = list[Point]
Numbers = NDArray[np.float64]


def usual_step(samples: Sequence[Sample]) -> float:
    """The usual distance between two samples in seconds; 0 when there are fewer than three."""
    if len(samples) < 3:
        return 0.0
    return median_low([later[0] - earlier[0] for earlier, later in pairwise(samples)])


def runs(samples: Sequence[Sample], gap: float) -> list[Run]:
    """Stretches without a hole: an absent value, or more than `gap` seconds to the next sample, ends one."""
    if whole(samples, gap):
        return [list(samples)]  # type: ignore[arg-type]  # no value is absent
    found: list[Run] = []
    previous: float | None = None
    for at, value in samples:
        if value is None or not math.isfinite(value):
            previous = None
            continue
        if previous is None or (gap and at - previous > gap):
            found.append([])
        found[-1].append((at, value))
        previous = at
    return found


def whole(samples: Sequence[Sample], gap: float) -> tuple[Numbers, Numbers] | None:
    """(times, values) where no value is absent and no distance too long, as in most lines; None for all others."""
    if len(samples) < 2:
        return None
    try:
        times, values = columns(samples)
    except TypeError:  # a value is absent
        return None
    has_hole = gap and np.diff(times).max() > gap
    return None if has_hole or not np.isfinite(values).all() else (times, values)


def columns(samples: Sequence[Sample]) -> tuple[Numbers, Numbers]:
    """(times, values) of samples that all have one; TypeError otherwise."""
    times, values = zip(*samples, strict=True) if samples else ((), ())
    return np.frombuffer(array("d", times)), np.frombuffer(array("d", values))  # half of what np.array takes


def thin(stretches: Sequence[Run], limit: int = 480) -> list[Run]:
    """The same stretches with about `limit` points in all; each keeps its ends and the extremes of every bucket."""
    total = sum(len(stretch) for stretch in stretches)
    if total <= limit:
        return [list(stretch) for stretch in stretches]
    return [_thin_one(stretch, max(4, limit * len(stretch) // total)) for stretch in stretches]


def _thin_one(stretch: Run, limit: int) -> Run:
    if len(stretch) <= limit:
        return list(stretch)
    buckets = max(1, limit // 4)
    kept: Run = []
    for index in range(buckets):
        bucket = stretch[index * len(stretch) // buckets : (index + 1) * len(stretch) // buckets]
        kept.extend(_extremes(bucket))
    return kept


def _extremes(bucket: Run) -> Run:
    """First, lowest, highest and last, in time order."""
    places = range(len(bucket))
    lowest = min(places, key=lambda place: bucket[place][1])
    highest = max(places, key=lambda place: bucket[place][1])
    return [bucket[place] for place in sorted({0, lowest, highest, len(bucket) - 1})]
