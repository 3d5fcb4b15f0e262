"""What is measured of the versions of a prompt, for its page to embed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.metrics.queries.versions import measures_of_versions


@require_GET
def prompt_versions(request: HttpRequest, feature_id: int) -> HttpResponse:
    """Latency, cost and scores of each version of the prompt that `?prompt=` names."""
    versions = measures_of_versions(feature_id=feature_id, prompt=request.GET.get("prompt", "").replace("\x00", ""))
    return render(request, "metrics/_prompt_versions.html", {"versions": versions})
