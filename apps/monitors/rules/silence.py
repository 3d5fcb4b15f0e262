"""No news for too long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.monitors.rules.reading import Level, Levels, Reading, Rule


class Silence(Rule):
    """Alerts when the newest sample is older than so many minutes; a sample ends it."""

    def __init__(self, parameters: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        self.levels = Levels.of({**parameters, "direction": "above"})
        self.last = memory.get("last")

    def step(self, at: float, value: float) -> Reading | None:
        """Here is news: the silence before it, if it was too long, is over."""
        del value
        self.last = at if self.last is None else max(at, self.last)
        return Reading(Level.OK, 0.0, "")

    def tick(self, now: float) -> Reading | None:
        """Judge the age of the newest sample."""
        if self.last is None:
            return None
        minutes = max(0.0, (now - self.last) / 60)
        level = self.levels.judge(minutes, Level.OK)
        return Reading(level, minutes, f"no news for {minutes:.0f} minutes" if level else "")

    def memory(self) -> dict[str, Any]:
        """When the newest sample was."""
        return {"last": self.last}
