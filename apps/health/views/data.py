"""How new the data are that answers are made from, and what goes stale with a pipeline or a component."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.catalog.freshness import limits_text
from apps.catalog.models import Component
from apps.core.listing import render_listing
from apps.events import queries as events
from apps.health import queries
from apps.health.listings import DATA
from apps.pipelines.models import Pipeline


@require_GET
def data_list(request: HttpRequest) -> HttpResponseBase:
    """Every component that says how old its data may be."""
    return render_listing(request, DATA, queries.judged_data(), "health/data_list.html")


@require_GET
def data_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One component: how new its data are, what refreshes it, what it stands on, what goes stale with it."""
    component = get_object_or_404(Component.objects.select_related("feature", "data"), slug=slug)
    feeds, build = queries.feeding(component=component, at=timezone.now())
    context = {
        "component": component,
        "data": getattr(component, "data", None) if component.freshness else None,
        "limits": limits_text(component.freshness),
        "feeds": feeds,
        "build": build,
        "below": queries.troubled_below(component=component),
        "carried": queries.goes_stale_with(component_id=component.pk),
        "shows_demo": component.is_demo,
    }
    if request.headers.get("HX-Target") == "data":
        return render(request, "health/_data.html", context)
    context["events"] = events.events_of(subject_kind="data", subject_id=component.pk)
    return render(request, "health/data_detail.html", context)


@require_GET
def data_of_pipeline(request: HttpRequest, pk: int) -> HttpResponse:
    """What goes stale with a pipeline, for its page to embed."""
    pipeline = get_object_or_404(Pipeline.objects.select_related("component", "environment"), pk=pk)
    counts = queries.counts_for_data(pipeline)
    carried = queries.goes_stale_with(component_id=pipeline.component_id if counts else None)
    return render(request, "health/_data_of_pipeline.html", {"pipeline": pipeline, "carried": carried})


@require_GET
def data_of_component(request: HttpRequest, slug: str) -> HttpResponse:
    """How new the data of a component are, in short, for its page in the catalog to embed."""
    component = get_object_or_404(Component.objects.select_related("data"), slug=slug)
    context = {
        "component": component,
        "data": getattr(component, "data", None) if component.freshness else None,
        "below": queries.troubled_below(component=component),
    }
    return render(request, "health/_data_of_component.html", context)


@require_GET
def data_of_feature(request: HttpRequest, feature_id: int) -> HttpResponse:
    """The data that a feature's answers are made from, for its page to embed."""
    rows = queries.data_of_feature(feature_id=feature_id)
    return render(request, "health/_data_of_feature.html", {"rows": rows, "feature_id": feature_id})
