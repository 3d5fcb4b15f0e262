"""The mean of a window beyond a level, with hysteresis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.monitors.rules.reading import Level, Levels, Reading, Rule
from apps.monitors.rules.windows import Recent


class Threshold(Rule):
    """Warns and alerts on the mean of the last minutes."""

    def __init__(self, parameters: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        self.levels = Levels.of(parameters)
        self.least = int(parameters.get("samples") or 1)
        self.recent = Recent(60.0 * float(parameters.get("minutes") or 5), memory.get("recent", ()))
        self.level = Level(memory.get("level", 0))

    def step(self, at: float, value: float) -> Reading | None:
        """Judge the mean once the window holds enough samples."""
        self.recent.add(at, value)
        mean = self.recent.mean
        if mean is None or len(self.recent.pairs) < self.least:
            return None
        self.level = self.levels.judge(mean, self.level)
        side = "above" if self.levels.is_above else "below"
        why = f"{mean:.4g} is {side} {self.levels.limit_of(self.level):.4g}" if self.level else ""
        return Reading(self.level, mean, why)

    def memory(self) -> dict[str, Any]:
        """The window and the level."""
        return {"recent": self.recent.kept(), "level": int(self.level)}
