"""How fresh a source's news are: a pure rule of the last good poll, the interval and a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from apps.core.ui.formats import duration

FRESH_UNTIL = 1.5  # intervals
LATE_UNTIL = 3.0


class Freshness(StrEnum):
    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Age:
    """The judgement with a sentence for people; `seconds` since the last good poll, None if there was none."""

    state: Freshness
    sentence: str
    seconds: float | None = None

    @property
    def is_stale(self) -> bool:
        """Whether numbers of this source must be shown as old: stale or never heard, never green."""
        return self.state in (Freshness.STALE, Freshness.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Lag:
    """The age against the interval: `intervals` for a meter that is full at `LATE_UNTIL`, `words` for people."""

    intervals: float
    words: str
    state: Freshness
    full: float = LATE_UNTIL

    @property
    def is_late(self) -> bool:
        """Whether it is past the time in which news counts as fresh."""
        return self.state is not Freshness.FRESH


def lag_of(*, age: Age, interval_seconds: float) -> Lag:
    """How far behind its rhythm a source is; never heard counts as a full meter."""
    if age.seconds is None:
        return Lag(LATE_UNTIL, "never heard", age.state)
    intervals = age.seconds / interval_seconds
    if intervals <= 1:
        return Lag(intervals, f"within its {duration(interval_seconds)}", age.state)
    counted = f"{intervals:.1f}" if intervals < 10 else f"{intervals:,.0f}"
    return Lag(min(intervals, LATE_UNTIL), f"{counted} intervals of {duration(interval_seconds)}", age.state)


def judge_freshness(
    *, last_success_at: datetime | None, interval_seconds: float, at: datetime, error: str = "", is_paused: bool = False
) -> Age:
    """Fresh up to 1.5 intervals after the last good poll, late up to 3, stale beyond, unknown without one.

    `error` is the last failure's sentence and `is_paused` the people's decision: both only explain, neither excuses.
    """
    why = " It is paused." if is_paused else (f" {error}" if error else "")
    if last_success_at is None:
        return Age(Freshness.UNKNOWN, f"Never heard yet.{why}")
    seconds = max(0.0, (at - last_success_at).total_seconds())
    if seconds <= interval_seconds * FRESH_UNTIL:
        return Age(
            Freshness.FRESH, f"Heard {_ago(seconds)}; news is expected every {duration(interval_seconds)}.", seconds
        )
    said = f"Last heard {_ago(seconds)}, though news is expected every {duration(interval_seconds)}.{why}"
    state = Freshness.LATE if seconds <= interval_seconds * LATE_UNTIL else Freshness.STALE
    return Age(state, said, seconds)


def _ago(seconds: float) -> str:
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"
