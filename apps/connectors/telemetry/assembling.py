"""Classic Prometheus histograms come bucket by bucket, cut anywhere between two requests: put together here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from apps.connectors.telemetry.histograms import MOST_BUCKETS, Histogram
from apps.connectors.telemetry.points import Part, Point, Shape
from apps.connectors.values import finite, list_or_empty, object_or_empty

PATIENCE = 3  # later scrapes, until an incomplete one is given up

Waiting = dict[float, dict[float, float]]  # time -> upper bound -> cumulative count


def assemble(parts: Sequence[Part], memory: Mapping[str, Any]) -> tuple[list[Point], dict[str, Any]]:
    """The histograms of one stream that are complete now, oldest first, and what waits for the rest.

    Complete is a scrape with the same buckets as the last one; of the first ones, one that a later scrape follows.
    """
    known = Histogram.from_json(memory.get("histogram"))
    last = finite(memory.get("at")) or 0.0
    waiting = _waiting(memory)
    for part in parts:
        if part.at > last and len(waiting.setdefault(part.at, {})) < MOST_BUCKETS:
            waiting[part.at][part.bound] = part.count
    points = []
    for place, at in enumerate(sorted(waiting)):
        newer = len(waiting) - 1 - place
        bounds = set(waiting[at])
        is_full = bounds == set(known.buckets) if known else newer > 0
        if math.inf in bounds and (is_full or newer >= PATIENCE):
            points.append(_point(parts[0], at, waiting[at]))
    done = points[-1].at if points else 0.0
    left = {at: found for at, found in sorted(waiting.items())[-PATIENCE:] if at > done}
    return points, {str(at): _pairs(found) for at, found in left.items()}


def _point(part: Part, at: float, cumulative: Mapping[float, float]) -> Point:
    own, below = {}, 0.0
    for bound, count in sorted(cumulative.items()):
        own[bound] = max(0.0, count - below)
        below = max(below, count)
    histogram = Histogram(buckets=own)
    name, labels, identity = part.name, part.labels, part.identity
    return Point(name=name, labels=labels, identity=identity, at=at, shape=Shape.CUMULATIVE, histogram=histogram)


def _pairs(found: Mapping[float, float]) -> list[list[Any]]:
    return [["+Inf" if math.isinf(bound) else bound, count] for bound, count in sorted(found.items())]


def _waiting(memory: Mapping[str, Any]) -> Waiting:
    found: Waiting = {}
    for at, pairs in object_or_empty(memory.get("waiting")).items():
        found[float(at)] = {float(bound): float(count) for bound, count in list_or_empty(pairs)}
    return found
