"""Pages about serving: who serves what, moves past the approval, rollouts, and prompts nobody looks after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing, render_listing
from apps.core.listing.declaration import Choices, Query
from apps.prompts import queries, services
from apps.prompts.forms.serving import AdoptForm
from apps.prompts.hygiene import FINDINGS, findings_of, neglected, with_findings
from apps.prompts.models import LabelBypass, Prompt
from apps.prompts.propagation import MOST_SHOWN, propagations, versions_served
from apps.prompts.services.change_requests import ChangeRefusedError
from apps.sources.models import Source


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _sources(_request: HttpRequest) -> Choices:
    return list(Source.objects.order_by("name").values_list("slug", "name"))


def _as_told(rows: Query, _value: Any) -> Query:
    return rows  # the view asks for these rows


HYGIENE = Listing(
    name="hygiene",
    noun="prompt",
    nouns="prompts",
    caption="Prompts that lack something",
    default_sort="name",
    row_template="prompts/_hygiene_row.html",
    columns=(
        Column("name", "Prompt", sort="name"),
        Column("findings", "Lacks", value=lambda row: ", ".join(findings_of(row))),
        Column("feature", "Feature", value="feature.name"),
        Column("last_fetched_at", "Last fetched", cls="r"),
        Column("source", "Source", value="source.name"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains", placeholder="search-answers …"),
        Filter("lacks", "Lacks", choices=tuple(FINDINGS.items()), apply=_as_told, is_multiple=True),
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
        Filter("source", "Source", choices=_sources, apply="source__slug"),
    ),
    topic="prompts",
    empty_title="Nothing to tidy up",
    empty_text="Every prompt is fetched, evaluated and owned, and says something of its own.",
    empty_url="/prompts/",
    empty_action="All prompts",
)


@require_GET
def hygiene(request: HttpRequest) -> HttpResponseBase:
    """Prompts that nobody looks after, and what each one lacks."""
    rows = with_findings(neglected(at=timezone.now()), request.GET.getlist("lacks"))
    return render_listing(request, HYGIENE, rows, "prompts/hygiene.html")


@require_GET
def prompt_serving(request: HttpRequest, pk: int) -> HttpResponse:
    """Who serves what of a prompt, alone: callers on the old version, on their fallback, and since when all arrived."""
    prompt = get_object_or_404(Prompt.objects.select_related("source"), pk=pk)
    at = timezone.now()
    context = {
        "prompt": prompt,
        "labels": propagations(prompt_ids=[pk], at=at),
        "versions": versions_served(prompt_id=pk),
        "most": MOST_SHOWN,
    }
    return render(request, "prompts/_prompt_serving.html", context)


@require_GET
def prompt_bypasses(request: HttpRequest, pk: int) -> HttpResponse:
    """The moves past the approval that are still open, alone."""
    prompt = get_object_or_404(Prompt.objects.select_related("source"), pk=pk)
    context = {"prompt": prompt, "bypasses": queries.open_bypasses(prompt_id=pk)}
    return render(request, "prompts/_prompt_bypasses.html", context)


@require_POST
@requires("change:roll-back")
def bypass_revert(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the label back in the other system."""
    bypass = get_object_or_404(LabelBypass.objects.select_related("prompt"), pk=pk)
    done = f"{bypass.label} is on its way back."
    _try(request, done, lambda: services.revert_bypass(bypass_id=pk, actor=_user(request), at=timezone.now()))
    return redirect(bypass.prompt)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("change:approve")
def bypass_adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the move afterwards, with the reason."""
    bypass = get_object_or_404(LabelBypass.objects.select_related("prompt", "expected", "found"), pk=pk)
    form = AdoptForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        told = {"bypass_id": pk, "actor": _user(request), "at": timezone.now(), **form.cleaned_data}
        _try(request, f"{bypass.label} may stay where it is.", lambda: services.adopt_bypass(**told))
        return redirect(bypass.prompt)
    context = {"form": form, "bypass": bypass, "prompt": bypass.prompt}
    return render(request, "prompts/bypass_adopt.html", context, status=422 if form.is_bound else 200)


def _try(request: HttpRequest, done: str, work: Callable[[], Any]) -> bool:
    """Do it and say so, or say why not."""
    try:
        work()
    except ChangeRefusedError as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, done)
    return True


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
