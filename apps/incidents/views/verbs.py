"""What people do to an incident; each a form that comes back to its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.events.models import Event
from apps.incidents import services
from apps.incidents.forms import CLOCKS, ChangeForm, EntryForm, RoleForm, UpdateForm, VerdictForm, as_local
from apps.incidents.models import Incident
from apps.incidents.queries import incidents
from apps.incidents.queries.gathering import moment
from apps.incidents.queries.suspects import suspects_of
from apps.incidents.services.verdicts import Judged

NOT_LEADING = "Only the commander of this incident, or somebody who leads everywhere, may do this."


@require_POST
@requires("incident:respond")
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Into another state."""
    found = _led(request, pk)
    to, note = request.POST.get("to", ""), request.POST.get("note", "")
    return _done(
        request,
        found,
        lambda at, who: services.move(incident_id=pk, to=to, actor=who, at=at, note=note),
        "The state moved.",
    )


@require_POST
@requires("incident:respond")
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody is at work."""
    found = get_object_or_404(Incident, pk=pk)
    return _done(request, found, lambda at, who: services.acknowledge(incident_id=pk, actor=who, at=at), "Noted.")


@require_POST
@requires("incident:respond")
def role(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a role over."""
    found, form = _led(request, pk), RoleForm(request.POST, prefix="role")
    if not form.is_valid():
        return _wrong(request, found, form)
    given = form.cleaned_data
    return _done(
        request,
        found,
        lambda at, who: services.hand_over(incident_id=pk, actor=who, at=at, **given),
        "The role is given.",
    )


@require_POST
@requires("incident:respond")
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Write on the timeline."""
    found, form = get_object_or_404(Incident, pk=pk), EntryForm(request.POST, prefix="entry")
    if not form.is_valid():
        return _wrong(request, found, form)
    values = dict(form.cleaned_data)
    values["happened_at"] = values.pop("at")
    return _done(
        request, found, lambda at, who: services.add_entry(incident_id=pk, actor=who, at=at, **values), "Written."
    )


@require_POST
@requires("incident:respond")
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an event of the ledger one of the key moments."""
    found, number = get_object_or_404(Incident, pk=pk), request.POST.get("event", "")
    event = get_object_or_404(Event, pk=int(number) if number.isdecimal() and len(number) < 19 else 0)
    return _done(
        request,
        found,
        lambda at, who: services.pin_event(incident_id=pk, event_id=event.pk, actor=who, at=at),
        "It is one of the key moments now.",
    )


@require_POST
@requires("incident:respond")
def update(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell everybody."""
    found, form = get_object_or_404(Incident, pk=pk), UpdateForm(request.POST, prefix="update")
    if not form.is_valid():
        return _wrong(request, found, form)
    said = form.cleaned_data
    return _done(
        request, found, lambda at, who: services.post_update(incident_id=pk, actor=who, at=at, **said), "Posted."
    )


@require_POST
@requires("incident:respond")
def verdict(request: HttpRequest, pk: int) -> HttpResponse:
    """What a suspect was."""
    found, form = get_object_or_404(Incident, pk=pk), VerdictForm(request.POST)
    if not form.is_valid():
        return _wrong(request, found, form)
    judged = _judged(found, form.cleaned_data.pop("suspect"))
    if judged is None:
        messages.error(request, "This is no suspect of the incident any more.")
        return redirect(found)
    given = form.cleaned_data
    return _done(
        request, found,
        lambda at, who: services.give_verdict(incident_id=pk, suspect=judged, actor=who, at=at, **given),
        "The verdict is kept; it teaches the ranking.",
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("incident:respond")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct what is said of it."""
    found = _led(request, pk)
    form = ChangeForm(request.POST if request.method == "POST" else None, initial=_initial(found))
    if form.is_bound and form.is_valid():
        values = dict(form.cleaned_data)
        features, at, actor = values.pop("features"), timezone.now(), cast(User, request.user)
        try:
            services.change_incident(incident_id=pk, actor=actor, at=at, values=values, features=features)
            return redirect(found)
        except services.IncidentError as error:
            form.add_error(None, str(error))
    return render(
        request, "incidents/change.html", {"form": form, "incident": found}, status=422 if form.is_bound else 200
    )


def _initial(found: Incident) -> dict[str, Any]:
    names = ("title", "summary", "kind", "severity", "visibility", "cause_class")
    clocks = {name: as_local(getattr(found, name)) for name in CLOCKS}
    return (
        {name: getattr(found, name) for name in names} | clocks | {"features": [one.pk for one in found.features.all()]}
    )


def _judged(found: Incident, key: str) -> Judged | None:
    ranking = suspects_of(incident=found, at=timezone.now()).ranking
    for place, one in enumerate(ranking.suspects, start=1):
        candidate = one.candidate
        if candidate.key == key:
            return Judged(
                key=key, kind=candidate.kind.value, title=candidate.title, at=moment(candidate.at),
                component_id=candidate.component_id, rank=place, score=one.score,
                event_id=candidate.event_id,
            )  # fmt: skip
    return None


def _led(request: HttpRequest, pk: int) -> Incident:
    found = get_object_or_404(incidents.incidents(), pk=pk)
    if not incidents.may_lead(cast(User, request.user), found):
        raise PermissionDenied(NOT_LEADING)
    return found


def _done(request: HttpRequest, found: Incident, deed: Callable[[Any, User], Any], said: str) -> HttpResponse:
    """Do it, say so, and go back to the page; what does not fit is said there."""
    try:
        deed(timezone.now(), cast(User, request.user))
        messages.success(request, said)
    except services.IncidentError as error:
        messages.error(request, str(error))
    except ValueError:
        messages.error(request, "There is no such choice.")
    return redirect(found)


def _wrong(request: HttpRequest, found: Incident, form: Any) -> HttpResponse:
    for name, problems in form.errors.items():
        label = form.fields[name].label or name.capitalize() if name in form.fields else ""
        messages.error(request, f"{label}: {problems[0]}".lstrip(": "))
    return redirect(found)
