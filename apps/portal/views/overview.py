"""The front page: is anything wrong, since when, why, who is on it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.core.parts import Data, Part, as_of, page, part
from apps.portal import pages
from apps.portal.ranges import RANGES, range_of


@require_GET
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """The whole page; every part of it is also a fragment of its own."""
    data = as_of(request).data
    drawn = {name: _part(request.GET, name, data) for name in pages.PARTS}
    is_demo = part(("overview-demo",), lambda: "1" if pages.shows_demo() else "", data=data)
    return page(request, "portal/overview.html", {"shows_demo": bool(is_demo.markup)}, drawn)


@require_GET
@never_cache
def overview_part(request: HttpRequest, part: str) -> HttpResponse:
    """One part, when its topic rang."""
    return HttpResponse(_part(request.GET, part, as_of(request).data).markup)


def _part(query: QueryDict, name: str, data: Data) -> Part:
    """One part, which is the same for every reader who asks with this query."""

    def draw() -> str:
        asked = _asked(query)
        return render_to_string(f"portal/_{name}.html", {**asked, **pages.PARTS[name](asked)})

    return part((f"overview-{name}", query.urlencode()), draw, data=data)


def _asked(query: QueryDict) -> dict[str, Any]:
    return {
        "at": timezone.now(),
        "midnight": timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0),
        "span": range_of(query.get("range", "")),
        "ranges": list(RANGES.values()),
        "slug": query.get("figure", ""),
        "query": query,
    }
