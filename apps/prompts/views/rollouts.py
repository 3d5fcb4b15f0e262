"""Rollouts with their guards: how they stand, going on after an alert, and ending them for a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.prompts import queries, services
from apps.prompts.forms.serving import ResumeForm, ReturnForm
from apps.prompts.models import LabelRollout, Prompt
from apps.prompts.services.change_requests import ChangeRefusedError


@require_GET
def prompt_rollouts(request: HttpRequest, pk: int) -> HttpResponse:
    """The rollouts of a prompt, alone."""
    prompt = get_object_or_404(Prompt, pk=pk)
    context = {"prompt": prompt, "rollouts": queries.rollouts_of(prompt_id=pk, at=timezone.now())}
    return render(request, "prompts/_prompt_rollouts.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("change:apply")
def rollout_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with the rollout under a label that an alert stopped."""
    form = ResumeForm(request.POST if request.method == "POST" else None)
    return _ask(request, pk, form, "resume", services.resume_rollout, "The rollout goes on.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("change:apply")
def rollout_return(request: HttpRequest, pk: int) -> HttpResponse:
    """End the rollout under a label."""
    form = ReturnForm(request.POST if request.method == "POST" else None)
    return _ask(request, pk, form, "return", services.return_rollout, "Everybody gets the usual version again.")


def _ask(
    request: HttpRequest, pk: int, form: ReturnForm, verb: str, work: Callable[..., Any], done: str
) -> HttpResponse:
    """Do it with the reason and say so, or ask for one."""
    rows = LabelRollout.objects.select_related("label__prompt", "base", "version", "watch")
    rollout = get_object_or_404(rows, label=pk)
    if form.is_bound and form.is_valid():
        try:
            work(label_id=pk, actor=cast(User, request.user), at=timezone.now(), **form.cleaned_data)
            messages.success(request, done)
            return redirect(rollout.label.prompt)
        except ChangeRefusedError as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "rollout": rollout, "prompt": rollout.label.prompt, "verb": verb}
    return render(request, "prompts/rollout_decide.html", context, status=422 if form.is_bound else 200)
