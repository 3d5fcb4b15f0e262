"""What the pages of the app show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from apps.catalog.models import Feature
from apps.health.models import FeatureHealth, HealthSpan
from apps.health.queries.history import strip, strip_words, uptime_ratio
from apps.health.reasons import Reason, from_json
from apps.health.strips import Cell

STRIPS: Final = {  # key -> (what it is called, its length, bars)
    "24h": ("Last 24 hours", timedelta(hours=24), 48),
    "7d": ("Last 7 days", timedelta(days=7), 56),
    "90d": ("Last 90 days", timedelta(days=90), 90),
}


@dataclass(frozen=True, slots=True)
class Strip:
    """The past in one row of bars."""

    key: str
    label: str
    cells: list[Cell]
    words: str
    start: datetime
    uptime: float | None


def reasons_of(health: FeatureHealth) -> list[Reason]:
    """The reasons of the judgement that stands, worst first."""
    return [from_json(stored) for stored in health.reasons]


def health_of(*, feature: Feature) -> FeatureHealth | None:
    """The judgement that stands, None before the first one."""
    return FeatureHealth.objects.filter(pk=feature.pk).first()


def recent_spans(*, feature_id: int, limit: int = 20) -> list[HealthSpan]:
    """The newest stretches, newest first."""
    return list(HealthSpan.objects.filter(feature_id=feature_id).order_by("-started_at")[:limit])


def strip_of(*, feature_id: int, key: str, at: datetime) -> Strip:
    """The strip of one feature; an unknown key is the last day."""
    key = key if key in STRIPS else "24h"
    label, length, bars = STRIPS[key]
    cells = strip(feature_ids=[feature_id], start=at - length, end=at, buckets=bars)[feature_id]
    share = uptime_ratio(feature_id=feature_id, days=max(1, length.days), at=at)
    return Strip(key, label, cells, strip_words(cells, span=length), at - length, share)


def as_json(*, feature: Feature, health: FeatureHealth | None, spans: list[HealthSpan]) -> dict[str, Any]:
    """The judgement with its reasons and the stretches before it, for machines."""
    return {
        "feature": feature.slug,
        "name": feature.name,
        "status": health.status if health else "unknown",
        "sentence": health.sentence if health else "Not judged yet.",
        "since": health.since if health else None,
        "evaluated_at": health.evaluated_at if health else None,
        "oldest_input_at": health.oldest_input_at if health else None,
        "version": health.version if health else 0,
        "data": {"as_of": health.data_as_of, "because": health.data_because} if health else None,
        "reasons": health.reasons if health else [],
        "history": [
            {
                "status": span.status,
                "sentence": span.sentence,
                "started_at": span.started_at,
                "ended_at": span.ended_at,
                "judged_afterwards": span.is_replayed,
            }
            for span in spans
        ],
    }
