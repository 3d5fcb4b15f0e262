"""The answer of a list page: the whole page, only the list, or an export of exactly what is listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from apps.core.listing.declaration import Listing, Query
from apps.core.listing.export import export
from apps.core.listing.page import Page, listing_page
from apps.core.listing.state import has_default
from apps.core.parts import as_of, page, part

Rows = Query | Callable[[], Query]


def render_listing(
    request: HttpRequest, listing: Listing, rows: Rows, template: str, context: dict[str, Any] | None = None
) -> HttpResponseBase:
    """The page with `page` in its context; a request for the list alone gets the fragment, ?format= a download.

    The page of a shared list gets `listing` in its place: the list and its filters, drawn already.
    rows: all of them, or what makes that query when it is needed.
    """
    if url := _default_url(request):
        return redirect(url)
    kind = request.GET.get("format", "")
    if kind in ("csv", "json") and listing.has_export:
        return export(request, listing_page(request, listing, _query(rows)), kind)
    if request.headers.get("HX-Target") == listing.element_id:
        response = _fragment(request, _page(request, listing, rows), context or {})
    elif listing.is_shared:

        def draw() -> str:
            return render_to_string("ui/_listing_shared.html", {"page": _page(request, listing, rows)})

        key = (listing.name, request.get_full_path(), str(has_default(request)))
        drawn = part(key, draw, data=as_of(request).data, asks_again=True)
        response = page(request, template, context or {}, {"listing": drawn})
    else:
        response = render(request, template, {**(context or {}), "page": _page(request, listing, rows)})
    patch_vary_headers(response, ["HX-Request", "HX-Target", "HX-Trigger"])
    return response


def _page(request: HttpRequest, listing: Listing, rows: Rows) -> Page:
    page = listing_page(request, listing, _query(rows))
    if request.GET.get("format"):
        page.state.notes.append("Lists come as csv or json; this is the page.")
    return page


def _query(rows: Rows) -> Query:
    return rows() if callable(rows) else rows


def _fragment(request: HttpRequest, page: Page, context: dict[str, Any]) -> HttpResponse:
    asked_by_form = request.headers.get("HX-Trigger") == page.listing.form_id
    response = render(request, "ui/_listing_fragment.html", {**context, "page": page, "is_form": asked_by_form})
    response["HX-Push-Url"] = page.url
    return response


def _default_url(request: HttpRequest) -> str:
    """Where a reader who asks for the bare list is sent, "" for nowhere else: their own default view of it.

    A link of the list itself, such as one that takes its filters off, means the list as it is.
    """
    if request.GET or request.headers.get("HX-Request") or not has_default(request):
        return ""
    if urlsplit(request.headers.get("Referer", "")).path == request.path:
        return ""
    user: Any = request.user
    return str(user.default_view_url(request.path))
