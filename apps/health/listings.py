"""The lists: features by whether what was tested is what runs, components by how new their data are."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from apps.catalog.models import ComponentKind, Feature, Team
from apps.core.listing import Column, Filter, Listing
from apps.core.listing.declaration import Choices, Query
from apps.health.queries import data_of_features
from apps.health.readiness import CHECKS
from apps.health.status import DataStatus, SetStatus


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.filter(is_retired=False).order_by("name").values_list("slug", "name"))


CONSISTENCY = Listing(
    name="consistency",
    noun="feature",
    nouns="features",
    caption="Features and whether what was tested is what runs",
    default_sort="feature",
    row_template="health/_consistency_row.html",
    columns=(
        Column("feature", "Feature", value="feature.name", sort="feature__name"),
        Column("status", "Sets", value="get_status_display", sort="status"),
        Column("sentence", "Why"),
        Column("number", "Cells that differ", cls="r"),
        Column("since", "Since", sort="since", cls="r"),
        Column("has_wrong_embedder", "Wrong embedder", is_shown=False),
    ),
    filters=(
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
        Filter("status", "Sets", choices=SetStatus.choices, is_multiple=True),
        Filter("embedder", "Wrong embedder", "bool", apply="has_wrong_embedder"),
    ),
    topic="consistency",
    empty_title="Nothing was judged yet",
    empty_text="As soon as sources tell what runs in two environments, their sets are compared here.",
    empty_url="/sources/",
    empty_action="Go to sources",
)


DATA = Listing(
    name="data",
    noun="component",
    nouns="components",
    caption="Components and how new their data are",
    default_sort="component",
    row_template="health/_data_row.html",
    columns=(
        Column("component", "Data", value="component.name", sort="component__name"),
        Column("status", "Freshness", value="get_status_display", sort="status"),
        Column("sentence", "Why"),
        Column("as_of", "Go up to", sort="as_of", cls="r"),
        Column("allowed", "May be"),
        Column("since", "Since", sort="since", cls="r"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="component__name__icontains"),
        Filter("status", "Freshness", choices=DataStatus.choices, is_multiple=True),
        Filter("kind", "Kind", choices=ComponentKind.choices, apply="component__kind", is_multiple=True),
        Filter("feature", "Answers of", choices=_features, apply=data_of_features, is_multiple=True),
    ),
    topic="data",
    empty_title="No component says how old its data may be",
    empty_text="Say it of an index or a datastore in the catalog; its age is then judged by the runs that refresh it.",
    empty_url="/catalog/components/",
    empty_action="Go to components",
)


def _teams(_request: HttpRequest) -> Choices:
    return list(Team.objects.values_list("slug", "name"))


def _lacking(rows: Query, keys: list[str]) -> Query:
    """Features that lack any of these."""
    lacked = Q()
    for key in keys:
        lacked |= Q(**{f"is_{key}": False})
    return rows.filter(lacked)


def _word(key: str, row: Any) -> str:
    verdict = getattr(row, f"is_{key}")
    return "does not apply" if verdict is None else "met" if verdict else "missing"


READINESS = Listing(
    name="readiness",
    noun="feature",
    nouns="features",
    caption="Features and what they lack to be ready for people",
    default_sort="-missing",
    row_template="health/_readiness_row.html",
    columns=(
        Column("name", "Feature", sort="name"),
        Column("team", "Team", value="team.name", sort="team__name"),
        Column("tier", "Tier", sort="tier", cls="r"),
        Column("met", "Met", sort="met", cls="r"),
        Column("missing", "Missing", sort="missing", cls="r"),
        Column("lacks", "What is missing", value=lambda row: ", ".join(row.lacks)),
        Column("applies", "Apply", is_shown=False),
        *(Column(check.key, check.title, value=partial(_word, check.key), is_shown=False) for check in CHECKS),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains"),
        Filter("feature", "Feature", choices=_features, apply="slug", is_multiple=True),
        Filter("team", "Team", choices=_teams, apply="team__slug", is_multiple=True),
        Filter(
            "without", "Lacks", choices=[(check.key, check.title) for check in CHECKS], apply=_lacking, is_multiple=True
        ),
    ),
    empty_title="No feature yet",
    empty_text="A feature is something people use. Describe the first one in the catalog; then its checks stand here.",
    empty_url="/catalog/",
    empty_action="Open the catalog",
)
