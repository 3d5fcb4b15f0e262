"""What was deployed, and one deployment."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.core.listing import render_listing
from apps.deployments import queries
from apps.deployments.listings import DEPLOYMENTS
from apps.events import queries as events


@require_GET
def deployment_list(request: HttpRequest) -> HttpResponseBase:
    """The history of what was put where."""
    return render_listing(request, DEPLOYMENTS, queries.deployments(), "deployments/deployment_list.html")


@require_GET
def deployment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One deployment, what ran there before, and what happened to it."""
    deployment = get_object_or_404(queries.deployments().defer(None), pk=pk)
    context = {
        "deployment": deployment,
        "is_live": queries.is_live(deployment=deployment),
        "history": queries.history_of_place(deployment=deployment),
        "hold": queries.hold_of(deployment=deployment),
        "events": events.events_of(subject_kind="deployment", subject_id=pk),
        "shows_demo": deployment.source.is_demo,
    }
    return render(request, "deployments/deployment_detail.html", context)


@require_GET
def feature_live(request: HttpRequest, feature_id: int) -> HttpResponse:
    """What runs now for a feature, for other pages to embed."""
    rows = queries.live_of_feature(feature_id=feature_id)
    return render(request, "deployments/_feature_live.html", {"rows": rows, "feature_id": feature_id})
