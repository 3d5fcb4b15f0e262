"""One incident: its page, its suspects and its timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.models import User
from apps.accounts.permissions import may
from apps.incidents.axis import axis_of
from apps.incidents.charts import symptom_charts
from apps.incidents.forms import EntryForm, RoleForm, UpdateForm
from apps.incidents.models import Explanation, Incident
from apps.incidents.queries import incidents, similar
from apps.incidents.queries.gathering import moment
from apps.incidents.queries.suspects import suspects_of
from apps.incidents.queries.timeline import LANES, timeline_of, whole_of
from apps.incidents.status import MOVES, IncidentState
from apps.incidents.stretch import NAMES, stretch_of
from apps.incidents.suspects.facts import KIND_WORDS, Ranking
from apps.monitors.models import Alert

FORMS = {"entry": EntryForm, "update": UpdateForm, "role": RoleForm}


@never_cache
@require_GET
def incident_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole incident."""
    found, at = _incident(pk), timezone.now()
    user = cast(User, request.user)
    context = {
        "incident": found,
        "at": at,
        "moves": list(MOVES[IncidentState(found.state)]),
        "leads": incidents.may_lead(user, found),
        "responds": may(user, "incident:respond"),
        "updates": list(found.updates.all()[:20]),
        "duties": list(found.duties.all()),
        "actions": list(found.actions.select_related("owner")),
        "similar": similar.similar_to(incident=found),
        "forms": {name: form(prefix=name) for name, form in FORMS.items()},
        "shows_demo": found.is_demo,
    } | _timeline(request, found)  # fmt: skip
    return render(request, "incidents/incident_detail.html", context)


@never_cache
@require_GET
def suspects(request: HttpRequest, pk: int) -> HttpResponse:
    """What changed before this, with its charts; a fragment that the page fetches."""
    found, at = _incident(pk), timezone.now()
    answer = suspects_of(incident=found, at=at)
    context = {
        "incident": found, "ranking": answer.ranking, "moves": answer.moves,
        **_rows(found, answer.ranking),
        "onset": moment(answer.ranking.onset_at),
        "charts": symptom_charts(incident=found, answer=answer, zone=timezone.get_current_timezone(), at=at),
        "responds": may(request.user, "incident:respond"), "asked_at": at,
        "is_page": not request.htmx,  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "incidents/_suspects.html" if request.htmx else "incidents/suspects.html", context)  # type: ignore[attr-defined]


@never_cache
@require_GET
def alert_suspects(request: HttpRequest, alert_id: int) -> HttpResponse:
    """A fragment for the page of an alert: what changed before it, as far as that was worked out."""
    row = Explanation.objects.select_related("alert").filter(alert=alert_id).first()
    alert = row.alert if row else get_object_or_404(Alert, pk=alert_id)
    suspects = [one | {"at": datetime.fromisoformat(one["at"]), "percent": round(100 * one["chance"])}
                for one in (row.suspects if row else ())]  # fmt: skip
    context = {"alert": alert, "explanation": row, "suspects": suspects}
    return render(request, "incidents/_alert_suspects.html", context)


def _rows(found: Incident, ranking: Ranking) -> dict[str, list[dict[str, Any]]]:
    """The suspects that are worth a look, and the others, whom nobody would believe."""
    verdicts = {one.suspect: one for one in found.verdicts.all()}
    shown: dict[str, list[dict[str, Any]]] = {"rows": [], "others": []}
    for place, one in enumerate(ranking.suspects[:8], start=1):
        row = {
            "place": place,
            "suspect": one,
            "at": moment(one.candidate.at),
            "percent": round(100 * one.score),
            "kind": KIND_WORDS[one.candidate.kind],
            "verdict": verdicts.get(one.candidate.key),
        }
        shown["rows" if place == 1 or row["percent"] or row["verdict"] else "others"].append(row)
    return shown


@never_cache
@require_GET
def timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """The timeline alone; ?lane= narrows it, ?all=1 shows more than the key moments."""
    found = _incident(pk)
    return render(request, "incidents/_timeline.html", {"incident": found} | _timeline(request, found))


def _timeline(request: HttpRequest, found: Incident) -> dict[str, object]:
    at, asked = timezone.now(), request.GET
    lanes = [lane for lane in asked.getlist("lane") if lane in LANES]
    shows_all = asked.get("all") == "1"
    stretch = stretch_of(
        span=asked.get("span", ""),
        at=asked.get("at", ""),
        begin=asked.get("from", ""),
        end=asked.get("to", ""),
        onset=found.impact_started_at,
    )
    is_key = not shows_all and not lanes
    rows = timeline_of(incident=found, at=at, lanes=lanes, key_only=is_key, stretch=stretch)
    shown = stretch or whole_of(found, at)
    return {
        "moments": rows,
        "lanes": LANES,
        "chosen": lanes,
        "shows_all": shows_all,
        "stretch": stretch,
        "axis": axis_of(rows, shown, LANES),
        "spans": [(key, name, key == (stretch.key if stretch else "")) for key, name in NAMES.items()],
        "panned": [(word, shown.moved(share).query) for word, share in (("Earlier", -0.5), ("Later", 0.5))],
        "responds": may(request.user, "incident:respond"),
    }


def _incident(pk: int) -> Incident:
    return get_object_or_404(incidents.incidents(), pk=pk)
