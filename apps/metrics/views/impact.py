"""What came of a change: its own page, and the card that the page of the change fetches."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.events.models import Event
from apps.metrics import queries
from apps.metrics.status import ImpactVerdict


@require_GET
def impact(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; `?window=1h|6h|24h|3d`."""
    return render(request, "metrics/impact.html", _context(request, pk))


@require_GET
def impact_card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card alone."""
    return render(request, "metrics/_impact_card.html", _context(request, pk))


def _context(request: HttpRequest, pk: int) -> dict[str, Any]:
    event = get_object_or_404(Event.objects.select_related("feature", "environment"), pk=pk, is_change=True)
    card = queries.impact_card(event=event, window=request.GET.get("window", ""), at=timezone.now())
    return {
        "card": card,
        "verdict": ImpactVerdict(card.verdict.value),
        "rows": [(row, ImpactVerdict(row.effect.verdict.value)) for row in card.rows],
        "event": event,
        "windows": queries.WINDOWS,
        "shows_demo": event.is_demo,
    }
