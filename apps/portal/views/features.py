"""The features: all of them in a list, and one on a page that a product manager trusts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.catalog.models import Feature, Team
from apps.core.listing import Column, Filter, Listing, render_listing
from apps.core.listing.declaration import Choices
from apps.health.status import HealthStatus
from apps.portal.feature_pages import PARTS

TIERS = tuple((str(tier), f"Tier {tier}") for tier in (1, 2, 3, 4))


def _teams(_request: HttpRequest) -> Choices:
    return list(Team.objects.values_list("slug", "name"))


FEATURES = Listing(
    name="features",
    noun="feature",
    nouns="features",
    caption="Features by name",
    default_sort="name",
    row_template="portal/_feature_list_row.html",
    is_shared=True,
    columns=(
        Column("name", "Feature", sort="name"),
        Column("status", "Health", value="health.get_status_display", sort="health__status"),
        Column("sentence", "Why", value="health.sentence"),
        Column("since", "Since", value="health.since", sort="health__since", cls="r"),
        Column("team", "Team", value="team.name", sort="team__name"),
        Column("tier", "Tier", sort="tier", cls="r"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains"),
        Filter("status", "Health", choices=HealthStatus.choices, apply="health__status", is_multiple=True),
        Filter("team", "Team", choices=_teams, apply="team__slug", is_multiple=True),
        Filter("tier", "Tier", choices=TIERS, is_multiple=True),
        Filter("unowned", "Nobody owns it", "bool", apply=lambda rows, _: rows.filter(team=None)),
    ),
    topic="overview",
    empty_title="No feature yet",
    empty_text="A feature is something people use, such as “Search Answers”. Describe the first one in the catalog.",
    empty_action="Open the catalog",
    empty_url="/catalog/",
)


@require_GET
def feature_list(request: HttpRequest) -> HttpResponseBase:
    """Every feature that is not retired."""
    rows = Feature.objects.filter(is_retired=False).select_related("health", "team").defer("health__reasons")
    return render_listing(request, FEATURES, rows, "portal/feature_list.html")


def _feature(slug: str) -> Feature:
    rows = Feature.objects.select_related("health", "team").prefetch_related("promises", "components")
    feature = get_object_or_404(rows, slug=slug)
    feature.topic = f"feature-{feature.pk}"  # type: ignore[attr-defined] # for the fragments' triggers
    return feature


@require_GET
@never_cache
def feature_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """The whole page; every part of it is also a fragment of its own."""
    feature = _feature(slug)
    context = {name: value for part in PARTS.values() for name, value in part(feature).items()}
    return render(request, "portal/feature_detail.html", {**context, "feature": feature, "shows_demo": feature.is_demo})


@require_GET
@never_cache
def feature_part(request: HttpRequest, slug: str, part: str) -> HttpResponse:
    """One part, when its topic rang."""
    feature = _feature(slug)
    return render(request, f"portal/_feature_{part}.html", {**PARTS[part](feature), "feature": feature})
