"""Objectives: list, page, form, what is left out."""

from __future__ import annotations

from datetime import timedelta
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
from apps.events import queries as events
from apps.monitors import queries, services
from apps.monitors.charts import budget_chart
from apps.monitors.forms import CorrectionForm, SloChangeForm, SloForm
from apps.monitors.listings import SLOS
from apps.monitors.models import Slo


@require_GET
def slo_list(request: HttpRequest) -> HttpResponseBase:
    """Every objective, the least budget first."""
    return render_listing(request, SLOS, queries.slos(), "monitors/slo_list.html", {})


@require_GET
def slo_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One objective: what is left, how fast it goes, what was left out."""
    slo, at = get_object_or_404(queries.slos(), pk=pk), timezone.now()
    days = queries.slo_days(slo=slo, at=at)
    context = {
        "slo": slo,
        "chart": budget_chart(slo=slo, days=days, at=at, zone=timezone.get_current_timezone()),
        "corrections": slo.corrections.all(),
        "events": events.events_of(subject_kind="slo", subject_id=pk),
        "shows_demo": slo.is_demo,
    }
    return render(request, "monitors/slo_detail.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def slo_create(request: HttpRequest) -> HttpResponse:
    """A new objective, measured over the past at once."""
    data = request.POST if request.method == "POST" else None
    chosen = request.GET.get("series", "")
    form = SloForm(data, chosen=(data.get("series", "") if data else chosen), initial={"series": chosen or None})
    if form.is_bound and form.is_valid():
        slo = services.create_slo(actor=cast(User, request.user), at=timezone.now(), **form.cleaned_data)
        messages.success(request, f"The objective “{slo.name}” is set.")
        return redirect(slo)
    return render(request, "monitors/slo_form.html", {"form": form}, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def slo_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another promise, with a reason that everybody sees."""
    slo = get_object_or_404(queries.slos(), pk=pk)
    form = SloChangeForm(request.POST if request.method == "POST" else None, slo=slo)
    if form.is_bound and form.is_valid():
        actor = cast(User, request.user)
        is_new = services.change_slo(slo_id=pk, actor=actor, at=timezone.now(), **form.cleaned_data)
        messages.success(request, "Saved; the budget is worked out anew." if is_new else "Nothing was changed.")
        return redirect(slo)
    context = {"form": form, "slo": slo}
    return render(request, "monitors/slo_change.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def slo_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a stretch out, with a reason."""
    slo, at = get_object_or_404(queries.slos(), pk=pk), timezone.now()
    initial = {"starts_at": timezone.localtime(at - timedelta(hours=2)), "ends_at": timezone.localtime(at)}
    form = CorrectionForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        services.correct_slo(slo=slo, actor=cast(User, request.user), at=at, **form.cleaned_data)
        messages.success(request, "Left out; the budget is counted anew.")
        return redirect(slo)
    context = {"form": form, "slo": slo}
    return render(request, "monitors/slo_correct.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def slo_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Gone after a question."""
    slo = get_object_or_404(Slo, pk=pk)
    if request.method == "POST":
        services.remove_slo(slo_id=pk, actor=cast(User, request.user), at=timezone.now())
        messages.success(request, f"The objective “{slo.name}” is removed.")
        return redirect("monitors:slo-list")
    return render(request, "monitors/slo_remove.html", {"slo": slo})
