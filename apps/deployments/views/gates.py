"""Systems that asked before they deployed, and what they were told."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from apps.core.listing import render_listing
from apps.deployments.listings import GATES
from apps.deployments.models import GateQuestion


@require_GET
def gate_list(request: HttpRequest) -> HttpResponseBase:
    """Every question with its answer."""
    rows = GateQuestion.objects.select_related("source")
    return render_listing(request, GATES, rows, "deployments/gate_list.html")
