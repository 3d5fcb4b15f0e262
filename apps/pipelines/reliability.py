"""From the days of one pipeline to how reliable it is over a period: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final

LOOK_BACK: Final = 120  # days that are read: a red stretch that began before the period has its true length


@dataclass(frozen=True, slots=True)
class Day:
    """One `RunDay`."""

    day: date
    succeeded: int
    retried: int
    failed: int
    took_median: float | None
    first_bad_at: datetime | None
    first_good_at: datetime | None
    red_since: datetime | None
    greens: Sequence[int]


@dataclass(frozen=True, slots=True)
class Summary:
    """The columns of `Reliability`."""

    succeeded: int
    retried: int
    failed: int
    success_rate: float
    flaky_rate: float
    green_count: int
    green_median: float | None
    took_median: float | None
    took_change: float | None
    red_since: datetime | None


def summary(days: Sequence[Day], *, until: date, number: int) -> Summary | None:
    """What `number` days up to and with `until` say; `days` are in order and may begin earlier.

    None when no run passed or failed in them.
    """
    first = until - timedelta(days=number - 1)
    within = [one for one in days if first <= one.day <= until]
    succeeded, failed = sum(one.succeeded for one in within), sum(one.failed for one in within)
    if not succeeded + failed:
        return None
    retried = sum(one.retried for one in within)
    greens = [seconds for day, seconds in times_to_green(days) if first <= day <= until]
    usual = [(one.day, one.took_median) for one in within if one.took_median is not None]
    return Summary(
        succeeded=succeeded,
        retried=retried,
        failed=failed,
        success_rate=succeeded / (succeeded + failed),
        flaky_rate=(retried + len(greens)) / (succeeded + failed),
        green_count=len(greens),
        green_median=median(greens) if greens else None,
        took_median=median(took for _, took in usual) if usual else None,
        took_change=_change(usual, first + timedelta(days=number / 2)),
        red_since=red_since(days),
    )


def times_to_green(days: Sequence[Day]) -> Iterator[tuple[date, float]]:
    """Every red stretch that ended: the day of the success that ended it, and the seconds since its first failure."""
    began: datetime | None = None
    for one in days:
        began = began or one.first_bad_at
        if one.first_good_at and began:
            yield one.day, max(0.0, (one.first_good_at - began).total_seconds())
        if one.first_good_at:
            began = one.red_since
        yield from ((one.day, float(seconds)) for seconds in one.greens)


def red_since(days: Sequence[Day]) -> datetime | None:
    """Since when it has failed without a success; None while its last run passed."""
    began: datetime | None = None
    for one in days:
        began = one.red_since if one.first_good_at else began or one.first_bad_at
    return began


def _change(usual: Sequence[tuple[date, float]], middle: date) -> float | None:
    """How much longer runs take in the later half; None where a half says nothing."""
    earlier = [took for day, took in usual if day < middle]
    later = [took for day, took in usual if day >= middle]
    if not earlier or not later or not median(earlier):
        return None
    return median(later) / median(earlier) - 1
