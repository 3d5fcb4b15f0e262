"""A DAG's schedule in words that people and the portal both read: `0 2 * * * (Europe/Berlin)`, `every 3600 s`.

Airflow's lists do not name the time zone of a schedule, and the details of Airflow 3.3 call every one UTC. What is
certain is when the scheduler makes the next run: it tells the difference to UTC, and whether a zone can be the one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_DELTA = re.compile(r"^(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)(?:\.\d+)?$")  # as Python writes a timedelta
_CRON = re.compile(r"^[\d*,/\-]+ [\d*,/\-]+(?: [\w*,/\-#?]+){3,4}$")
_PART = re.compile(r"^(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?$")
LIMIT = 180
HALF_A_DAY, DAY = 720, 1440  # minutes


def readable_schedule(schedule: str, *, zone: str, next_run: datetime | None) -> str:
    """The schedule; a cron expression with its time zone as far as `next_run` proves it.

    `zone` is a name that may be the right one, or "". Otherwise the present difference to UTC stands in its place,
    and nothing when the expression leaves it open.
    """
    if delta := _DELTA.match(schedule):
        days, hours, minutes, seconds = (int(part or 0) for part in delta.groups())
        return f"every {days * 86_400 + hours * 3_600 + minutes * 60 + seconds} s"
    text = " ".join(schedule.split())[:LIMIT]
    if next_run is None or not _CRON.match(text):
        return text
    minute, hour, *_ = text.split()
    if zone and _comes_at(minute, hour, next_run.astimezone(ZoneInfo(zone))):
        return f"{text} ({zone})"
    if minute.isdigit() and hour.isdigit():
        return f"{text} ({_difference(int(hour) * 60 + int(minute), next_run)})"
    return text


def _comes_at(minute: str, hour: str, local: datetime) -> bool:
    return _allows(minute, local.minute, most=59) and _allows(hour, local.hour, most=23)


def _allows(text: str, number: int, *, most: int) -> bool:
    """Whether one field of a cron expression (`5`, `*/15`, `8-18`, `6,18`) lets the number through."""
    for part in text.split(","):
        if (found := _PART.match(part)) is None:
            continue
        first, last, step = (int(group) if group and len(group) < 5 else None for group in found.groups())
        begin = first or 0
        end = last if last is not None else (first if first is not None and step is None else most)
        if begin <= number <= end and (number - begin) % (step or 1) == 0:
            return True
    return False


def _difference(said: int, next_run: datetime) -> str:
    """`UTC+01:00` for an expression that says 6:00 (`said`, in minutes) and comes at 5:00 UTC."""
    at = next_run.astimezone(UTC)
    ahead = (said - at.hour * 60 - at.minute) % DAY
    ahead = ahead - DAY if ahead > HALF_A_DAY else ahead
    sign, minutes = ("-" if ahead < 0 else "+"), abs(ahead)
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}" if ahead else "UTC"
