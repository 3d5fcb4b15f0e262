"""Windows of planned work that come again, by the clock of their zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

LONGEST: Final = timedelta(days=7)  # of one window; longer, and nobody would be woken any more


def window_at(*, cron: str, zone: str, length: timedelta, at: datetime) -> tuple[datetime, datetime] | None:
    """The window that `at` lies in, its end excluded; None between two windows."""
    start = next_start(cron=cron, zone=zone, after=at - length)
    return (start, start + length) if start is not None and start <= at else None


def next_start(*, cron: str, zone: str, after: datetime) -> datetime | None:
    """When the next window begins, in UTC; None where none ever does."""
    try:
        return next(CronSim(cron, after.astimezone(ZoneInfo(zone)))).astimezone(UTC)
    except StopIteration:
        return None


def problem(*, cron: str, length: timedelta) -> str:
    """What is wrong with such windows, or ""."""
    try:
        starts = CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC))
        first, second = next(starts), next(starts)
    except (CronSimError, StopIteration):
        return "Write the times as in cron: minute hour day month weekday, such as 0 3 * * 1."
    if length > LONGEST:
        return "One window lasts a week at most."
    return "A window ends before the next one begins." if first + length >= second else ""


def weekly(start: datetime) -> str:
    """The same weekday and time every week."""
    return f"{start.minute} {start.hour} * * {start.isoweekday() % 7}"


def daily(start: datetime) -> str:
    """The same time every day."""
    return f"{start.minute} {start.hour} * * *"
