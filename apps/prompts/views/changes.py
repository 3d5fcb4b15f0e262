"""The list of change requests, the page of one, and proposing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import may, requires
from apps.core.listing import render_listing
from apps.events import queries as events
from apps.prompts import queries
from apps.prompts.comparison import LAYOUTS
from apps.prompts.discussion import Discussion, asked_spot, discuss
from apps.prompts.forms import EditForm, ProposeForm
from apps.prompts.listings import CHANGES
from apps.prompts.models import ChangeRequest, Comment, Prompt
from apps.prompts.services import change_requests as changes
from apps.prompts.services.change_requests import ChangeRefusedError


@require_GET
def change_list(request: HttpRequest) -> HttpResponseBase:
    """Every request; ?waiting=1 is what the reader can decide on now."""
    user = cast(User, request.user)
    rows = queries.waiting_for(user=user) if request.GET.get("waiting") == "1" else queries.change_requests()
    if request.GET.get("mine") == "1":
        rows = rows.filter(author=user)
    return render_listing(request, CHANGES, rows, "prompts/change_list.html", {"tab": "changes"})


@require_GET
def change_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One request: why, what changes, evidence, who said what, and what the reader can do."""
    return render_change(request, get_object_or_404(queries.change_requests(), pk=pk))


@require_GET
def change_decision(request: HttpRequest, pk: int) -> HttpResponse:
    """The card beside it with state and votes, alone."""
    change = get_object_or_404(queries.change_requests(), pk=pk)
    return render(request, "prompts/_change_decision.html", decision_context(request, change))


@require_GET
def change_gate(request: HttpRequest, pk: int) -> HttpResponse:
    """What evaluations say, alone: it asks again by itself while some are under way."""
    change, at = get_object_or_404(queries.change_requests(), pk=pk), timezone.now()
    context = {"change": change, "readiness": queries.readiness(change=change, at=at)}
    context |= {"under_way": queries.gate_runs_under_way(change=change, at=at)}
    return render(request, "prompts/_change_gate.html", context)


def render_change(
    request: HttpRequest, change: ChangeRequest, *, refusal: ChangeRefusedError | None = None
) -> HttpResponse:
    """The page of a request; with the sentence and the status of a refusal after a verb that was refused."""
    revision, layout = change.current, layout_of(request.GET)
    talk = _discussion(request, change, layout)
    context = decision_context(request, change) | {
        "layout": layout,
        "old": revision.base,
        "version": revision.version,
        "parts": talk.parts,
        "inside": talk.inside,
        "elsewhere": talk.elsewhere,
        "ask": f"?diff={layout}&line=" if may(cast(User, request.user), "change:comment") else "",
        "spoken": request.POST.get("body", ""),
        "under_way": queries.gate_runs_under_way(change=change, at=timezone.now()),
        "parents": queries.parents(name=change.prompt.name, label=change.label),
        "history": events.events_of(subject_kind="change_request", subject_id=change.pk),
        "refusal": refusal,
    }
    return render(request, "prompts/change_detail.html", context, status=refusal.status if refusal else 200)


def layout_of(asked: Mapping[str, str]) -> str:
    """How the reader wants to see the difference, as ?diff= or a form says."""
    return found if (found := asked.get("diff", "")) in LAYOUTS else LAYOUTS[0]


def _discussion(request: HttpRequest, change: ChangeRequest, layout: str) -> Discussion:
    """The difference with its threads; ?line=Text-5 opens a form there, and a remark that was refused keeps its own."""
    line = request.GET.get("line") or f"{request.POST.get('part', '')}-{request.POST.get('first_line', '')}"
    return discuss(
        old=change.current.base,
        new=change.current.version,
        threads=queries.threads_of(change=change),
        layout=layout,
        asked=asked_spot(line, Comment.Part.values) if may(cast(User, request.user), "change:comment") else None,
        is_whole=request.GET.get("text") == "whole",
    )


def decision_context(request: HttpRequest, change: ChangeRequest) -> dict[str, Any]:
    """What the card with the decision shows."""
    user = cast(User, request.user)
    return {
        "change": change,
        "revision": change.current,
        "readiness": queries.readiness(change=change, at=timezone.now()),
        "votes": queries.votes_of(change=change),
        "why_not": queries.why_not_deciding(user=user, change=change),
        "verbs": queries.verbs_for(user=user, change=change),
        "reviewers": change.reviewers.all(),
        "rollout": queries.rollout_of(change=change),
        "may_review_glass": queries.may_approve(user=user, change=change),
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("change:propose")
def change_propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose moving a label of a prompt; ?v= and ?label= fill the form."""
    prompt, user = get_object_or_404(Prompt, pk=pk), cast(User, request.user)
    initial = {"version": request.GET.get("v", prompt.latest_number), "label": request.GET.get("label", "production")}
    form = ProposeForm(request.POST if request.method == "POST" else None, prompt=prompt, user=user, initial=initial)
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
        values["version"] = queries.find_version(prompt_id=prompt.pk, number=values["version"])
        is_submitted = request.POST.get("do") != "draft"
        try:
            at = timezone.now()
            return redirect(
                changes.propose_change(prompt=prompt, actor=user, at=at, is_submitted=is_submitted, **values)
            )
        except ChangeRefusedError as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "prompt": prompt}
    return render(request, "prompts/change_propose.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("change:propose")
def change_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A new revision of a request."""
    change = get_object_or_404(queries.change_requests(), pk=pk)
    revision, user = change.current, cast(User, request.user)
    initial = {"version": revision.version.number, "title": change.title, "reason": revision.reason}
    form = EditForm(request.POST if request.method == "POST" else None, prompt=change.prompt, initial=initial)
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
        values["version"] = queries.find_version(prompt_id=change.prompt_id, number=values["version"])
        try:
            edited = changes.edit_change(change_id=change.pk, actor=user, at=timezone.now(), **values)
            messages.success(request, f"Revision {edited.current.number} is saved. Earlier approvals do not count.")
            return redirect(change)
        except ChangeRefusedError as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "change": change}
    return render(request, "prompts/change_edit.html", context, status=422 if form.is_bound else 200)
