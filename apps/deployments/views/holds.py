"""Holding a place, asking for a rollback, and lifting the hold."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.deployments import queries, services
from apps.deployments.forms import ReasonForm, RollbackForm
from apps.deployments.models import Hold


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("hold:change")
def hold_place(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask that what runs in a place now stays there."""
    running = get_object_or_404(queries.running(), deployment_id=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        reason, actor = form.cleaned_data["reason"], cast(User, request.user)
        try:
            services.hold_place(running=running, actor=actor, reason=reason, at=timezone.now())
            messages.success(request, f"{running.component_name} is held in {running.deployment.where}.")
        except services.HoldError as error:
            messages.error(request, str(error))
        return redirect(running.deployment)
    context = {"form": form, "deployment": running.deployment}
    return render(request, "deployments/hold_place.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("hold:change")
def rollback_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask that something that ran in this place before runs there again, and stays."""
    running = get_object_or_404(queries.running(), deployment_id=pk)
    earlier = {row.pk: row for row in queries.earlier_in_place(running=running)}
    choices = [(key, row.revision.reference) for key, row in earlier.items()]
    form = RollbackForm(request.POST if request.method == "POST" else None, choices=choices)
    if form.is_bound and form.is_valid():
        to, reason, actor = earlier[form.cleaned_data["to"]], form.cleaned_data["reason"], cast(User, request.user)
        try:
            services.ask_rollback(running=running, to=to, actor=actor, reason=reason, at=timezone.now())
            messages.success(request, f"The rollback of {running.component_name} is asked for, and its place is held.")
        except services.HoldError as error:
            messages.error(request, str(error))
        return redirect(running.deployment)
    context = {"form": form, "deployment": running.deployment, "earlier": earlier}
    return render(request, "deployments/rollback_ask.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("hold:change")
def hold_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Let other revisions come again."""
    hold = get_object_or_404(Hold.objects.select_related(*queries.RELATED_TO_HOLDS), pk=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        reason, actor = form.cleaned_data["reason"], cast(User, request.user)
        try:
            services.lift_hold(hold_id=hold.pk, actor=actor, reason=reason, at=timezone.now())
            messages.success(request, f"{hold.component_name} is no longer held in {hold.deployment.where}.")
        except services.HoldError as error:
            messages.error(request, str(error))
        return redirect(hold.deployment)
    context = {"form": form, "hold": hold, "deployment": hold.deployment}
    return render(request, "deployments/hold_lift.html", context, status=422 if form.is_bound else 200)
