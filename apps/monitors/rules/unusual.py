"""Unlike its own past: the anomaly detector as a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.monitors.anomaly import ALARM, Detector
from apps.monitors.anomaly.keeping import freeze, thaw
from apps.monitors.rules.reading import Level, Reading, Rule

_WORDS: Final = {
    "position": "its level is one that it hardly ever had",
    "change": "it moved as it hardly ever moves",
    "distance": "it lies unusually far from its recent level",
    "spread": "it swings unlike before",
    "day": "it is unlike other days at this time",
    "week": "it is unlike other weeks at this time",
    "frozen": "it says the same again and again",
    "still": "its usual swing is gone",
    "gap": "its samples stayed away",
    "missing": "its values are missing",
}


class Unusual(Rule):
    """Alerts on a score, and stays until `calm` minutes passed without another."""

    def __init__(self, parameters: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        self.alert = float(parameters.get("alert") or ALARM)
        self.calm = 60.0 * float(parameters.get("minutes") or 30)
        self.detector = thaw(memory["detector"]) if memory.get("detector") else Detector(longest=3000)
        self.last_at = memory.get("last_at")
        self.why = str(memory.get("why", ""))

    def step(self, at: float, value: float) -> Reading | None:
        """Judge one sample; a peak holds for a while, for peaks are told once."""
        score = self.detector.step(at, value)
        if score >= self.alert:
            self.last_at, self.why = at, _WORDS.get(self.detector.leading, "it is unlike its past")
        is_held = self.last_at is not None and at - self.last_at <= self.calm
        return Reading(Level.ALERT, score, f"{self.why} ({value:.4g})") if is_held else Reading(Level.OK, score, "")

    def memory(self) -> dict[str, Any]:
        """Everything that the detector remembers."""
        return {"detector": freeze(self.detector), "last_at": self.last_at, "why": self.why}
