"""The list of features by whether what was tested is what runs."""

from __future__ import annotations

from django.http import HttpRequest

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing
from apps.core.listing.declaration import Choices
from apps.health.status import SetStatus


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
