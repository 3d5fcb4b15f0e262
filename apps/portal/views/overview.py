"""The front page: is anything wrong, since when, why, who is on it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.core.kept import Data, data_now, part_markup
from apps.portal import pages
from apps.portal.ranges import RANGES, range_of


@require_GET
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """The whole page; every part of it is also a fragment of its own."""
    data = data_now()
    parts = {part: _part(request.GET, part, data) for part in pages.PARTS}
    return render(request, "portal/overview.html", {"parts": parts, "shows_demo": pages.shows_demo()})


@require_GET
@never_cache
def overview_part(request: HttpRequest, part: str) -> HttpResponse:
    """One part, when its topic rang."""
    return HttpResponse(_part(request.GET, part, data_now()))


def _part(query: QueryDict, part: str, data: Data) -> str:
    """The markup of one part, which is the same for every reader who asks with this query."""

    def draw() -> str:
        asked = _asked(query)
        return render_to_string(f"portal/_{part}.html", {**asked, **pages.PARTS[part](asked)})

    return part_markup((f"overview-{part}", query.urlencode()), draw, data=data)


def _asked(query: QueryDict) -> dict[str, Any]:
    return {
        "at": timezone.now(),
        "midnight": timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0),
        "span": range_of(query.get("range", "")),
        "ranges": list(RANGES.values()),
        "slug": query.get("figure", ""),
        "query": query,
    }
