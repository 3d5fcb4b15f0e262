"""Samples of the last minutes, and their mean, kept as they come and go."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class Recent:
    """What lies at most `seconds` back from the newest sample."""

    __slots__ = ("pairs", "seconds", "total")

    def __init__(self, seconds: float, pairs: Iterable[tuple[float, float]] = ()) -> None:
        self.seconds = seconds
        self.pairs = deque((float(at), float(value)) for at, value in pairs)
        self.total = sum(value for _, value in self.pairs)

    def add(self, at: float, value: float) -> list[tuple[float, float]]:
        """Take one in; returns what became too old, oldest first."""
        self.pairs.append((at, value))
        self.total += value
        gone = []
        while self.pairs[0][0] <= at - self.seconds:
            gone.append(self.pairs.popleft())
            self.total -= gone[-1][1]
        if gone:
            self.total = sum(value for _, value in self.pairs)  # no drift of rounding
        return gone

    @property
    def mean(self) -> float | None:
        """None while empty."""
        return self.total / len(self.pairs) if self.pairs else None

    def kept(self) -> list[tuple[float, float]]:
        """For memory."""
        return list(self.pairs)
