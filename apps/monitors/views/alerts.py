"""Pages of alerts."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.core.listing import render_listing
from apps.events import queries as events
from apps.monitors import queries, services
from apps.monitors.forms import NoteForm
from apps.monitors.listings import ALERTS
from apps.monitors.models import Alert


@require_GET
def alert_list(request: HttpRequest) -> HttpResponseBase:
    """What is open now, then the history."""
    context = {"open_alerts": queries.open_alerts()}
    return render_listing(request, ALERTS, queries.alerts(), "monitors/alert_list.html", context)


@require_GET
def open_alerts(request: HttpRequest) -> HttpResponse:
    """The card of what is open now, alone."""
    return render(request, "monitors/_open_alerts.html", {"open_alerts": queries.open_alerts()})


@require_GET
def alert_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One alert, what changed before it, and when it was there before."""
    try:
        alert = queries.get_alert(alert_id=pk)
    except Alert.DoesNotExist:
        raise Http404 from None
    context = {
        "alert": alert,
        "similar": queries.similar_alerts(alert=alert),
        "form": NoteForm(),
        "events": events.events_of(subject_kind="alert", subject_id=pk),
        "changes": queries.changes_before(alert=alert),
        "episodes": queries.episodes(alert=alert),
        "shows_demo": alert.source.is_demo,
    }
    return render(request, "monitors/alert_detail.html", context)


@require_GET
def alert_status(request: HttpRequest, pk: int) -> HttpResponse:
    """The badge of an alert, alone."""
    return render(request, "monitors/_alert_status.html", {"alert": get_object_or_404(queries.alerts(), pk=pk)})


@require_GET
def feature_alerts(request: HttpRequest, feature_id: int) -> HttpResponse:
    """What is open now for a feature, for other pages to embed."""
    rows = queries.open_alerts(feature_id=feature_id, limit=8)
    return render(request, "monitors/_feature_alerts.html", {"rows": rows, "feature_id": feature_id})


@require_POST
@requires("alert:acknowledge")
def alert_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody looks at it."""
    alert = get_object_or_404(Alert, pk=pk)
    form = NoteForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    actor = cast(User, request.user)
    if services.acknowledge_alert(alert_id=alert.pk, actor=actor, note=note, at=timezone.now()):
        messages.success(request, "Everybody sees now that you look at it.")
    else:
        messages.info(request, "It is over, or somebody looks at it already.")
    return redirect(alert)
