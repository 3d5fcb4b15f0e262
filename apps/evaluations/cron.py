"""When a schedule comes round, by the clock of its zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

SHORTEST = timedelta(minutes=5)  # between two runs; an evaluation costs money


def next_time(*, cron: str, zone: str, after: datetime) -> datetime:
    """The next time after `after`, in UTC; ValueError with a sentence for what is no schedule, or never comes."""
    try:
        return next(CronSim(cron, after.astimezone(ZoneInfo(zone)))).astimezone(UTC)
    except (CronSimError, StopIteration):
        raise ValueError("Write the times as in cron: minute hour day month weekday, such as 0 3 * * *.") from None


def check_cron(*, cron: str, zone: str, at: datetime) -> None:
    """ValueError with a sentence for what is no schedule, or for one that comes too often."""
    first = next_time(cron=cron, zone=zone, after=at)
    if next_time(cron=cron, zone=zone, after=first) - first < SHORTEST:
        raise ValueError("A suite runs at most every five minutes.")
