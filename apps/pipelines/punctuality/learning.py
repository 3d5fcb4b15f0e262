"""What a pipeline's own history says: when its next runs are to be expected, and how long they take.

Only a regular history gives a proposal, and a person accepts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from math import ceil
from statistics import median
from typing import Final

from apps.core.ui.formats import duration
from apps.pipelines.punctuality.days import DayRule, Days
from apps.pipelines.punctuality.expectation import Clock, CronLine, DayLine, Expectation, Goal, Interval
from apps.pipelines.punctuality.facts import Seen

LEAST_RUNS: Final = 8
LEAST_LENGTHS: Final = 10
_DAY: Final = 86_400
_SPREAD: Final = 0.1  # of the middle gap: what still counts as regular
_CLOSE: Final = 10 * 60  # seconds around the same time of day


@dataclass(frozen=True, slots=True)
class Proposal:
    """An expectation out of history, with the evidence in words."""

    expectation: Expectation
    evidence: str


def longest_of(runs: Sequence[Seen], *, least: int = LEAST_LENGTHS) -> timedelta | None:
    """How long a run may take by the last good ones: nine of ten took less, and half as much again or 10 minutes.

    None with fewer than `least` good runs.
    """
    lengths = sorted(
        (run.finished_at - run.started_at).total_seconds()
        for run in runs
        if run.state == "succeeded" and run.started_at and run.finished_at and run.finished_at >= run.started_at
    )
    if len(lengths) < least:
        return None
    high = lengths[ceil(0.9 * len(lengths)) - 1]
    return timedelta(seconds=round(max(high * 1.5, high + 600)))


def propose(runs: Sequence[Seen], *, zone: tzinfo, zone_name: str, least: int = LEAST_RUNS) -> Proposal | None:
    """An expectation that the history would have kept, or None when it is too short or not regular."""
    starts = sorted(run.started_at for run in runs if run.started_at and run.counts and not run.is_by_hand)
    if len(starts) < least:
        return None
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    middle = median(gaps)
    if middle <= 0:
        return None
    return _daily(runs, starts, zone, zone_name, least) or _interval(gaps, middle)


def propose_ready(runs: Sequence[Seen], *, zone: tzinfo, zone_name: str, least: int = LEAST_RUNS) -> Proposal | None:
    """A "ready by" in steps of 15 minutes, a little after the time of day by which nine of ten days were ready."""
    first: dict[date, datetime] = {}
    for ready_at in sorted(run.ready_at for run in runs if run.ready_at and run.counts):
        local = ready_at.astimezone(zone)
        first.setdefault(local.date(), local)
    days = _days_of(list(first))
    if len(first) < least or days is None:
        return None
    clocks = sorted(at.hour * 60 + at.minute for at in first.values())
    high = clocks[ceil(0.9 * len(clocks)) - 1]
    if high - clocks[0] > 180:
        return None
    by = min(23 * 60 + 45, (high // 15 + 2) * 15)
    line = DayLine(days, time(by // 60, by % 60), zone_name)
    evidence = f"On {len(first)} days it was first ready between {_clock(clocks[0])} and {_clock(clocks[-1])}."
    return Proposal(Expectation(Clock((line,)), Goal.READY), evidence)


def _daily(
    runs: Sequence[Seen], starts: Sequence[datetime], zone: tzinfo, zone_name: str, least: int
) -> Proposal | None:
    """Once a day at the same local time, on all or some weekdays."""
    local = [at.astimezone(zone) for at in starts]
    if len({at.date() for at in local}) != len(local):
        return None
    clocks = [at.hour * 3600 + at.minute * 60 + at.second for at in local]
    usual = median(clocks)
    near = [at for at, clock in zip(local, clocks, strict=True) if abs(clock - usual) <= _CLOSE]
    days = _days_of([at.date() for at in near])
    if len(near) < least or len(near) < 0.9 * len(local) or days is None:
        return None
    minute = int(min(at.hour * 60 + at.minute for at in near))
    named = "*" if days.rule is DayRule.DAILY else ",".join(str((day + 1) % 7) for day in days.weekdays)
    line = CronLine(f"{minute % 60} {minute // 60} * * {named}", zone_name)
    evidence = f"{len(near)} of the last {len(local)} runs started within 10 min of {_clock(minute)}, {days.text}."
    return Proposal(Expectation(Clock((line,)), longest=longest_of(runs)), evidence)


def _days_of(dates: Sequence[date]) -> Days | None:
    """Every day, or the weekdays that came at least twice and nearly every week; None when neither fits."""
    found = sorted(set(dates))
    if not found:
        return None
    counts = Counter(day.weekday() for day in found)
    span = (found[0] + timedelta(days=number) for number in range((found[-1] - found[0]).days + 1))
    wanted = sum(day.weekday() in counts for day in span)
    if len(found) < 0.9 * wanted or (len(counts) < 7 and min(counts.values()) < 2):
        return None
    return Days() if len(counts) == 7 else Days(DayRule.WEEKDAYS, tuple(sorted(counts)))


def _interval(gaps: Sequence[float], middle: float) -> Proposal | None:
    """Always the same time between two starts."""
    regular = [gap for gap in gaps if abs(gap - middle) <= max(_SPREAD * middle, 30)]
    if len(regular) < 0.9 * len(gaps) or not 10 <= middle <= 40 * _DAY:
        return None
    step = 60 if middle >= 300 else 1
    every = timedelta(seconds=max(10, round(middle / step) * step))
    said = duration(every.total_seconds())
    evidence = f"{len(regular)} of the last {len(gaps)} runs started {said} after the one before, give or take 10%."
    grace = max(timedelta(seconds=60), min(timedelta(minutes=15), every / 2))
    return Proposal(Expectation(Interval(every), grace=grace), evidence)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
