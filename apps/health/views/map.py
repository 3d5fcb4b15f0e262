"""Who needs whom, and what fails with what."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.catalog.models import Component, Feature
from apps.health import charts, queries


@require_GET
def dependency_map(request: HttpRequest) -> HttpResponse:
    """The map of all features or of `?feature=`; with `?component=` what that one touches if it fails."""
    slug, part = request.GET.get("feature", ""), request.GET.get("component", "")
    feature = get_object_or_404(Feature, slug=slug, is_retired=False) if slug else None
    component = get_object_or_404(Component, slug=part) if part else None
    found = queries.dependency_map(feature=feature, component=component)
    context = {
        "feature": feature,
        "map": found,
        "graph": charts.map_graph(found, feature),
        "features": Feature.objects.filter(is_retired=False).order_by("name"),
        "shows_demo": Feature.objects.filter(is_demo=True, is_retired=False).exists(),
    }
    return render(request, "health/map.html", context)


@require_GET
def touched_by(request: HttpRequest, slug: str) -> HttpResponse:
    """What a component touches if it fails, for its page in the catalog to embed."""
    component = get_object_or_404(Component, slug=slug)
    found = queries.dependency_map(component=component)
    return render(request, "health/_touched.html", {"map": found, "component": component, "is_short": True})
