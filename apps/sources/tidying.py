"""Throwing away what nobody will look at again, a bounded batch at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Model, QuerySet

from apps.sources.models import DeadLetter, Heartbeat, Poll, RawRecord, Source, StreamMemory, WebhookDelivery

POLL_DAYS = 7
LAST_POLLS = 200  # of every source, however old
LETTER_DAYS = 30
DELIVERY_DAYS = 7  # as long as a repeated webhook is recognised
MEMORY_DAYS = 1
BATCH = 5_000
MOST_BATCHES = 40  # a run; the next hour goes on


def tidy(*, at: datetime) -> dict[str, int]:
    """Remove old polls, originals, letters, signs of life, deliveries and memories; returns how many of each went."""
    gone = {"polls": 0, "originals": 0, "letters": 0, "heartbeats": 0, "deliveries": 0, "memories": 0}
    for source in Source.objects.only("pk", "raw_kept_days"):
        gone["polls"] += _remove(_old_polls(source, at))
        oldest = at - timedelta(days=source.raw_kept_days)
        gone["originals"] += _remove(RawRecord.objects.filter(source=source, seen_at__lt=oldest))
    gone["letters"] = _remove(DeadLetter.objects.filter(last_seen_at__lt=at - timedelta(days=LETTER_DAYS)))
    gone["heartbeats"] = _remove(Heartbeat.objects.filter(at__lt=at - timedelta(days=1)))
    gone["deliveries"] = _remove(WebhookDelivery.objects.filter(at__lt=at - timedelta(days=DELIVERY_DAYS)))
    gone["memories"] = _remove(StreamMemory.objects.filter(at__lt=at - timedelta(days=MEMORY_DAYS)))
    return gone


def _old_polls(source: Source, at: datetime) -> QuerySet[Poll]:
    polls = Poll.objects.filter(source=source)
    kept = (
        polls.order_by("-started_at", "-id").values_list("started_at", flat=True)[LAST_POLLS - 1 : LAST_POLLS].first()
    )
    if kept is None:
        return polls.none()
    return polls.filter(started_at__lt=min(kept, at - timedelta(days=POLL_DAYS)))


def _remove(rows: QuerySet[Model]) -> int:
    """Delete in short transactions, so that no poll waits long for a lock."""
    model, total = rows.model, 0
    for _ in range(MOST_BATCHES):
        part = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
        if not part:
            break
        total += model._default_manager.filter(pk__in=part).delete()[0]
        if len(part) < BATCH:
            break
    return total
