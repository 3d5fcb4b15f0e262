"""What is usual at this time of the day or of the week."""

from __future__ import annotations

from collections import deque
from typing import Final

DAY: Final = 86_400.0
WEEK: Final = 7 * DAY
_FEWEST_SLOTS: Final = 4


class Season:
    """The last values at each time of a period, and the median of those near by as what to expect.

    `period` in seconds, `step` of the series in seconds; a period holds at most `most` slots, and each remembers
    `depth` values. Values of the running period never speak for themselves.
    """

    __slots__ = ("depth", "period", "slots", "width")

    def __init__(self, period: float, step: float, most: int, depth: int) -> None:
        self.period = period
        self.depth = depth
        self.width = min(most, round(period / step)) if step > 0 else most
        self.slots: dict[int, deque[tuple[float, float]]] = {}

    @property
    def is_useful(self) -> bool:
        """Whether the series is fine enough to have this rhythm."""
        return self.width >= _FEWEST_SLOTS

    def expected(self, at: float) -> float | None:
        """The median of what came at this time of former periods, None while fewer than three are known."""
        place, newest = self._place(at), at - self.period / 2
        near: list[float] = []
        for slot in (place - 1, place, place + 1):
            near += [value for when, value in self.slots.get(slot % self.width, ()) if when < newest]
        if len(near) < 3:
            return None
        near.sort()
        return near[len(near) // 2]

    def add(self, at: float, value: float) -> None:
        """Remember the value of this time."""
        slot = self.slots.setdefault(self._place(at), deque(maxlen=self.depth))
        slot.append((at, value))

    def _place(self, at: float) -> int:
        return int(at % self.period / self.period * self.width) % self.width
