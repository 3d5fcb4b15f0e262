"""Where our own suites are run."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.permissions import requires
from apps.core.listing import render_listing
from apps.evaluations import listings, services
from apps.evaluations.forms import EndpointForm
from apps.evaluations.models import EvaluationEndpoint
from apps.evaluations.views.suites import either, user_of


@require_GET
def endpoint_list(request: HttpRequest) -> HttpResponseBase:
    """Every endpoint."""
    rows = EvaluationEndpoint.objects.all()
    return render_listing(request, listings.ENDPOINTS, rows, "evaluations/endpoint_list.html")


@never_cache
@either
@requires("endpoint:change")
def endpoint_create(request: HttpRequest) -> HttpResponse:
    """A new endpoint."""
    form = EndpointForm(request.POST if request.method == "POST" else None, user=user_of(request))
    if form.is_bound and form.is_valid():
        endpoint = services.create_endpoint(draft=form.draft(), actor=user_of(request), at=timezone.now())
        messages.success(request, f"“{endpoint}” can be used by suites.")
        return redirect("evaluations:endpoint-list")
    return _page(request, form)


@never_cache
@either
@requires("endpoint:change")
def endpoint_change(request: HttpRequest, slug: str) -> HttpResponse:
    """An endpoint that is there."""
    endpoint = get_object_or_404(EvaluationEndpoint, slug=slug)
    data = request.POST if request.method == "POST" else None
    form = EndpointForm(data, user=user_of(request), endpoint=endpoint)
    if form.is_bound and form.is_valid():
        services.change_endpoint(endpoint=endpoint, draft=form.draft(), actor=user_of(request))
        messages.success(request, "Saved.")
        return redirect("evaluations:endpoint-list")
    return _page(request, form)


def _page(request: HttpRequest, form: EndpointForm) -> HttpResponse:
    context = {"form": form, "endpoint": form.endpoint}
    return render(request, "evaluations/endpoint_form.html", context, status=422 if form.is_bound else 200)
