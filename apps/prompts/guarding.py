"""Whether a guarded rollout may grow: what was not evaluated is never healthy, and only healthy time counts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FRESH: Final = timedelta(minutes=10)  # a judgement says nothing of what comes later
HEALTHY, ALERTING, UNKNOWN = "healthy", "alerting", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a guard said last, and when; None when it never did."""

    name: str
    health: str
    why: str
    at: datetime | None

    @property
    def healthy_until(self) -> datetime | None:
        """Up to when its word stands for health; None without such a word."""
        return self.at + FRESH if self.health == HEALTHY and self.at is not None else None


def healthy_seconds(*, before: float, since: datetime, judgements: Sequence[Judgement], at: datetime) -> float:
    """`before`, and the time from `since` to `at` in which every guard was healthy by a word that was fresh then."""
    ends = [one.healthy_until for one in judgements]
    until = min([at, *(end or since for end in ends)])
    return before + max((until - since).total_seconds(), 0.0)


def obstacle(*, judgements: Sequence[Judgement], healthy: float, soak: float, at: datetime) -> str:
    """Why the rollout may not grow, in a sentence; "" when it may. `healthy` and `soak` are seconds."""
    for one in judgements:
        if one.health == ALERTING:
            return f"“{one.name}” alerts: {one.why}"
        if one.health == UNKNOWN or one.at is None or at - one.at > FRESH:
            return f"“{one.name}” is not evaluated now, and what is not evaluated is not healthy."
        if one.health != HEALTHY:
            return f"“{one.name}” is not healthy: {one.why}"
    if healthy < soak:
        return f"It was healthy for {int(healthy // 60)} of the {int(soak // 60)} minutes that a step takes."
    return ""
