"""What is news to the person who reads, and the beacon that says that somebody looked."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.catalog.models import Feature
from apps.health import queries, services


@require_GET
@never_cache
def feature_news(request: HttpRequest, slug: str) -> HttpResponse:
    """What changed in a feature since the person last looked, or since `?since=`, as a page or for a page to embed."""
    feature, at = get_object_or_404(Feature, slug=slug), timezone.now()
    since = _asked(request) or queries.since_of(user_id=cast(User, request.user).pk, feature_id=feature.pk, at=at)
    news = queries.news_of(feature=feature, since=since, at=at)
    context = {"feature": feature, "news": news, "topic": f"feature-{feature.pk}", "shows_demo": feature.is_demo}
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "health/_news.html" if is_part else "health/news.html", context)


def _asked(request: HttpRequest) -> datetime | None:
    """An open page keeps the time it began with, however long it stays open."""
    try:
        found = parse_datetime(request.GET.get("since", ""))
    except ValueError:
        return None
    return found if found and timezone.is_aware(found) else None


@require_GET
@never_cache
def news_marks(request: HttpRequest) -> HttpResponse:
    """How much is new in each feature, swapped out of band into a page that lists them."""
    marks = queries.news_marks(user_id=cast(User, request.user).pk, at=timezone.now())
    return render(request, "health/_news_marks.html", {"marks": marks})


@require_POST
@requires("portal:read")
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """The beacon of an open page; with `seen` the button by which a person says that all of it was read."""
    feature, user_id, at = get_object_or_404(Feature, slug=slug), cast(User, request.user).pk, timezone.now()
    if "seen" in request.POST:
        services.mark_seen(user_id=user_id, feature_id=feature.pk, at=at)
        return redirect(feature)
    services.note_look(user_id=user_id, feature_id=feature.pk, at=at)
    return HttpResponse(status=204)
