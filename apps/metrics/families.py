"""What numbers are about, and what the glossary says of one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from apps.core.ui import formats

Better = Literal["up", "down", "neutral"]
Combine = Literal["sum", "mean", "max"]


class Family(StrEnum):
    """What a number is about; the order is the order of pages."""

    ACCURACY = "accuracy"
    SAFETY = "safety"
    LATENCY = "latency"
    ENGAGEMENT = "engagement"
    COST = "cost"
    RETRIEVAL = "retrieval"
    CACHE = "cache"
    FALLBACK = "fallback"
    TRAFFIC = "traffic"
    PORTAL = "portal"
    OTHER = "other"


FAMILY_LABELS: Final[dict[Family, str]] = {
    Family.ACCURACY: "Are the answers good?",
    Family.SAFETY: "Are the answers safe?",
    Family.LATENCY: "How long do people wait?",
    Family.ENGAGEMENT: "What do people think of it?",
    Family.COST: "What does it cost?",
    Family.RETRIEVAL: "Does it find its sources?",
    Family.CACHE: "How much does the cache save?",
    Family.FALLBACK: "How often does the backup answer?",
    Family.TRAFFIC: "How much is it used?",
    Family.PORTAL: "Is this portal itself well?",
    Family.OTHER: "Other numbers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One entry. `unit` "" keeps the unit of the series (money); `combine` says how features add up to one number.

    `is_observed`: a sample is one observation, so percentiles of any stretch make sense; see sketches.py.
    """

    slug: str
    label: str
    expert_label: str
    family: Family
    unit: str
    better: Better
    meaning: str
    what_to_do: str
    combine: Combine = "mean"
    is_observed: bool = False

    def unit_for(self, series_unit: str = "") -> str:
        """The unit to show values in."""
        return self.unit or series_unit

    def text(self, value: float | None, series_unit: str = "") -> str:
        """A value as people say it: "98.6%", "4.1 s", "4.46 of 5"."""
        return formats.number_text(value, self.unit_for(series_unit))

    def is_worse(self, value: float, than: float) -> bool:
        """Whether `value` lies on the bad side of `than`; a neutral measure has no bad side."""
        return value > than if self.better == "down" else self.better == "up" and value < than

    def combined(self, values: Iterable[float]) -> float | None:
        """One number for several features; None for none."""
        known = list(values)
        if not known:
            return None
        if self.combine == "sum":
            return sum(known)
        return max(known) if self.combine == "max" else sum(known) / len(known)
