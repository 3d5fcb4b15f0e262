"""A vendor's schedule text, as connectors store it, read as an expectation.

`0 2 * * * (Europe/Berlin)` · `every 900 s (UTC)` · several joined by `; ` · recurrence rules · presets such as
`@daily` · fixed differences such as `(UTC+01:00)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from apps.pipelines.punctuality.expectation import Clock, CronLine, Expectation, Interval, RuleLine, zone_of
from apps.pipelines.punctuality.slots import rule_of

_PRESETS: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SECONDS: Final = {
    "s": 1,
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_678_400,
    "year": 31_622_400,
}  # fmt: skip - of the longest month and year: late rather than wrong
_ZONE: Final = re.compile(r"^(.*?)\s*\(((?:UTC|[A-Z][A-Za-z]+)(?:[/+-][\w+\-/:]+)?)\)$")
_PART: Final = re.compile(r"^([\d.]+)\s*(s|second|minute|hour|day|week|month|year)s?$")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: an expectation, or in words why it says none."""

    expectation: Expectation | None
    reason: str = ""


def read_schedule(text: str) -> Reading:
    """The expectation a schedule text stands for; with several schedules every one of them is expected."""
    parts = [part.strip() for part in text.split("; ") if part.strip()]
    if not parts:
        return Reading(None, "It has no schedule.")
    lines: list[CronLine | RuleLine] = []
    intervals: list[timedelta] = []
    for part in parts:
        try:
            found = _read(part)
        except ValueError as error:
            return Reading(None, f"Its schedule “{part[:80]}” is not understood: {error}")
        match found:
            case timedelta():
                intervals.append(found)
            case CronLine() | RuleLine():
                lines.append(found)
            case None:
                continue
    try:
        if intervals:
            return Reading(Expectation(Interval(min(intervals))))
    except ValueError as error:
        return Reading(None, f"Its schedule is not understood: {error}")
    if lines:
        return Reading(Expectation(Clock(tuple(lines))))
    return Reading(None, f"Its schedule “{text[:80]}” follows no clock.")


def _read(part: str) -> CronLine | RuleLine | timedelta | None:
    """One schedule; None for one that follows no clock."""
    found = _ZONE.match(part)
    text, zone = (found[1], found[2]) if found else (part, "UTC")
    zone_of(zone)
    lowered = text.lower()
    if lowered.startswith("every "):
        return _interval(lowered.removeprefix("every "))
    if "FREQ=" in text.upper():
        rule_of(text.upper())
        return RuleLine(text.upper(), zone)
    cron = _PRESETS.get(lowered, text).replace("?", "*")
    fields = cron.split()
    if len(fields) == 5 and re.fullmatch(r"[\d*,/\-]+", fields[0]):
        return CronLine(cron, zone)
    return None


def _interval(text: str) -> timedelta:
    seconds = 0.0
    for part in re.split(r",\s*|\s+and\s+", text):
        found = _PART.match(part.strip())
        if found is None:
            raise ValueError("an interval names a number and a unit.")
        seconds += float(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds < 10 * 366 * 86_400:
        raise ValueError("the interval is out of range.")
    return timedelta(seconds=seconds)
