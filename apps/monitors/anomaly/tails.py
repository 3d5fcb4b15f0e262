"""How rare a number is among those before it, as -log10 of a tail probability: 0 usual, 2 one in a hundred."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence
from math import isfinite, log10
from typing import Final

_SHARE: Final = 0.015  # of the history that counts as its tail
_LEAST: Final = 10  # numbers in a tail
_HEAVIEST: Final = 0.4  # largest shape of the fitted tail
_SILENT: Final = 30  # numbers before the first word
_SURE: Final = 150  # numbers before the full word
_LOG_E: Final = 0.4342944819032518


class Ordered:
    """The last `size` numbers, kept in order: medians and ranks by bisection."""

    __slots__ = ("line", "queue", "size")

    def __init__(self, size: int, numbers: Iterable[float] = ()) -> None:
        self.size = size
        self.queue: deque[float] = deque(numbers)
        self.line: list[float] = sorted(self.queue)

    def add(self, number: float) -> None:
        """Take one in, let the oldest go."""
        self.queue.append(number)
        insort(self.line, number)
        if len(self.queue) > self.size:
            del self.line[bisect_left(self.line, self.queue.popleft())]

    @property
    def median(self) -> float:
        """The upper median, 0 while empty."""
        return self.line[len(self.line) // 2] if self.line else 0.0

    @property
    def spread(self) -> float:
        """Distance of the quartiles, 0 while empty."""
        count = len(self.line)
        return self.line[3 * count // 4] - self.line[count // 4] if count else 0.0


class Tails:
    """Both tails of one statistic's history.

    Ranks say how rare a number is inside the history; beyond its last percents a generalized Pareto tail, fitted by
    moments (Hosking and Wallis 1987), says how much further out it lies. A short history speaks softly.
    """

    __slots__ = ("history", "seen")

    def __init__(self, size: int, numbers: Iterable[float] = (), seen: int = 0) -> None:
        self.history = Ordered(size, numbers)
        self.seen = seen

    def above(self, number: float) -> float:
        """Surprise at a number so high."""
        line, count = self.history.line, len(self.history.line)
        if count < _SILENT:
            return 0.0
        tail = max(_LEAST, int(_SHARE * count))
        rank = count - bisect_left(line, number)
        if rank >= tail:
            return self._weight * -log10((rank + 1) / (count + 2))
        edge = line[count - tail - 1]
        return self._weight * _beyond(number - edge, [one - edge for one in line[-tail:]], edge, count)

    def below(self, number: float) -> float:
        """Surprise at a number so low."""
        line, count = self.history.line, len(self.history.line)
        if count < _SILENT:
            return 0.0
        tail = max(_LEAST, int(_SHARE * count))
        rank = bisect_right(line, number)
        if rank >= tail:
            return self._weight * -log10((rank + 1) / (count + 2))
        edge = line[tail]
        return self._weight * _beyond(edge - number, [edge - one for one in line[:tail]], edge, count)

    def add(self, number: float) -> None:
        """Remember it."""
        self.history.add(number)
        self.seen += 1

    @property
    def _weight(self) -> float:
        return min(1.0, (self.seen - _SILENT) / (_SURE - _SILENT))


def _beyond(excess: float, tail: Sequence[float], edge: float, count: int) -> float:
    """-log10 of the chance to lie `excess` beyond the edge of a tail with these excesses."""
    size = len(tail)
    mean = sum(tail) / size
    if mean <= 0.0:
        mean = 1e-9 + abs(edge) * 1e-6
    variance = sum(one * one for one in tail) / size - mean * mean
    shape = min(max(0.5 * (1.0 - mean * mean / variance), 0.0), _HEAVIEST) if variance > 0.0 else 0.0
    base = -log10((size + 1) / (count + 2))
    if shape < 1e-3:
        surprise = base + excess / mean * _LOG_E
    else:
        surprise = base + log10(1.0 + shape * excess / (mean * (1.0 - shape))) / shape
    return surprise if isfinite(surprise) else 300.0
