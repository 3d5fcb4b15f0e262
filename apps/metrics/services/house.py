"""The hourly housekeeping of samples."""

from __future__ import annotations

from datetime import datetime

from apps.metrics.services.hours import forget_old, roll_up_hours
from apps.metrics.services.partitions import keep_partitions
from apps.metrics.services.primaries import refresh_primaries


def keep_house(*, at: datetime) -> str:
    """Partitions for the next days, none for days no longer kept, primary series chosen anew, hours rolled up."""
    kept = keep_partitions(at=at)
    if kept.dropped:
        forget_old(at=at)
    chosen = refresh_primaries()
    return f"{kept}; {chosen} series changed their rank; {roll_up_hours(at=at)} stretches rolled up"
