"""Freezes, and the calendar of what was deployed beside them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.core.listing import render_listing
from apps.deployments import queries, services
from apps.deployments.forms import FreezeForm, ReasonForm
from apps.deployments.listings import FREEZES

WEEK = timedelta(days=7)


@require_GET
def freeze_list(request: HttpRequest) -> HttpResponseBase:
    """Every freeze, past and coming."""
    return render_listing(request, FREEZES, queries.freezes(), "deployments/freeze_list.html", {"at": timezone.now()})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("freeze:change")
def freeze_plan(request: HttpRequest) -> HttpResponse:
    """A new freeze."""
    initial = {"time_zone": timezone.get_current_timezone_name()}
    form = FreezeForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        freeze = services.plan_freeze(actor=cast(User, request.user), at=timezone.now(), **form.cleaned_data)
        messages.success(request, f"The freeze “{freeze.name}” is planned.")
        return redirect(freeze)
    return render(request, "deployments/freeze_plan.html", {"form": form}, status=422 if form.is_bound else 200)


@require_GET
def freeze_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One freeze and what was deployed inside it all the same."""
    freeze = get_object_or_404(queries.freezes(), pk=pk)
    rows = queries.deployments().filter(frozen_by=freeze).order_by("-started_at", "-id")[:50]
    context = {"freeze": freeze, "state": freeze.state_at(timezone.now()), "rows": list(rows)}
    return render(request, "deployments/freeze_detail.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("freeze:change")
def freeze_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """End a freeze before its time, or take it back."""
    freeze = get_object_or_404(queries.freezes(), pk=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        reason, actor = form.cleaned_data["reason"], cast(User, request.user)
        try:
            services.lift_freeze(freeze_id=freeze.pk, actor=actor, reason=reason, at=timezone.now())
            messages.success(request, f"The freeze “{freeze.name}” is lifted.")
        except services.FreezeError as error:
            messages.error(request, str(error))
        return redirect(freeze)
    context = {"form": form, "freeze": freeze}
    return render(request, "deployments/freeze_lift.html", context, status=422 if form.is_bound else 200)


@require_GET
def calendar(request: HttpRequest) -> HttpResponse:
    """One week: what was deployed each day and what is frozen; ?week= is any day of it."""
    today = timezone.localdate()
    monday = _monday(request.GET.get("week", ""), today)
    context = {
        "days": queries.calendar(monday=monday, today=today),
        "monday": monday,
        "sunday": monday + timedelta(days=6),
        "before": monday - WEEK,
        "after": monday + WEEK,
        "is_this_week": monday <= today < monday + WEEK,
    }
    return render(request, "deployments/calendar.html", context)


def _monday(text: str, today: date) -> date:
    """The Monday of the week of a day; of this week where nobody can tell, or where a calendar ends."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = today
    day = day if 1990 <= day.year <= 2200 else today
    return day - timedelta(days=day.weekday())
