"""What every page carries: the live stream, the numbers beside the navigation, search."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.models import User
from apps.portal import queries
from apps.portal.readers import READER, Reader
from apps.portal.search import search as find


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """Lets a browser in to the live stream, only for pages of this very site; `LiveStreams` goes on from here."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return HttpResponse("Live updates are for the portal's own pages.", status=403, content_type="text/plain")
    scope = getattr(request, "scope", {})
    if READER not in scope:
        return HttpResponse("Live updates need the ASGI server.", status=501, content_type="text/plain")
    user, session_key = cast(User, request.user), request.session.session_key or ""
    scope[READER] = Reader(user.pk, session_key, user.get_session_auth_hash())
    response = HttpResponse(content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


@require_GET
@never_cache
def nav_counts(request: HttpRequest) -> HttpResponse:
    """The numbers beside the navigation, swapped out of band."""
    return render(request, "ui/_nav_counts.html", {"counts": queries.nav_counts(user=cast(User, request.user))})


@require_GET
@never_cache
def search(request: HttpRequest) -> HttpResponse:
    """What matches ?q=, as a list for the palette or as a page of its own."""
    text = request.GET.get("q", "")[:100]
    context = {"query": text, "groups": find(text=text, user=cast(User, request.user))}
    is_palette = request.headers.get("HX-Request") == "true"
    return render(request, "ui/_palette_found.html" if is_palette else "portal/search.html", context)
