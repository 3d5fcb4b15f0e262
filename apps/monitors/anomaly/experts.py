"""Statistics of a stream, and how rare each is in its own history. Several views, because faults have many forms."""

from __future__ import annotations

from collections import deque
from math import log
from typing import Final

from apps.monitors.anomaly.season import Season
from apps.monitors.anomaly.tails import Ordered, Tails

SPANS: Final = (4, 16, 64)  # samples of the short, the middle and the long view
_CAP: Final = 6.0  # beyond one in a million there is no more to say
_MEDIAN_OF: Final = 500


class Views:
    """Means over the last 4, 16 and 64 numbers."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines = [deque[float](maxlen=span) for span in SPANS]

    def add(self, number: float) -> None:
        """Take one in."""
        for line in self._lines:
            line.append(number)

    @property
    def means(self) -> list[float | None]:
        """One a span, None until it is full."""
        return [sum(line) / len(line) if len(line) == line.maxlen else None for line in self._lines]

    def deviations(self, means: list[float | None]) -> list[float | None]:
        """Standard deviation a span, None until it is full."""
        return [
            None if mean is None else (sum((one - mean) ** 2 for one in line) / len(line)) ** 0.5
            for line, mean in zip(self._lines, means, strict=True)
        ]


class Position:
    """Is the level one that it never had? The value itself and its means, upwards and downwards."""

    __slots__ = ("tails",)

    def __init__(self, size: int) -> None:
        self.tails = [Tails(size) for _ in (1, *SPANS)]

    def step(self, value: float, means: list[float | None]) -> float:
        """The surprise of this view."""
        return _strongest(two_sided(self.tails, [value, *means]))


class Change:
    """Did it move as it never moved? A jump from one value to the next, and of one mean to the one before it."""

    __slots__ = ("_before", "_near", "tails")

    def __init__(self, size: int) -> None:
        self.tails = [Tails(size) for _ in (1, *SPANS)]
        self._near = deque[float](maxlen=5)
        self._before = [deque[float](maxlen=span) for span in SPANS]

    def step(self, value: float, means: list[float | None]) -> tuple[float, float]:
        """(surprise of this view, the distance jumped)."""
        jump = abs(value - sorted(self._near)[len(self._near) // 2]) if self._near else 0.0
        moved: list[float | None] = [jump]
        for line, mean in zip(self._before, means, strict=True):
            moved.append(None if mean is None or len(line) < (line.maxlen or 0) else abs(mean - line[0]))
            if mean is not None:
                line.append(mean)
        self._near.append(value)
        return _strongest(one_sided(self.tails, moved)), jump


class Distance:
    """How far do its means lie from the median of its recent past?"""

    __slots__ = ("_recent", "tails")

    def __init__(self, size: int) -> None:
        self.tails = [Tails(size) for _ in SPANS]
        self._recent = Ordered(_MEDIAN_OF)

    def step(self, value: float, means: list[float | None]) -> float:
        """The surprise of this view."""
        middle = self._recent.median
        self._recent.add(value)
        return _strongest(one_sided(self.tails, [None if mean is None else abs(mean - middle) for mean in means]))


class Spread:
    """Does it swing more than ever, or less?"""

    __slots__ = ("_jumps", "calm", "calmness", "tails")

    def __init__(self, size: int) -> None:
        self.tails = [Tails(size) for _ in SPANS]
        self.calm = Tails(size)
        self._jumps = Ordered(1000)
        self.calmness: float | None = None  # of the newest sample: minus the logarithm of its long swing

    def step(self, jump: float, deviations: list[float | None]) -> float:
        """The surprise of this view."""
        self._jumps.add(jump)
        found = one_sided(self.tails, deviations)
        if deviations[-1] is not None:
            self.calmness = -log(deviations[-1] + 1e-3 * self._jumps.spread + 1e-9)
            found += one_sided([self.calm], [self.calmness])
        return _strongest(found)


class Rhythm:
    """Is it unlike this time of other days or weeks? The value's distance from what is usual, and its means."""

    __slots__ = ("_errors", "season", "tails")

    def __init__(self, size: int, season: Season) -> None:
        self.season = season
        self.tails = [Tails(size) for _ in (1, *SPANS)]
        self._errors = Views()

    def step(self, at: float, value: float) -> float:
        """The surprise of this view, 0 while nothing is known of this time."""
        usual = self.season.expected(at)
        self.season.add(at, value)
        if usual is None:
            return 0.0
        error = value - usual
        self._errors.add(error)
        return _strongest(two_sided(self.tails, [error, *self._errors.means]))


def one_sided(tails: list[Tails], numbers: list[float | None]) -> list[float]:
    """Surprise at each number being so high; they are remembered."""
    found = []
    for tail, number in zip(tails, numbers, strict=True):
        if number is not None:
            found.append(min(_CAP, tail.above(number)))
            tail.add(number)
    return found


def two_sided(tails: list[Tails], numbers: list[float | None]) -> list[float]:
    """Surprise at each number being so high and at its being so low; they are remembered."""
    found = []
    for tail, number in zip(tails, numbers, strict=True):
        if number is not None:
            found += [min(_CAP, tail.above(number)), min(_CAP, tail.below(number))]
            tail.add(number)
    return found


def _strongest(found: list[float]) -> float:
    """The mean of the two strongest: one statistic alone may err."""
    if len(found) < 2:
        return found[0] if found else 0.0
    first, second = sorted(found)[-2:]
    return (first + second) / 2
