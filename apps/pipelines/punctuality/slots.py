"""The times at which something is due, across daylight saving.

A local time that the clock skips in spring is not expected: schedulers disagree on whether it runs. One that the
clock shows twice in autumn is due at the first, and may come at the second.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Final

from cronsim import CronSim
from dateutil.rrule import DAILY, rrule, rruleset, rrulestr

from apps.pipelines.punctuality.days import ONE_DAY
from apps.pipelines.punctuality.expectation import Clock, CronLine, DayLine, Line, RuleLine, zone_of

MOST: Final = 5000  # slots of one question
ANCHOR: Final = datetime(2020, 1, 1)  # noqa: DTZ001 - local, the zone is the line's
_NEAR: Final = timedelta(hours=3)
_LOOK_BACKS: Final = tuple(timedelta(hours=hours) for hours in (2, 50, 9 * 24, 40 * 24, 400 * 24))


@dataclass(frozen=True, slots=True)
class Slot:
    """Something is due at `due_at` (UTC); `slack` beside the grace where clocks jump."""

    due_at: datetime
    slack: timedelta = timedelta(0)


def slots_between(clock: Clock, start: datetime, end: datetime) -> list[Slot]:
    """Every slot with start <= due < end, oldest first; at most `MOST`."""
    if start >= end:
        return []
    found: dict[datetime, Slot] = {}
    for due_at, zone in heapq.merge(*(_with_zone(line, start, end) for line in clock.lines), key=lambda one: one[0]):
        found.setdefault(due_at, Slot(due_at, _slack(due_at, zone)))
        if len(found) >= MOST:
            break
    return list(found.values())


def next_slots(clock: Clock, after: datetime, count: int) -> list[Slot]:
    """The next `count` slots due after `after`; fewer when the year ahead has no more."""
    for ahead in _LOOK_BACKS:
        found = slots_between(clock, after + timedelta(microseconds=1), after + ahead)
        if len(found) >= count:
            break
    return found[:count]


def look_back(clock: Clock, now: datetime, count: int) -> datetime:
    """A time before `now` since when at least `count` slots were due, if the year before has so many."""
    for back in _LOOK_BACKS:
        if len(slots_between(clock, now - back, now)) >= count:
            break
    return now - back


def _with_zone(line: Line, start: datetime, end: datetime) -> Iterator[tuple[datetime, tzinfo]]:
    zone = zone_of(line.zone)
    for due in islice(_of_line(line, zone, start, end), MOST):
        yield due.astimezone(UTC), zone


def _of_line(line: Line, zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    match line:
        case CronLine():
            return _of_cron(line, zone, start, end)
        case RuleLine():
            return _of_rule(line, zone, start, end)
        case DayLine():
            return _of_days(line, zone, start, end)


def _of_cron(line: CronLine, zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """CronSim gives what the skipped hour holds at its end; such a tick shows another time than the fields say."""
    cron = CronSim(line.expression, (start - timedelta(microseconds=1)).astimezone(zone).replace(microsecond=0))
    for due in cron:
        if due >= end:
            return
        local = due.astimezone(zone)
        if due >= start and local.hour in cron.hours and local.minute in cron.minutes:
            yield due


def _of_days(line: DayLine, zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    first, last = (start.astimezone(zone) - ONE_DAY).date(), end.astimezone(zone).date()
    for day in line.days.between(first, last):
        due = datetime.combine(day, line.at, zone)
        if not _is_skipped(due) and start <= due < end:
            yield due


def _of_rule(line: RuleLine, zone: tzinfo, start: datetime, end: datetime) -> Iterator[datetime]:
    first = start.astimezone(zone).replace(tzinfo=None) - ONE_DAY
    for local in rule_of(line.rule, near=first).between(first, end.astimezone(zone).replace(tzinfo=None), inc=True):
        due = local.replace(tzinfo=zone)
        if not _is_skipped(due) and start <= due < end:
            yield due


def rule_of(text: str, *, near: datetime | None = None) -> rrule | rruleset:
    """The rule that a text states, in local time; ValueError when it is none, or finer than a day.

    A plain rule that repeats every day or so is moved to begin at `near`, so that years need not be walked through.
    """
    lines = text.replace(" RRULE:", "\nRRULE:").replace(" EXDATE:", "\nEXDATE:").replace(" RDATE:", "\nRDATE:")
    try:
        rule = rrulestr(lines, dtstart=ANCHOR, ignoretz=True)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"“{text}” is no recurrence rule: {error}.") from None
    if isinstance(rule, rruleset):
        if any(one._freq > DAILY for one in rule._rrule):
            raise ValueError("A recurrence rule finer than a day is not understood; use an interval.")
        return rule
    if rule._freq > DAILY:
        raise ValueError("A recurrence rule finer than a day is not understood; use an interval.")
    is_plain = rule._freq == DAILY and rule._interval == 1 and not rule._count and rule._dtstart < (near or ANCHOR)
    return rule.replace(dtstart=datetime.combine(near, rule._dtstart.time())) if near and is_plain else rule


def _is_skipped(due: datetime) -> bool:
    """Whether the clock never shows this local time."""
    return due.astimezone(UTC).astimezone(due.tzinfo).replace(tzinfo=None) != due.replace(tzinfo=None)


def _slack(due_at: datetime, zone: tzinfo) -> timedelta:
    """How far the clock jumps within three hours of the slot."""
    before, after = ((due_at + shift).astimezone(zone).utcoffset() for shift in (-_NEAR, _NEAR))
    return abs((after or timedelta(0)) - (before or timedelta(0)))
