"""The review and its action items: written together, saved as one types, exported."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import may, requires
from apps.core.ui.markdown import markdown
from apps.incidents import services
from apps.incidents.forms import ActionForm, ActionStateForm, CaseForm, ReviewForm, ReviewStateForm, as_local
from apps.incidents.models import ActionItem, Incident, Review
from apps.incidents.queries import cases, incidents, record
from apps.incidents.status import ActionState


@never_cache
@require_GET
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """The review, rendered; ?edit=1 is the box to write in."""
    found, at = _incident(pk), timezone.now()
    written = Review.objects.filter(pk=pk).select_related("owner").first()
    text = written.text if written else record.review_text(incident=found, at=at)
    responds = may(request.user, "incident:respond")
    context = {
        "incident": found,
        "review": written,
        "text": text,
        "html": markdown(text),
        "version": written.version if written else 0,
        "is_edited": request.GET.get("edit") == "1" and responds,
        "responds": responds,
        "actions": list(found.actions.select_related("owner")),
        "states": ActionState.choices,
        "form": ReviewStateForm(prefix="review", initial=_initial(written)),
        "action_form": ActionForm(prefix="action"),
        **_cases(request, found),
        "shows_demo": found.is_demo,
    }
    return render(request, "incidents/review.html", context)


def _initial(written: Review | None) -> dict[str, Any]:
    if written is None:
        return {}
    return {"state": written.state, "owner": written.owner_id, "meeting_at": as_local(written.meeting_at)}


@require_POST
@requires("incident:respond")
def review_text(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the text. 409 when somebody else saved meanwhile, with both texts to put together."""
    found, form = _incident(pk), ReviewForm(request.POST)
    if not form.is_valid():
        return HttpResponse("The text is empty or too long.", status=422)
    said, at, actor = form.cleaned_data, timezone.now(), cast(User, request.user)
    try:
        saved = services.save_review(incident_id=pk, actor=actor, at=at, **said)
    except services.ConflictError as error:
        return _conflict(request, found, said["text"], str(error))
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "incidents/_review_saved.html", {"review": saved, "incident": found})
    messages.success(request, "The review is saved.")
    return redirect("incidents:review", pk)


def _conflict(request: HttpRequest, found: Incident, mine: str, why: str) -> HttpResponse:
    theirs = Review.objects.get(pk=found.pk)
    context = {"incident": found, "mine": mine, "theirs": theirs, "why": why}
    name = "incidents/_review_conflict.html" if request.htmx else "incidents/review_conflict.html"  # type: ignore[attr-defined]
    return render(request, name, context, status=409)


@require_POST
@requires("incident:respond")
def review_state(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, who writes it, when it is talked about."""
    get_object_or_404(Review, pk=pk)
    form = ReviewStateForm(request.POST, prefix="review")
    if form.is_valid():
        actor = cast(User, request.user)
        services.set_review(incident_id=pk, actor=actor, at=timezone.now(), **form.cleaned_data)
        messages.success(request, "Kept.")
    else:
        messages.error(request, "Choose a state, and a day and a time for the meeting.")
    return redirect("incidents:review", pk)


@require_POST
@requires("incident:respond")
def action_add(request: HttpRequest, pk: int) -> HttpResponse:
    """A new action item."""
    found, form = _incident(pk), ActionForm(request.POST, prefix="action")
    if form.is_valid():
        actor = cast(User, request.user)
        services.add_action(incident_id=found.pk, actor=actor, at=timezone.now(), **form.cleaned_data)
        messages.success(request, "The action item is kept.")
    else:
        messages.error(request, "Say what should be done; the day and the ticket may stay empty.")
    return redirect("incidents:review", pk)


@require_POST
@requires("incident:respond")
def action_change(request: HttpRequest, pk: int, action_id: int) -> HttpResponse:
    """How far it is, and how its effect was seen."""
    item = get_object_or_404(ActionItem, pk=action_id, incident=pk)
    form = ActionStateForm(request.POST)
    try:
        if form.is_valid():
            services.change_action(
                action_id=item.pk, actor=cast(User, request.user), at=timezone.now(), **form.cleaned_data
            )
    except services.IncidentError as error:
        messages.error(request, str(error))
    return redirect("incidents:review", pk)


def _cases(request: HttpRequest, found: Incident) -> dict[str, Any]:
    """The cases that came of it, and the form for another where the reader may add one and there is a suite."""
    suites = cases.suites_for(incident=found)
    is_offered = may(request.user, "suite:change") and suites.exists()
    form = CaseForm(prefix="case", suites=suites, initial={"suite": suites.first()}) if is_offered else None
    return {"cases": cases.cases_of(incident=found), "case_form": form}


@require_POST
@requires("suite:change")
def case_add(request: HttpRequest, pk: int) -> HttpResponse:
    """What failed, for the suite that guards the prompt."""
    found = _incident(pk)
    form = CaseForm(request.POST, prefix="case", suites=cases.suites_for(incident=found))
    try:
        if form.is_valid():
            actor = cast(User, request.user)
            services.add_regression_case(incident_id=pk, actor=actor, at=timezone.now(), **form.cleaned_data)
            messages.success(request, "The case is in the suite; its next version has to pass it.")
        else:
            messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    except services.IncidentError as error:
        messages.error(request, str(error))
    return redirect("incidents:review", pk)


@require_GET
def export(request: HttpRequest, pk: int, kind: str) -> HttpResponse:  # noqa: ARG001 - the address carries everything
    """The review as Markdown, everything as JSON, the timeline as CSV."""
    found, at = _incident(pk), timezone.now()
    if kind not in ("md", "json", "csv"):
        raise Http404
    response = _exported(found, kind, at)
    response["Content-Disposition"] = f'attachment; filename="incident-{found.pk}.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


def _exported(found: Incident, kind: str, at: datetime) -> HttpResponse:
    if kind == "json":
        return JsonResponse(record.as_json(incident=found, at=at))
    text = record.as_csv(incident=found, at=at) if kind == "csv" else record.as_markdown(incident=found, at=at)
    return HttpResponse(text, content_type=f"text/{'csv' if kind == 'csv' else 'markdown'}; charset=utf-8")


def _incident(pk: int) -> Incident:
    return get_object_or_404(incidents.incidents(), pk=pk)
