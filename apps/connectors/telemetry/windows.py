"""What all streams of one place say together, minute by minute: the measures of a feature or a component.

An increase is spread evenly over the minutes that it lies in, so it does not matter when which process reports, nor how
often. A minute is told once something later was heard, and told again when more of it arrives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.telemetry.histograms import MOST_BUCKETS, percentiles
from apps.connectors.telemetry.rules import Role
from apps.connectors.telemetry.streams import Increase
from apps.connectors.values import finite, list_or_empty, object_or_empty

WINDOW = 60.0  # seconds
MOST_WINDOWS = 16  # kept open for what comes late
HOUR = 3600.0


@dataclass(slots=True)
class Minute:
    """What is known of one window."""

    count: float = 0.0
    failed: float = 0.0
    amount: float = 0.0
    spread: dict[float, float] = field(default_factory=dict)


@dataclass(slots=True)
class Together:
    """The windows of one metric in one place, by their begin; `newest` is the latest time heard."""

    newest: float = 0.0
    minutes: dict[float, Minute] = field(default_factory=dict)
    touched: set[float] = field(default_factory=set)

    @classmethod
    def load(cls, memory: Mapping[str, Any]) -> Together:
        """What `dump` wrote; unreadable parts are forgotten."""
        minutes = {float(begin): _minute(value) for begin, value in object_or_empty(memory.get("minutes")).items()}
        return cls(newest=finite(memory.get("newest")) or 0.0, minutes=minutes)

    def dump(self) -> dict[str, Any]:
        """JSON types; infinity is written as a text. The oldest windows are forgotten."""
        kept = sorted(self.minutes.items())[-MOST_WINDOWS:]
        return {"newest": self.newest, "minutes": {str(begin): _json(minute) for begin, minute in kept}}

    def add(self, increase: Increase, *, is_failed: bool, factor: float) -> None:
        """Spread an increase over its windows; one that is longer or older than all of them says nothing here."""
        oldest = max(self.newest, increase.end) - MOST_WINDOWS * WINDOW
        if increase.begin < oldest or increase.seconds <= 0:
            return
        begin = math.floor(increase.begin / WINDOW) * WINDOW
        while begin < increase.end:
            inside = min(increase.end, begin + WINDOW) - max(increase.begin, begin)
            if inside > 0:
                minute = self.minutes.setdefault(begin, Minute())
                _gain(minute, increase, inside / increase.seconds, is_failed, factor)
                self.touched.add(begin)
            begin += WINDOW
        self.newest = max(self.newest, increase.end)

    def told(self, *, since: float) -> Iterable[tuple[float, Minute]]:
        """(end, window) of every window that is over, if something is new in it or it was not over at `since`."""
        for begin, minute in sorted(self.minutes.items()):
            end = begin + WINDOW
            if end <= self.newest and (begin in self.touched or end > since):
                yield end, minute


def measures_of(minute: Minute, role: Role) -> dict[str, float]:
    """Slug -> value, in the units of the glossary; costs an hour in the sender's currency."""
    if role is Role.COST:
        return {"cost_rate": minute.amount / WINDOW * HOUR}
    found = {"requests_rate": minute.count / WINDOW}
    if minute.count > 0:
        found["answered_ratio"] = 1 - min(1.0, minute.failed / minute.count)
    if role is Role.DURATION:
        found |= {f"latency_{name}": value for name, value in percentiles(minute.spread).items()}
    return found


def _gain(minute: Minute, increase: Increase, share: float, is_failed: bool, factor: float) -> None:
    histogram = increase.histogram
    count = histogram.count if histogram else increase.value
    minute.count += count * share
    minute.failed += count * share if is_failed else 0.0
    minute.amount += (histogram.total if histogram else increase.value) * share
    if histogram is None:
        return
    for bound, inside in histogram.spread().items():
        upper = bound * factor
        if upper in minute.spread or len(minute.spread) < 2 * MOST_BUCKETS:
            minute.spread[upper] = minute.spread.get(upper, 0.0) + inside * share


def _json(minute: Minute) -> list[Any]:
    pairs = [["+Inf" if math.isinf(bound) else bound, count] for bound, count in sorted(minute.spread.items())]
    return [minute.count, minute.failed, minute.amount, pairs]


def _minute(value: Any) -> Minute:
    read = list_or_empty(value)
    if len(read) != 4:
        return Minute()
    spread = {float(bound): float(count) for bound, count in list_or_empty(read[3])}
    return Minute(float(read[0]), float(read[1]), float(read[2]), spread)
