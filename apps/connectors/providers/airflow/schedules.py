"""A DAG's schedule in words that people and the portal both read: `0 2 * * * (Europe/Berlin)`, `every 3600 s`."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DELTA = re.compile(r"^(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)(?:\.\d+)?$")  # as Python writes a timedelta
_CRON = re.compile(r"^[\d*,/\-A-Za-z#?]+(?: [\d*,/\-A-Za-z#?LW]+){4,5}$")
LIMIT = 200


def is_cron(schedule: str) -> bool:
    """Whether it means something else in another time zone."""
    return bool(_CRON.match(schedule))


def readable_schedule(schedule: str, *, zone: str, next_run: datetime | None) -> str:
    """The schedule with its time zone, if it has one that is known for certain.

    `zone` is the DAG's, but a timetable may have one of its own: when the next run does not come at the hour that the
    expression says in this zone, the zone is left out.
    """
    if delta := _DELTA.match(schedule):
        days, hours, minutes, seconds = (int(part or 0) for part in delta.groups())
        return f"every {days * 86_400 + hours * 3_600 + minutes * 60 + seconds} s"
    text = " ".join(schedule.split())[:LIMIT]
    if zone and is_cron(text) and _agrees(text, zone, next_run):
        return f"{text} ({zone})"
    return text


def _agrees(cron: str, zone: str, next_run: datetime | None) -> bool:
    """Whether the next run, if any, comes at the expression's hour and minute, as far as those are plain numbers."""
    try:
        local = next_run.astimezone(ZoneInfo(zone)) if next_run else None
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        return False
    if local is None:
        return True
    minute, hour, *_ = cron.split()
    said = ((minute, local.minute), (hour, local.hour))
    return all(int(text) == number for text, number in said if text.isdigit())
