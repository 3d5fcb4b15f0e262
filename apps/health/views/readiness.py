"""Whether features are ready for people: checks that are facts, and where each is mended."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.core.listing import render_listing
from apps.health import queries
from apps.health.listings import READINESS


@require_GET
def readiness_list(request: HttpRequest) -> HttpResponseBase:
    """Every feature by how much it lacks."""
    return render_listing(request, READINESS, queries.readiness(at=timezone.now()), "health/readiness_list.html")


@require_GET
def readiness(request: HttpRequest, slug: str) -> HttpResponse:
    """The scorecard of one feature."""
    row = get_object_or_404(queries.readiness(at=timezone.now()), slug=slug)
    context = {"row": row, "checks": queries.checks_of(row=row), "shows_demo": row.is_demo}
    return render(request, "health/readiness.html", context)


@require_GET
def readiness_short(request: HttpRequest, feature_id: int) -> HttpResponse:
    """What a feature lacks, for its page to embed."""
    row = get_object_or_404(queries.readiness(at=timezone.now()), pk=feature_id)
    return render(request, "health/_readiness_short.html", {"row": row, "checks": queries.checks_of(row=row)})
