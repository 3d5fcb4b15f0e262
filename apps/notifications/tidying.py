"""Throwing away old deliveries and replays, a bounded batch at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.notifications.models import Delivery, Replay

KEPT_DAYS = 30
BATCH = 5_000
MOST_BATCHES = 40  # a run; the next hour goes on


def tidy_deliveries(*, at: datetime) -> int:
    """Remove what is over and was queued more than 30 days ago; what still waits stays. Returns how many went."""
    oldest = at - timedelta(days=KEPT_DAYS)
    Replay.objects.filter(finished_at__lt=oldest).delete()
    old = Delivery.objects.filter(queued_at__lt=oldest, next_try_at=None).order_by()
    total = 0
    for _ in range(MOST_BATCHES):
        part = list(old.values_list("pk", flat=True)[:BATCH])
        total += Delivery.objects.filter(pk__in=part).delete()[0] if part else 0
        if len(part) < BATCH:
            break
    return total
