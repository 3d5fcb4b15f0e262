"""Monitors: list, page, form with a try on the past, off, mute, gone."""

from __future__ import annotations

from datetime import datetime, timedelta
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
from apps.core.listing import render_listing
from apps.events import queries as events
from apps.monitors import queries, services
from apps.monitors.charts import backtest_chart, monitor_chart
from apps.monitors.forms import MonitorForm, MuteForm
from apps.monitors.listings import MONITORS
from apps.monitors.models import Backtest, Monitor, Silencing
from apps.monitors.rules import KINDS, Kind


@require_GET
def monitor_list(request: HttpRequest) -> HttpResponseBase:
    """Every monitor, the worst first."""
    return render_listing(request, MONITORS, queries.monitors(), "monitors/monitor_list.html", {})


@require_GET
def monitor_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One monitor: its state, what it saw, when it alerted."""
    monitor, at = get_object_or_404(queries.monitors(), pk=pk), timezone.now()
    alerts = list(queries.alerts().filter(monitor=monitor)[:20])
    context = {
        "monitor": monitor,
        "alerts": alerts,
        "silencings": queries.silencings_of(monitor=monitor, at=at),
        "chart": monitor_chart(monitor=monitor, alerts=alerts, at=at, zone=timezone.get_current_timezone()),
        "events": events.events_of(subject_kind="monitor", subject_id=pk),
        "shows_demo": monitor.is_demo,
    }
    return render(request, "monitors/monitor_detail.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def monitor_create(request: HttpRequest) -> HttpResponse:
    """First the kind, then its form; "try" runs it on the past and saves nothing."""
    kind = KINDS.get(request.GET.get("kind", ""))
    if kind is None:
        return render(request, "monitors/monitor_kinds.html", {"kinds": KINDS.values()})
    form, chosen = _form(request, kind)
    context: dict[str, Any] = {"form": form, "kind": kind, "chosen": chosen}
    if form.is_bound and form.is_valid():
        if "try" in request.POST:
            return render(request, "monitors/monitor_form.html", context | {"test": _try(request, form)})
        monitor = services.create_monitor(actor=_actor(request), at=timezone.now(), **form.cleaned_data)
        messages.success(request, f"The monitor “{monitor.name}” watches from now on.")
        return redirect(monitor)
    return render(request, "monitors/monitor_form.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def monitor_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Other settings of the same kind."""
    monitor = get_object_or_404(queries.monitors().filter(kind__in=KINDS), pk=pk)
    form, _ = _form(request, KINDS[monitor.kind], monitor)
    context: dict[str, Any] = {"form": form, "kind": KINDS[monitor.kind], "monitor": monitor}
    if form.is_bound and form.is_valid():
        if "try" in request.POST:
            return render(request, "monitors/monitor_form.html", context | {"test": _try(request, form)})
        services.change_monitor(monitor_id=pk, actor=_actor(request), at=timezone.now(), **form.cleaned_data)
        messages.success(request, "Saved; it judges anew.")
        return redirect(monitor)
    return render(request, "monitors/monitor_form.html", context, status=422 if form.is_bound else 200)


@require_GET
def backtest(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a try on the past has come, or what it found; alone."""
    test = get_object_or_404(Backtest.objects.select_related("series__feature", "series__source"), pk=pk)
    return render(request, "monitors/_backtest.html", backtest_context(test))


@require_POST
@requires("monitor:change")
def monitor_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Off, or on again."""
    monitor = get_object_or_404(Monitor, pk=pk)
    is_on = request.POST.get("to") == "on"
    services.switch_monitor(monitor_id=pk, is_enabled=is_on, actor=_actor(request), at=timezone.now())
    return redirect(monitor)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def monitor_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Gone after a question."""
    monitor = get_object_or_404(Monitor, pk=pk)
    if request.method == "POST":
        services.remove_monitor(monitor_id=pk, actor=_actor(request), at=timezone.now())
        messages.success(request, f"The monitor “{monitor.name}” is removed.")
        return redirect("monitors:monitor-list")
    return render(request, "monitors/monitor_remove.html", {"monitor": monitor})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("monitor:change")
def monitor_mute(request: HttpRequest, pk: int) -> HttpResponse:
    """No alerts for a while."""
    monitor, at = get_object_or_404(queries.monitors(), pk=pk), timezone.now()
    initial = {"starts_at": timezone.localtime(at), "ends_at": timezone.localtime(at + timedelta(hours=1))}
    form = MuteForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
        feature = monitor.series.feature if values.pop("is_for_feature") else None
        services.silence(monitor=monitor, actor=_actor(request), at=at, feature=feature, **values)
        messages.success(request, "Muted; it goes on judging and opens no alert.")
        return redirect(monitor)
    context = {"form": form, "monitor": monitor}
    return render(request, "monitors/monitor_mute.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires("monitor:change")
def mute_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """End a mute before its time."""
    muted = get_object_or_404(Silencing, pk=pk)
    services.lift_silence(silencing_id=pk, actor=_actor(request), at=timezone.now())
    return redirect(muted.monitor) if muted.monitor else redirect("monitors:monitor-list")


def backtest_context(test: Backtest) -> dict[str, Any]:
    """What `_backtest.html` shows."""
    zone = timezone.get_current_timezone()
    return {
        "test": test,
        "count": len(test.episodes),
        "inside": sum(bool(one.get("inside")) for one in test.episodes),
        "newest": [one | {"at": datetime.fromtimestamp(one["start"], zone)} for one in reversed(test.episodes[-8:])],
        "chart": backtest_chart(test=test, zone=zone) if test.state == "done" else None,
    }


def _form(request: HttpRequest, kind: Kind, monitor: Monitor | None = None) -> tuple[MonitorForm, str]:
    data = request.POST if request.method == "POST" else None
    chosen = str(monitor.series_id) if monitor else request.GET.get("series", "")
    given = data.get("series", "") if data else chosen
    initial = MonitorForm.initial_of(monitor) if monitor else {"series": chosen or None}
    return MonitorForm(data, kind=kind, chosen=given or chosen, initial=initial), chosen


def _try(request: HttpRequest, form: MonitorForm) -> Backtest:
    values = form.cleaned_data
    return services.queue_backtest(
        actor=_actor(request),
        series=values["series"],
        kind=values["kind"],
        parameters=values["parameters"],
        at=timezone.now(),
    )


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)
