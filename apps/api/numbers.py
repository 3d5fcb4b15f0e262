"""Numbers that systems send by themselves, from points to what is stored, with what was remembered of their streams."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction

from apps.api.errors import ApiError, waited_too_long
from apps.api.storing import push
from apps.connectors.telemetry.points import Decoded
from apps.connectors.telemetry.reading import Memories, read
from apps.metrics.measures import MEASURES, Family
from apps.sources.models import Source, SourceState, StreamMemory
from apps.sync.finishing import limit_waiting
from apps.sync.pushing import Fate

MOST_STREAMS = 10_000  # remembered of one source; what is not heard for a day is forgotten
SLUGS = frozenset(slug for slug, measure in MEASURES.items() if measure.family is not Family.PORTAL)


def store_numbers(*, source: Source, decoded: Decoded, bytes_read: int) -> list[str]:
    """Store the series of a request; returns why records of it were refused, in sentences.

    The state of the source is locked first, so that of two web processes that got news of one stream the later one
    counts from what the earlier one stored. What is remembered and what is stored is one transaction: a request that
    is sent again counts once. Raises ApiError as `push` does.
    """
    try:
        with transaction.atomic():
            at = limit_waiting()
            SourceState.objects.select_for_update().filter(source=source).first()
            reading = read(decoded, recall=lambda keys: _recall(source, keys), slugs=SLUGS)
            told = push(source=source, records=reading.records, rejected=reading.rejected, bytes_read=bytes_read)
            forgotten = _remember(source, reading.memories, at)
    except OperationalError as error:
        if not waited_too_long(error):
            raise
        message = "Other reports to this source are being stored; send this one again in a few seconds."
        raise ApiError(503, "busy", message, headers={"Retry-After": "2"}) from None
    reasons = [f"{name}: {reason}" for name, reason in decoded.refused.items()]
    reasons += sorted({one.reason for one in told if one.fate is Fate.REFUSED})
    if forgotten:
        reasons.append(
            f"{forgotten} streams are not followed, for this source has {MOST_STREAMS:,} already; send fewer labels."
        )
    return reasons


def _recall(source: Source, keys: Collection[str]) -> Memories:
    rows = StreamMemory.objects.filter(source=source, key__in=list(keys)) if keys else StreamMemory.objects.none()
    return dict(rows.values_list("key", "data"))


def _remember(source: Source, memories: Mapping[str, Mapping[str, Any]], at: datetime) -> int:
    """Keep what the next request needs; returns how many new streams there was no room for."""
    known = set(StreamMemory.objects.filter(source=source, key__in=list(memories)).values_list("key", flat=True))
    new = [key for key in memories if key not in known]
    room = max(0, MOST_STREAMS - StreamMemory.objects.filter(source=source).count()) if new else 0
    kept = [*sorted(known), *new[:room]]
    StreamMemory.objects.bulk_create(
        [StreamMemory(source=source, key=key, data=memories[key], at=at) for key in kept],
        batch_size=2_000,
        update_conflicts=True,
        unique_fields=["source", "key"],
        update_fields=["data", "at"],
    )
    return len(new) - len(new[:room])
