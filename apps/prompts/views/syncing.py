"""The two sides of a prompt that another system keeps: which one is written, and what to do when both were."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.prompts import queries, services
from apps.prompts.forms.syncing import ResolveForm, TruthForm
from apps.prompts.models import Prompt, PromptConflict
from apps.prompts.services.change_requests import ChangeRefusedError
from apps.prompts.status import ConflictPolicy, Truth


@require_GET
def prompt_conflict(request: HttpRequest, pk: int) -> HttpResponse:
    """The conflict of a prompt, alone."""
    prompt = get_object_or_404(Prompt.objects.select_related("source"), pk=pk)
    context = {"prompt": prompt, "sync": queries.sync_of(prompt=prompt)}
    return render(request, "prompts/_prompt_conflict.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("prompt:write")
def truth_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose which side of a prompt is written."""
    prompt = get_object_or_404(Prompt.objects.select_related("source"), pk=pk, source__isnull=False)
    initial = {"truth": prompt.truth, "on_conflict": prompt.on_conflict}
    form = TruthForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        truth, policy = Truth(form.cleaned_data["truth"]), ConflictPolicy(form.cleaned_data["on_conflict"])
        actor, at = cast(User, request.user), timezone.now()
        try:
            services.set_truth(prompt=prompt, truth=truth, on_conflict=policy, actor=actor, at=at)
            messages.success(request, "Saved.")
            return redirect(prompt)
        except ChangeRefusedError as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "prompt": prompt}
    return render(request, "prompts/truth_change.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires("prompt:write")
def conflict_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep one side."""
    conflict = get_object_or_404(PromptConflict.objects.select_related("prompt"), pk=pk)
    form = ResolveForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a side and say why; nothing was done.")
        return redirect(conflict.prompt)
    keeps, reason = Truth(form.cleaned_data["keeps"]), form.cleaned_data["reason"]
    try:
        services.resolve_conflict(
            conflict_id=pk, keeps=keeps, reason=reason, actor=cast(User, request.user), at=timezone.now()
        )
        messages.success(request, "Decided. The ledger has your reason.")
    except ChangeRefusedError as refusal:
        messages.error(request, str(refusal))
    return redirect(conflict.prompt)


@require_POST
@requires("prompt:write")
def version_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up a version that has not arrived."""
    prompt = get_object_or_404(Prompt, pk=pk)
    try:
        services.take_back(prompt_id=pk, actor=cast(User, request.user), at=timezone.now())
        messages.success(request, "It is not sent any more.")
    except ChangeRefusedError as refusal:
        messages.error(request, str(refusal))
    return redirect(prompt)
