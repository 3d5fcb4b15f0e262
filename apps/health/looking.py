"""What is news to a person who looked before: since when, and which figures moved enough to be told. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from apps.metrics.families import Measure

VISIT: Final = timedelta(minutes=30)  # looks that are nearer belong to one visit, in which news stay news
WRITE_EVERY: Final = timedelta(minutes=5)
TELLING: Final = 0.1  # of the value before
TELLING_SHARE: Final = 0.25  # of what was lacking: from 99% to 98.7% answered is more that fails, by a third
LEAST_SHARE: Final = 0.005  # and at least half a point


def since_of(*, looked_at: datetime, since: datetime | None, at: datetime) -> datetime | None:
    """From when on news are news: the last look, or within a visit the end of the one before; None at the first."""
    return looked_at if at - looked_at > VISIT else since


def is_telling(measure: Measure, value: float, before: float) -> bool:
    """Whether a figure with a good direction moved so much that people should be told."""
    if measure.better == "neutral":
        return False
    if measure.unit == "ratio" and measure.better == "up":
        return abs(value - before) >= max(LEAST_SHARE, TELLING_SHARE * (1 - before))
    return abs(value - before) > TELLING * abs(before)
