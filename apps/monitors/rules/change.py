"""How much the mean of the last minutes moved against the minutes before them, in percent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.monitors.rules.reading import Level, Levels, Reading, Rule
from apps.monitors.rules.windows import Recent


class Change(Rule):
    """Alerts on a rise (or a fall) of so many percent from one window to the next."""

    def __init__(self, parameters: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        given = Levels.of(parameters)
        sign = 1.0 if given.is_above else -1.0  # people write a fall of 30 percent as 30
        warn = None if given.warn is None else sign * abs(given.warn)
        self.levels = Levels(sign * abs(given.alert), warn, given.is_above, given.margin)
        seconds = 60.0 * float(parameters.get("minutes") or 15)
        self.least = int(parameters.get("samples") or 1)
        self.now = Recent(seconds, memory.get("now", ()))
        self.before = Recent(seconds, memory.get("before", ()))
        self.level = Level(memory.get("level", 0))

    def step(self, at: float, value: float) -> Reading | None:
        """Judge once both windows hold enough samples and the one before is not zero."""
        for pair in self.now.add(at, value):
            self.before.add(*pair)
        while self.before.pairs and self.before.pairs[0][0] <= at - 2 * self.now.seconds:
            self.before.total -= self.before.pairs.popleft()[1]
        mean, earlier = self.now.mean, self.before.mean
        if mean is None or not earlier or min(len(self.now.pairs), len(self.before.pairs)) < self.least:
            return None
        moved = 100.0 * (mean - earlier) / abs(earlier)
        self.level = self.levels.judge(moved, self.level)
        why = f"it moved by {moved:+.0f}%, from {earlier:.4g} to {mean:.4g}" if self.level else ""
        return Reading(self.level, moved, why)

    def memory(self) -> dict[str, Any]:
        """Both windows and the level."""
        return {"now": self.now.kept(), "before": self.before.kept(), "level": int(self.level)}
