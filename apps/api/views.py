"""The page about the API for people, and the answer to an address that is none."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.scopes import SCOPES
from apps.api.documentation import endpoints
from apps.api.endpoints import api
from apps.api.errors import NOT_FOUND


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Every address with an example to copy."""
    base_url = request.build_absolute_uri("/").rstrip("/")
    context = {"endpoints": endpoints(api.get_openapi_schema(), base_url=base_url), "scopes": SCOPES.values()}
    return render(request, "api/docs.html", context)


def nowhere(_request: HttpRequest, **_: str) -> HttpResponseBase:
    """404 in the one shape."""
    return NOT_FOUND.answer()
