"""Every status opens to the rule and the numbers that made it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.catalog.models import Feature
from apps.health import queries
from apps.health.queries.pages import STRIPS


@require_GET
def reasons(request: HttpRequest, slug: str) -> HttpResponse:
    """Why a feature has its status: the whole page, for htmx only the reasons, for `?format=json` the facts."""
    feature = get_object_or_404(Feature, slug=slug)
    health = queries.health_of(feature=feature)
    if request.GET.get("format") == "json":
        spans = queries.recent_spans(feature_id=feature.pk, limit=100)
        return JsonResponse(queries.as_json(feature=feature, health=health, spans=spans))
    context = {
        "feature": feature,
        "health": health,
        "reasons": queries.reasons_of(health) if health else [],
        "topic": f"feature-{feature.pk}",
        "shows_demo": feature.is_demo,
    }
    if request.headers.get("HX-Target") == "reasons":
        return render(request, "health/_reasons.html", context)
    past = {
        "spans": queries.recent_spans(feature_id=feature.pk),
        "strip": queries.strip_of(feature_id=feature.pk, key=request.GET.get("range", "24h"), at=timezone.now()),
        "strips": STRIPS,
    }
    return render(request, "health/reasons.html", {**context, **past})


@require_GET
def strip(request: HttpRequest, slug: str) -> HttpResponse:
    """The past of a feature in one row of bars, as a fragment."""
    feature = get_object_or_404(Feature, slug=slug)
    found = queries.strip_of(feature_id=feature.pk, key=request.GET.get("range", "24h"), at=timezone.now())
    context = {"feature": feature, "strip": found, "strips": STRIPS, "topic": f"feature-{feature.pk}"}
    return render(request, "health/_strip.html", context)
