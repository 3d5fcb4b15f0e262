"""What is expected of a pipeline: when, how much later is still fine, and how long a run may take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from apps.core.ui.formats import duration
from apps.pipelines.punctuality.days import Days

GRACE: Final = timedelta(minutes=15)
CUT_OFF: Final = timedelta(hours=24)  # so long after its deadline a run that never came is missed, not late


class Goal(StrEnum):
    """What must have happened by the due time."""

    START = "start"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class CronLine:
    """A cron expression of five fields in a time zone."""

    expression: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if len(self.expression.split()) != 5:
            raise ValueError("A cron expression has five fields: minute, hour, day, month, weekday.")
        try:
            CronSim(self.expression, datetime(2024, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"“{self.expression}” is no cron expression: {error}.") from None

    @property
    def text(self) -> str:
        return f"{self.expression} ({self.zone})"


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A recurrence rule (RFC 5545), daily or rarer, in a time zone; without DTSTART it counts from 2020."""

    rule: str
    zone: str = "UTC"

    @property
    def text(self) -> str:
        return f"{self.rule} ({self.zone})"


@dataclass(frozen=True, slots=True)
class DayLine:
    """A time of day on some days."""

    days: Days
    at: time
    zone: str = "UTC"

    def __post_init__(self) -> None:
        zone_of(self.zone)

    @property
    def text(self) -> str:
        return f"{self.days.text} at {self.at:%H:%M} ({self.zone})"


Line = CronLine | RuleLine | DayLine


@dataclass(frozen=True, slots=True)
class Clock:
    """Due whenever one of its lines says so."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "; ".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Interval:
    """Due so long after the run before it started."""

    every: timedelta

    def __post_init__(self) -> None:
        if self.every < timedelta(seconds=10):
            raise ValueError("An interval is 10 seconds or longer.")

    @property
    def text(self) -> str:
        return f"every {duration(self.every.total_seconds())}"


@dataclass(frozen=True, slots=True)
class After:
    """Due so long after a run of another pipeline succeeded."""

    upstream: str
    within: timedelta

    @property
    def text(self) -> str:
        return f"within {duration(self.within.total_seconds())} after {self.upstream}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One pipeline's expectation. `longest`: how long a run may take, None for as long as it likes."""

    timing: Clock | Interval | After
    goal: Goal = Goal.START
    grace: timedelta = GRACE
    longest: timedelta | None = None
    cut_off: timedelta = CUT_OFF

    def __post_init__(self) -> None:
        if self.grace < timedelta(0) or (self.longest is not None and self.longest <= timedelta(0)):
            raise ValueError("Grace and the longest duration are not negative.")

    @property
    def zone(self) -> tzinfo:
        """The zone its times are said in."""
        return zone_of(self.timing.lines[0].zone) if isinstance(self.timing, Clock) else UTC

    @property
    def text(self) -> str:
        """ "ready by every business day (DE) at 13:00 (Europe/Berlin)"."""
        return f"ready {self.timing.text}" if self.goal is Goal.READY else self.timing.text


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name, or of a fixed difference such as `UTC+01:00`; ValueError for anything else."""
    if name.startswith(("UTC+", "UTC-")):
        sign = -1 if name[3] == "-" else 1
        try:
            hours, minutes = map(int, name[4:].split(":"))
            return timezone(sign * timedelta(hours=hours, minutes=minutes), name)
        except ValueError:
            raise ValueError(f"“{name}” is no difference to UTC; write UTC+01:00.") from None
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"“{name}” is no time zone; write one like Europe/Berlin.") from None
