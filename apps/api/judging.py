"""What came of a change, for whoever decides about a rollback without looking at a page."""

from __future__ import annotations

from math import isfinite
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.api.deciding import enter_to_read
from apps.api.document import Api, described
from apps.api.errors import ApiError
from apps.events.models import Event
from apps.metrics import queries as metrics
from apps.metrics.impacts import Impact

LARGEST = 2**63 - 1


def add_to(api: Api) -> None:
    """Give the API its address."""
    api.get(
        "/changes/{id}/impact",
        auth=enter_to_read,
        url_name="impact",
        operation_id="impact",
        summary="What came of a change",
        description="The measures of its feature before and after a change of the ledger, worst first.",
        openapi_extra=described("read", answer="impact"),
    )(impact)


def impact(request: HttpRequest, id: int, window: str = "6h") -> dict[str, Any]:
    """Verdict, sentence, each measure, and the other changes of that time; `window` is 1h, 6h, 24h or 3d."""
    if window not in metrics.WINDOWS:
        raise ApiError(422, "bad_window", f"`window` is one of {', '.join(metrics.WINDOWS)}.", field="window")
    event = Event.objects.filter(pk=min(id, LARGEST), is_change=True).select_related("feature").first()
    if event is None:
        raise ApiError(404, "not_found", "No change of the ledger has this number.")
    card = metrics.impact_card(event=event, window=window, at=timezone.now())
    return {
        "change": event.pk,
        "title": event.title,
        "at": event.at.isoformat(),
        "feature": event.feature.slug if event.feature else None,
        "window": window,
        "from": card.start.isoformat(),
        "to": card.end.isoformat(),
        "is_over": card.is_over,
        "verdict": card.verdict.value,
        "sentence": card.sentence,
        "level": card.level,
        "measures": [_row(row) for row in card.rows],
        "collisions": [
            {"change": one.event_id, "title": one.title, "at": one.at.isoformat(), "family": one.family.value}
            for one in card.collisions
        ],
        "url": request.build_absolute_uri(f"/metrics/impact/{event.pk}/?window={window}"),
    }


def _row(row: Impact) -> dict[str, Any]:
    effect = row.effect
    numbers = {
        "before": effect.before_mean,
        "after": effect.after_mean,
        "difference": effect.difference,
        "low": effect.low,
        "high": effect.high,
        "relative": effect.relative,
        "confidence": effect.confidence,
        "outside_promise_before_minutes": row.outside_before,
        "outside_promise_after_minutes": row.outside_after,
    }
    known = {name: value if value is None or isfinite(value) else None for name, value in numbers.items()}
    return {"measure": row.measure.slug, "unit": row.unit, "verdict": effect.verdict.value, **known}
