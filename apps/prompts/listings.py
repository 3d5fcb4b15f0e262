"""The lists of change requests and of rules."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing
from apps.core.listing.declaration import Choices, Query
from apps.prompts import queries
from apps.prompts.models import ChangeRequest
from apps.prompts.status import ChangeState


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _labels(_request: HttpRequest) -> Choices:
    names = ChangeRequest.objects.order_by("label").values_list("label", flat=True).distinct()
    return [(name, name) for name in names[:200]]


def _as_asked(rows: Query, _value: Any) -> Query:
    return rows  # the view asks the query for these rows


def _move(row: ChangeRequest) -> str:
    base = row.current.base
    return f"{f'v{base.number}' if base else 'nothing'} to v{row.current.version.number}"


CHANGES = Listing(
    name="change-requests",
    noun="change request",
    nouns="change requests",
    caption="Change requests, the one that was touched last first",
    default_sort="-changed_at",
    row_template="prompts/_change_row.html",
    columns=(
        Column("title", "Change"),
        Column("prompt", "Prompt", value="prompt.name"),
        Column("label", "Label"),
        Column("move", "Move", value=_move),
        Column("state", "State"),
        Column("author", "Author"),
        Column("feature", "Feature", value="prompt.feature.name"),
        Column("changed_at", "Touched", sort="changed_at", cls="r"),
        Column("apply_at", "Planned for", is_shown=False),
        Column("applied_at", "Applied", is_shown=False),
    ),
    filters=(
        Filter("waiting", "Waiting for me", "bool", apply=_as_asked),
        Filter("mine", "Written by me", "bool", apply=_as_asked),
        Filter("q", "Text", "text", apply=queries.changes_with_text, placeholder="refund, support/reply …"),
        Filter("state", "State", choices=ChangeState.choices, is_multiple=True),
        Filter("label", "Label", choices=_labels),
        Filter("feature", "Feature", choices=_features, apply="prompt__feature__slug", is_multiple=True),
        Filter("glass", "Glass was broken", "bool", apply=lambda rows, _: rows.filter(broken_by__isnull=False)),
        Filter("since", "From", "date", apply="changed_at__gte"),
    ),
    topic="changes",
    empty_title="No change requests",
    empty_text="Open a prompt and choose “Propose a change”: others see what moves, why, and can approve it.",
    empty_url="/prompts/",
    empty_action="Go to prompts",
)
