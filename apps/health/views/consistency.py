"""Whether what was tested is what runs, and the sets that ran together."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.catalog.models import Feature
from apps.core.listing import render_listing
from apps.deployments import queries as deployments
from apps.health import queries
from apps.health.listings import CONSISTENCY
from apps.health.models import Bundle, FeatureConsistency


@require_GET
def consistency_list(request: HttpRequest) -> HttpResponseBase:
    """Every feature with the judgement of its sets."""
    return render_listing(request, CONSISTENCY, queries.judged(), "health/consistency_list.html")


@require_GET
def consistency(request: HttpRequest, slug: str) -> HttpResponse:
    """One feature: every part in every environment, red where it is not as it was tested."""
    feature = get_object_or_404(Feature, slug=slug)
    context = _matrix(feature) | {"feature": feature, "shows_demo": feature.is_demo}
    if request.headers.get("HX-Target") == "sets":
        return render(request, "health/_sets.html", context)
    stays = queries.stays_of(feature_id=feature.pk)
    return render(request, "health/consistency.html", context | {"stays": stays})


def _matrix(feature: Feature) -> dict[str, Any]:
    found = FeatureConsistency.objects.filter(pk=feature.pk).first()
    places = queries.places_of(feature_ids=[feature.pk])[feature.pk]
    findings = queries.findings_of(found) if found else []
    holds = deployments.holds_of_places(deployment_ids=queries.deployed_in(places=places))
    return {
        "judged": found,
        "findings": queries.with_ways_back(findings, places=places, holds=holds),
        "holds": holds,
        "places": places,
        "lines": queries.lines_of(places=places, findings=findings),
    }


@require_GET
def feature_set(request: HttpRequest, feature_id: int) -> HttpResponse:
    """The judgement of one feature in short, for other pages to embed."""
    found = queries.judged().filter(pk=feature_id).first()
    context = {"judged": found, "findings": queries.findings_of(found)[:3] if found else [], "feature_id": feature_id}
    return render(request, "health/_feature_set.html", context)


@require_GET
def bundle(request: HttpRequest, pk: int) -> HttpResponse:
    """One set: its members, where and when it ran, and how it differs from another (?with=)."""
    found = get_object_or_404(Bundle.objects.select_related("feature"), pk=pk)
    around = queries.around(bundle=found, other_id=request.GET.get("with", ""))
    context = {"bundle": found, "around": around, "shows_demo": found.feature.is_demo}
    return render(request, "health/bundle.html", context)
