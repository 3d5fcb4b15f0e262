"""What is expected of a pipeline: the card on its page, the form with its preview, accepting what history proposes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.pipelines import queries, services
from apps.pipelines.forms import ExpectationForm
from apps.pipelines.history import History, accepted, history_of, proposal_of
from apps.pipelines.models import Pipeline

either = require_http_methods(["GET", "HEAD", "POST"])


def punctuality_context(pipeline: Pipeline, at: datetime, history: History | None) -> dict[str, Any]:
    """What the card shows; a proposal only where nobody and nothing expects anything yet."""
    proposal = proposal_of(pipeline=pipeline, at=at) if history is None and not pipeline.gone_at else None
    return {"pipeline": pipeline, "judged": pipeline.on_time, "history": history, "proposal": proposal}


@require_GET
def punctuality_card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card, alone."""
    at, pipeline = timezone.now(), _pipeline(pk)
    context = punctuality_context(pipeline, at, history_of(pipeline=pipeline, at=at))
    return render(request, "pipelines/_punctuality.html", context)


@either
@requires("expectation:change")
def expectation_change(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; asked for a preview it shows the last 14 days and saves nothing."""
    at, pipeline = timezone.now(), _pipeline(pk)
    form = ExpectationForm(request.POST or None, pipeline=pipeline)
    is_good = request.method == "POST" and form.is_valid() and form.wanted is not None
    is_preview = "preview" in request.POST
    if is_good and form.wanted and not is_preview:
        services.set_expectation(pipeline=pipeline, wanted=form.wanted, actor=_user(request), at=at)
        messages.success(request, "Saved. It is judged within a few seconds.")
        return redirect(pipeline)
    trial = (
        history_of(pipeline=pipeline, at=at, own=form.wanted, is_trial=True) if not request.POST or is_good else None
    )
    context = {"pipeline": pipeline, "form": form, "history": trial, "is_preview": is_preview}
    if is_preview and request.headers.get("HX-Request"):
        return render(request, "pipelines/_expectation_preview.html", context)
    return render(
        request, "pipelines/expectation_form.html", context | {"proposal": proposal_of(pipeline=pipeline, at=at)}
    )


@require_POST
@requires("expectation:change")
def expectation_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """What history proposes now becomes the expectation."""
    at, pipeline = timezone.now(), _pipeline(pk)
    proposal = proposal_of(pipeline=pipeline, at=at)
    if proposal is None:
        messages.warning(request, "Its history no longer proposes anything; set the expectation by hand.")
        return redirect("pipelines:expectation-change", pk)
    services.set_expectation(pipeline=pipeline, wanted=accepted(proposal), actor=_user(request), at=at)
    messages.success(request, f"Accepted: {proposal.expectation.text}.")
    return redirect(pipeline)


@require_POST
@requires("expectation:change")
def expectation_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """People's expectation goes; the pipeline's own schedule holds again."""
    pipeline = _pipeline(pk)
    services.remove_expectation(pipeline=pipeline, actor=_user(request), at=timezone.now())
    messages.success(request, "Removed. Its own schedule is expected again.")
    return redirect(pipeline)


def _pipeline(pk: int) -> Pipeline:
    return get_object_or_404(queries.pipelines_in_full(at=timezone.now()), pk=pk)


def _user(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
