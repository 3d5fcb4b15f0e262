"""The list of names."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.listing import Column, Filter, Listing
from apps.sources.listings import KINDS
from apps.sources.models import ExternalName, Source

STATES = (("waiting", "Waiting"), ("placed", "Placed"), ("ignored", "Set aside"))


def _sources(_request: HttpRequest) -> list[tuple[str, str]]:
    return list(Source.objects.order_by("name").values_list("slug", "name"))


def _labels(row: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.labels.items())


def _in_state(rows: QuerySet[ExternalName], state: str) -> QuerySet[ExternalName]:
    if state == "ignored":
        return rows.filter(is_ignored=True)
    return rows.filter(unplaced=0) if state == "placed" else rows.filter(unplaced__gt=0, is_ignored=False)


NAMES = Listing(
    name="names",
    noun="name",
    nouns="names",
    caption="Names that sources use, heard last first",
    default_sort="-last_seen_at",
    row_template="sources/identity/_name_row.html",
    columns=(
        Column("name", "Name", sort="name"),
        Column("kind", "What"),
        Column("source", "Source", value="source.name"),
        Column("labels", "Labels", value=_labels, is_shown=False),
        Column("feature", "Belongs to", value="feature.name"),
        Column("component", "Component", value="component.name", is_shown=False),
        Column("last_seen_at", "Heard", sort="last_seen_at", cls="r"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains", placeholder="nightly-index …"),
        Filter("kind", "What", choices=KINDS, is_multiple=True),
        Filter("source", "Source", choices=_sources, apply="source__slug"),
        Filter("state", "State", choices=STATES, apply=_in_state),
    ),
    topic="mapping",
    empty_title="Every name has a place",
    empty_text="When a source speaks of something that no component, label or rule knows, it waits here.",
    empty_url="/sources/mapping/",
    empty_action="Look at the rules",
)
