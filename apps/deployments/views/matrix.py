"""What runs where."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from apps.core.listing import listing_page
from apps.core.listing.export import export
from apps.deployments import queries
from apps.deployments.listings import PLACES


@require_GET
def matrix(request: HttpRequest) -> HttpResponseBase:
    """The page, the table alone when it or its filters ask, or a download of every place."""
    kind = request.GET.get("format", "")
    if kind in ("csv", "json"):
        return export(request, listing_page(request, PLACES, queries.attempts_with_live()), kind)
    page = listing_page(request, PLACES, queries.attempts())
    rows = page.narrowed.order_by("component_name", "id")[: queries.MOST_PLACES + 1]
    asked_by = request.headers.get("HX-Trigger", "")
    context = {
        "page": page,
        "matrix": queries.matrix(rows=rows),
        "keeps_form": asked_by in (PLACES.form_id, "matrix"),
        "is_fragment": request.headers.get("HX-Target") == PLACES.element_id,
    }
    response = render(request, f"deployments/{'_matrix' if context['is_fragment'] else 'matrix'}.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target", "HX-Trigger"])
    return response
