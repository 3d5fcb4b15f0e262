"""The list, the form to declare one, and the status page for everybody."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.core.listing import render_listing
from apps.incidents import services
from apps.incidents.forms import DeclareForm
from apps.incidents.listings import INCIDENTS
from apps.incidents.queries import duties, incidents, measures


@require_GET
def incident_list(request: HttpRequest) -> HttpResponseBase:
    """Every incident, with how fast they are noticed and over."""
    at = timezone.now()
    waiting = duties.waiting_for(user=cast(User, request.user), at=at)
    context = {"at": at, "summary": measures.summary(at=at), "waiting": waiting}
    return render_listing(request, INCIDENTS, incidents.incidents(), "incidents/incident_list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("incident:respond")
def declare(request: HttpRequest) -> HttpResponse:
    """A new incident; ?feature= and ?title= fill the form."""
    initial = {"title": request.GET.get("title", ""), "features": _asked(request)}
    form = DeclareForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        values = dict(form.cleaned_data)
        clocks = services.Clocks(impact_started_at=values.pop("impact_started_at"))
        at, actor = timezone.now(), cast(User, request.user)
        try:
            made = services.declare(draft=services.Declaration(clocks=clocks, **values), actor=actor, at=at)
            return redirect(made)
        except services.IncidentError as error:
            form.add_error("impact_started_at", str(error))
    return render(request, "incidents/declare.html", {"form": form}, status=422 if form.is_bound else 200)


def _asked(request: HttpRequest) -> list[int]:
    slugs = request.GET.getlist("feature")
    fields = DeclareForm().fields["features"]
    return list(fields.queryset.filter(slug__in=slugs).values_list("pk", flat=True)) if slugs else []  # type: ignore[attr-defined]


@require_GET
def status_page(request: HttpRequest) -> HttpResponse:
    """What everybody may know, in plain words."""
    at = timezone.now()
    found = incidents.published(at=at)
    context = {
        "now": [one for one in found if one.is_open],
        "past": [one for one in found if not one.is_open],
        "at": at,
    }
    return render(request, "incidents/status_page.html", context)


@require_GET
def open_now(request: HttpRequest) -> HttpResponse:
    """A fragment for other pages: what is open now, of one feature with ?feature=."""
    found = incidents.open_incidents()
    slug = request.GET.get("feature", "")
    if slug:
        found = [one for one in found if any(feature.slug == slug for feature in one.features.all())]
    context = {"incidents": found, "slug": slug, "at": timezone.now()}
    return render(request, "incidents/_open_now.html", context)
