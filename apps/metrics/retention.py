"""For how long each level of a series is kept: samples, hours, days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings

LONGEST_KEPT: Final = 400  # days of samples


def sample_days() -> int:
    """For how many days samples are kept."""
    return min(LONGEST_KEPT, int(getattr(settings, "SAMPLES_KEPT_DAYS", 120)))


def hot_days() -> int:
    """For how many whole days samples lie in rows before they are packed; a week back is looked at all the time."""
    return max(2, int(getattr(settings, "SAMPLES_HOT_DAYS", 8)))


def packed_before(at: datetime) -> datetime:
    """Samples before this time may be packed, or soon be; a day more than is packed, whatever midnight is crossed."""
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=hot_days() - 1)


def hour_days() -> int:
    """For how many days hours are kept; never shorter than samples, of which they are made."""
    return max(sample_days(), int(getattr(settings, "HOURS_KEPT_DAYS", 400)))


def day_days() -> int:
    """For how many days days are kept; never shorter than hours."""
    return max(hour_days(), int(getattr(settings, "DAYS_KEPT_DAYS", 1825)))
