"""Faults of the measuring itself: a sensor that says the same again and again, numbers that stay away."""

from __future__ import annotations

from collections import deque
from math import log, log10
from typing import Final

_CERTAIN: Final = 4.0  # surprise of a fault that is beyond doubt
_STILL_KNOWN: Final = 400  # samples before stillness is told
_HALF: Final = log(2.0)
_KNOWN: Final = 100  # samples before faults are told
_LONGER: Final = 2  # times the longest run so far
_GAP_IN_STEPS: Final = 10.0
_WIDER: Final = 3.0  # times the widest gap so far
_FORGETS: Final = 0.9995  # a sample; the widest gap is no excuse for ever


class Runs:
    """Consecutive occurrences of something that rarely repeats; tells once when a run is too long for chance."""

    __slots__ = ("_alarm_at", "least", "longest", "rows", "run", "times")

    def __init__(self, least: int) -> None:
        self.least = least
        self.longest = 0
        self.run = 0
        self.rows = 0
        self.times = 0
        self._alarm_at = 0

    def step(self, occurs: bool) -> float:
        """Certain at the moment when the run passes all chance, else 0."""
        self.rows += 1
        if not occurs:
            self.longest, self.run, self._alarm_at = max(self.longest, self.run), 0, 0
            return 0.0
        if not self.run:
            self._alarm_at = self._limit()
        self.run += 1
        self.times += 1
        return _CERTAIN if self.rows > _KNOWN and self.run == self._alarm_at else 0.0

    def _limit(self) -> int:
        """The length at which chance^length is below one in a thousand of all that was seen."""
        chance = (self.times + 1) / (self.rows + 2)
        by_chance = (3 + log10(self.rows + 1)) / -log10(chance) if chance < 1 else 1e9
        return max(self.least, _LONGER * self.longest + 1, int(by_chance) + 1)


class Stillness:
    """Swings that fell to less than half of the smallest known: a rhythm that is gone, though it is not constant."""

    __slots__ = ("_lag", "_was", "known", "rows")

    def __init__(self, span: int) -> None:
        self._lag = deque[float](maxlen=span)  # a window that fills with calm must not compare with itself
        self.known = float("-inf")
        self.rows = 0
        self._was = False

    def step(self, calm: float) -> float:
        """Certain when it begins, else 0; `calm` is minus the logarithm of the swing."""
        self.rows += 1
        is_still = self.rows > _STILL_KNOWN and calm > self.known + _HALF
        begins, self._was = is_still and not self._was, is_still
        if len(self._lag) == self._lag.maxlen:
            self.known = max(self.known, self._lag[0])
        self._lag.append(calm)
        return _CERTAIN if begins else 0.0


class Gaps:
    """Samples that come much later than ever before."""

    __slots__ = ("_last", "rows", "widest")

    def __init__(self) -> None:
        self._last: float | None = None
        self.widest = 0.0
        self.rows = 0

    def step(self, at: float, usual: float) -> float:
        """Certain for the first sample after such a gap, else 0; `usual` step in seconds."""
        gap = at - self._last if self._last is not None else 0.0
        self._last = at
        self.rows += 1
        limit = max(_GAP_IN_STEPS * usual, _WIDER * self.widest)
        is_fault = self.rows > _KNOWN and usual > 0.0 and gap > limit
        self.widest = max(self.widest * _FORGETS, gap)
        return _CERTAIN if is_fault else 0.0
