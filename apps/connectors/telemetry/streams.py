"""What a cumulative stream gained since it was last heard: restarts, gaps, repetitions and late points included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.connectors.telemetry.histograms import Histogram
from apps.connectors.telemetry.points import Point, Shape
from apps.connectors.values import finite

LONGEST_FIRST = 900.0  # seconds; a stream that is new to us counts from its own start if that is not longer ago
SAME_START = 0.001  # seconds; nanoseconds do not survive a float


@dataclass(frozen=True, slots=True, kw_only=True)
class Increase:
    """What a stream gained in (begin, end], epoch seconds."""

    begin: float
    end: float
    value: float = 0.0
    histogram: Histogram | None = None

    @property
    def seconds(self) -> float:
        return self.end - self.begin


Memory = Mapping[str, Any]  # JSON of the last point of a stream; {} for one that is new


def advance(point: Point, memory: Memory) -> tuple[Increase | None, dict[str, Any]]:
    """What `point` adds to what is known of its stream, and what to know from now on.

    None when nothing can be said: the stream is new, the point is a repetition or late (at or before the last one), or
    it comes from an earlier life of its process. After a restart, seen by a later start or by a smaller number,
    everything since the restart is new, as PromQL has it. Never raises.
    """
    last = finite(memory.get("at")) or 0.0
    if point.at <= last:
        return None, dict(memory)
    if point.shape is Shape.DELTA:
        begin = max(point.start, last) if point.start else last
        return _all_of(point, begin) if begin else None, {"at": point.at}
    start = finite(memory.get("start")) or 0.0
    if point.start and start and point.start < start - SAME_START:
        return None, dict(memory)
    after = _remembered(point)
    if not last:
        is_young = 0 < point.start < point.at <= point.start + LONGEST_FIRST
        return (_all_of(point, point.start) if is_young else None), after
    if point.start and start and point.start > start + SAME_START:
        return _all_of(point, max(point.start, last)), after
    return _grown(point, memory, last), after


def _grown(point: Point, memory: Memory, last: float) -> Increase | None:
    if point.histogram is None:
        before = finite(memory.get("value")) or 0.0
        value = point.value - before if point.value >= before else point.value
        return Increase(begin=last, end=point.at, value=value)
    known = Histogram.from_json(memory.get("histogram"))
    if known is None or (known.scale is None and set(known.buckets) != set(point.histogram.buckets)):
        return None  # other buckets than before: the difference would be invented
    return Increase(begin=last, end=point.at, histogram=point.histogram.since(known) or point.histogram)


def _all_of(point: Point, begin: float) -> Increase | None:
    if begin >= point.at:
        return None
    return Increase(begin=begin, end=point.at, value=point.value, histogram=point.histogram)


def _remembered(point: Point) -> dict[str, Any]:
    told = {"histogram": point.histogram.to_json()} if point.histogram else {"value": point.value}
    return {"at": point.at, "start": point.start, **told}
