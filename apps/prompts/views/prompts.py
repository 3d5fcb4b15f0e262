"""Pages of prompts."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing, render_listing
from apps.core.listing.declaration import Choices, Query
from apps.prompts import queries
from apps.prompts.comparison import LAYOUTS, compare, show
from apps.prompts.models import Prompt, PromptVersion
from apps.sources.models import Source


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _sources(_request: HttpRequest) -> Choices:
    return list(Source.objects.order_by("name").values_list("slug", "name"))


def _labels(_request: HttpRequest) -> Choices:
    return queries.label_choices()


def _as_told(rows: Query, _value: Any) -> Query:
    return rows  # the view asks the query for these rows


PROMPTS = Listing(
    name="prompts",
    noun="prompt",
    nouns="prompts",
    caption="Prompts, the one that changed last first",
    default_sort="-last_changed_at",
    row_template="prompts/_prompt_row.html",
    columns=(
        Column("name", "Prompt", sort="name"),
        Column("feature", "Feature", value="feature.name"),
        Column("pointers", "Labels", value="pointers_text"),
        Column("latest_number", "Newest", cls="r"),
        Column("last_changed_at", "Changed", sort="last_changed_at", cls="r"),
        Column("source", "Source", value="source.name"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains", placeholder="search-answers …"),
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
        Filter("label", "Label", choices=_labels, apply="labels_now__name"),
        Filter("source", "Source", choices=_sources, apply="source__slug"),
        Filter("conflict", "In conflict", "bool", apply="has_conflict"),
        Filter("gone", "Gone ones too", "bool", apply=_as_told),
    ),
    topic="prompts",
    empty_title="No prompts yet",
    empty_text="Connect a registry such as MLflow; its prompts, versions and labels appear at the next poll.",
    empty_url="/sources/",
    empty_action="Go to sources",
)


@require_GET
def prompt_list(request: HttpRequest) -> HttpResponseBase:
    """Every prompt and where its labels point."""
    rows = queries.prompts()
    if request.GET.get("gone") != "1":
        rows = rows.filter(gone_at=None)
    return render_listing(request, PROMPTS, rows, "prompts/prompt_list.html")


@require_GET
def prompt_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One prompt: ?v= shows a version, ?from=&to= compares two, ?diff= chooses the layout."""
    prompt = get_object_or_404(queries.prompts(), pk=pk)
    context = _labels_of(prompt) | _content(request, prompt)
    context["versions"] = queries.versions(prompt_id=pk)
    context["bypasses"] = queries.open_bypasses(prompt_id=pk)
    context["rollouts"] = queries.rollouts_of(prompt_id=pk, at=timezone.now())
    context["sync"] = queries.sync_of(prompt=prompt)
    context["changes"] = queries.changes_of(prompt_id=pk)
    context["parents"] = queries.parent_names(name=prompt.name) if prompt.source_id is None else []
    context["shows_demo"] = bool(prompt.source and prompt.source.is_demo)
    return render(request, "prompts/prompt_detail.html", context)


@require_GET
def prompt_labels(request: HttpRequest, pk: int) -> HttpResponse:
    """The cards with the labels and their history, alone."""
    return render(request, "prompts/_prompt_labels.html", _labels_of(get_object_or_404(Prompt, pk=pk)))


@require_GET
def feature_prompts(request: HttpRequest, feature_id: int) -> HttpResponse:
    """The prompts of a feature, for other pages to embed."""
    rows = queries.prompts_of_feature(feature_id=feature_id)
    return render(request, "prompts/_feature_prompts.html", {"rows": rows, "feature_id": feature_id})


def _labels_of(prompt: Prompt) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "labels": queries.labels(prompt_id=prompt.pk),
        "moves": queries.label_history(prompt_id=prompt.pk),
    }


def _content(request: HttpRequest, prompt: Prompt) -> dict[str, Any]:
    """What the middle of the page shows: one version, or the difference of two."""
    query = request.GET
    layout = query.get("diff", "") if query.get("diff") in LAYOUTS else LAYOUTS[0]
    if query.get("from") or query.get("to"):
        old, new = _version(prompt, query.get("from", "")), _version(prompt, query.get("to", ""))
        return {"old": old, "version": new, "parts": compare(old=old, new=new), "layout": layout}
    shown = query.get("v") or str(_first_shown(prompt))
    version = _version(prompt, shown) if prompt.latest_number else None
    return {"version": version, "parts": show(version=version) if version else [], "layout": layout}


def _first_shown(prompt: Prompt) -> int:
    """The version in production, else the newest."""
    pointers = {pointer["name"]: pointer["number"] for pointer in getattr(prompt, "pointers", [])}
    return int(pointers.get("production") or prompt.latest_number)


def _version(prompt: Prompt, number: str) -> PromptVersion:
    is_number = number.isascii() and number.isdecimal() and len(number) < 10
    version = queries.find_version(prompt_id=prompt.pk, number=int(number)) if is_number else None
    if version is None:
        raise Http404(f"{prompt.name} has no version {number[:20]}.")
    return version
