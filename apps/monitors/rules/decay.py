"""Quiet decay: week after week a little worse, and never bad enough for an alert."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from apps.monitors.rules.reading import Level, ParameterError, Reading, Rule

_WEEK: Final = 7 * 86_400.0
_MONDAY: Final = 4 * 86_400.0  # 1970 began on a Thursday


class Decay(Rule):
    """Alerts when the weekly mean slid `weeks` times in a row, by at least so many percent in all."""

    def __init__(self, parameters: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        self.weeks = int(parameters.get("weeks") or 4)
        if self.weeks < 2:
            raise ParameterError("It needs two weeks or more.")
        self.alert = abs(float(parameters.get("alert") or 3.0))
        self.is_worse_above = parameters.get("direction", "below") != "below"
        self.least = int(parameters.get("samples") or 3)
        self.known: list[list[float]] = [list(one) for one in memory.get("known", ())]  # [week, sum, count]
        self.last = memory.get("last")

    def step(self, at: float, value: float) -> Reading | None:
        """Judge when a week is over; the weeks that are over do not change any more."""
        week = (at - _MONDAY) // _WEEK
        is_new = not self.known or self.known[-1][0] < week
        if is_new:
            self.known = [*self.known, [week, 0.0, 0.0]][-(self.weeks + 2) :]
        self.known[-1][1] += value
        self.known[-1][2] += 1
        return self._judge() if is_new else self._again()

    def memory(self) -> dict[str, Any]:
        """The last weeks' sums."""
        return {"known": self.known, "last": self.last}

    def _judge(self) -> Reading | None:
        means = [total / count for _, total, count in self.known[:-1] if count >= self.least]
        steps = [later - earlier for earlier, later in pairwise(means)][-self.weeks :]
        if len(steps) < self.weeks:
            self.last = None
            return None
        first, last = means[-self.weeks - 1], means[-1]
        moved = 100.0 * (last - first) / (abs(first) or 1.0)
        slid = all(step > 0 if self.is_worse_above else step < 0 for step in steps) and abs(moved) >= self.alert
        why = f"{self.weeks} weeks in a row a little worse, {moved:+.1f}% in all" if slid else ""
        self.last = [int(Level.ALERT if slid else Level.OK), moved, why]
        return self._again()

    def _again(self) -> Reading | None:
        return Reading(Level(self.last[0]), self.last[1], self.last[2]) if self.last else None
