"""Which bins of a series are read: wide ones over the whole span, narrow ones around a first estimate of the onset."""

from __future__ import annotations

from dataclasses import dataclass

from apps.incidents.suspects.facts import Times
from apps.incidents.suspects.onset import BACK

DAY = 86_400.0
HOUR = 3_600.0
WIDE = 400  # bins of the whole span
NARROW = 60.0  # seconds
CLOSE = 1.5 * HOUR  # how far around the estimate bins are narrow
WEEK = 7 * DAY
LONGEST = 12 * HOUR  # how long after it was noticed the symptoms are followed


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` in bins of `step` seconds."""

    start: float
    end: float
    step: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The spans to read: `coarse` for a first estimate, `whole` for the last; the usual rhythm is of a week before."""

    coarse: list[Span]
    whole: list[Span]
    usual_from: float


def plan_of(times: Times, *, around: float | None = None) -> Plan:
    """What to read for an incident; `around` is the first estimate."""
    start = min(times.impact_started_at, times.detected_at) - BACK
    end = min(times.until, times.detected_at + LONGEST)
    step = max(60.0, (end - start) / WIDE)
    coarse = [Span(start, end, step)]
    if around is None:
        return Plan(coarse, coarse, start - WEEK + DAY)
    low, high = max(start, around - CLOSE), min(end, around + CLOSE)
    whole = [Span(start, low, step), Span(low, high, NARROW), Span(high, end, step)]
    return Plan(coarse, [span for span in whole if span.end > span.start], start - WEEK + DAY)
