"""How the store of samples is doing, for the page of the sources."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.metrics import queries, retention


@require_GET
def storage(request: HttpRequest) -> HttpResponse:
    """The card."""
    context = {
        "storage": queries.storage(at=timezone.now()),
        "hot_days": retention.hot_days(),
        "sample_days": retention.sample_days(),
        "hour_days": retention.hour_days(),
        "day_days": retention.day_days(),
    }
    return render(request, "metrics/_storage.html", context)
