"""When nothing should be deployed: freezes that come once or every week by the clock of one zone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A stretch of every week on the wall clock of a zone, such as Friday 16:00 to Monday 08:00; Monday is day 0.

    The same day and time at both ends is the whole week.
    """

    first_day: int
    first_time: time
    last_day: int
    last_time: time
    zone: tzinfo

    def in_week_of(self, monday: date) -> tuple[datetime, datetime]:
        """The stretch that begins in the week of this Monday; it may end in the next one."""
        start = monday + timedelta(days=self.first_day)
        end = monday + timedelta(days=self.last_day)
        if (self.last_day, self.last_time) <= (self.first_day, self.first_time):
            end += WEEK
        return datetime.combine(start, self.first_time, self.zone), datetime.combine(end, self.last_time, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One freeze. Without features (ids) it is for all of them, and likewise without environments.

    `weekly`: repeats between `starts_at` and `ends_at`; None is one stretch from the one to the other.
    """

    id: int
    name: str = ""
    starts_at: datetime
    ends_at: datetime | None = None
    lifted_at: datetime | None = None
    weekly: Weekly | None = None
    features: frozenset[int] = field(default=frozenset())
    environments: frozenset[int] = field(default=frozenset())

    def concerns(self, feature: int | None, environment: int | None) -> bool:
        """Whether it is meant for this feature in this environment; what belongs to none is met by "all" alone."""
        return (not self.features or feature in self.features) and (
            not self.environments or environment in self.environments
        )

    def holds_at(self, at: datetime) -> bool:
        """Whether it is frozen at this moment; the end itself is free again."""
        return any(start <= at < end for start, end in stretches(self, at, at + timedelta(microseconds=1)))


def is_frozen(freezes: Iterable[Window], feature: int | None, environment: int | None, at: datetime) -> bool:
    """Whether nothing should be deployed for the feature into the environment (their ids) at this moment."""
    return any(True for _ in freezes_at(freezes, feature, environment, at))


def freezes_at(
    freezes: Iterable[Window], feature: int | None, environment: int | None, at: datetime
) -> Iterator[Window]:
    """The freezes that say so."""
    return (one for one in freezes if one.concerns(feature, environment) and one.holds_at(at))


def stretches(window: Window, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The frozen stretches that touch the time from `start` to `end`, oldest first, not cut to it."""
    last = min((at for at in (window.ends_at, window.lifted_at) if at), default=None)
    for begin, finish in _repeated(window, start, end):
        begin, finish = max(begin, window.starts_at), min(finish, last) if last else finish
        if begin < finish and begin < end and finish > start:
            yield begin, finish


def _repeated(window: Window, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    weekly = window.weekly
    if weekly is None:
        yield window.starts_at, window.ends_at or end + WEEK
        return
    first = start.astimezone(weekly.zone).date()
    monday = first - timedelta(days=first.weekday()) - WEEK  # a stretch may have begun in the week before
    while datetime.combine(monday, time.min, weekly.zone) < end:
        yield weekly.in_week_of(monday)
        monday += WEEK
