"""Incidents, timelines and suspects as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from apps.incidents.models import Incident, StatusUpdate, TimelineEntry, Verdict
from apps.incidents.queries.gathering import moment
from apps.incidents.queries.origins import Origin, origins_of
from apps.incidents.queries.suspects import Answer
from apps.incidents.suspects.facts import Suspect


def incident_json(incident: Incident, request: HttpRequest) -> dict[str, Any]:
    """One incident with its clocks and measures; spans are seconds."""
    clocks = ("impact_started_at", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at", "declared_at")
    words = ("title", "summary", "kind", "severity", "state", "visibility", "cause_class", "declared_by")
    return {
        "id": incident.pk,
        **{name: str(getattr(incident, name)) for name in words},
        **{name: _iso(getattr(incident, name)) for name in clocks},
        "features": sorted(feature.slug for feature in incident.features.all()),
        "components": sorted(component.slug for component in incident.components.all()),
        "roles": [
            {"role": duty.role, "name": duty.name, "since": _iso(duty.since), "until": _iso(duty.until)}
            for duty in incident.duties.all()
        ],
        "time_to_detect": _seconds(incident.time_to_detect),
        "time_to_acknowledge": _seconds(incident.time_to_acknowledge),
        "time_to_resolve": _seconds(incident.time_to_resolve),
        "url": request.build_absolute_uri(incident.get_absolute_url()),
    }


def entry_json(entry: TimelineEntry) -> dict[str, Any]:
    """One entry of the timeline."""
    return {
        "id": entry.pk,
        "at": _iso(entry.at),
        "until": _iso(entry.until),
        "kind": entry.kind,
        "text": entry.text,
        "author": entry.author,
        "event_id": entry.event_id,
        "is_pinned": entry.is_pinned,
        "was_changed": bool(entry.before),
    }


def update_json(update: StatusUpdate) -> dict[str, Any]:
    """One status update."""
    words = {"state": update.state, "text": update.text, "brief": update.brief, "author": update.author}
    return {"id": update.pk, "at": _iso(update.at)} | words


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """One verdict."""
    return {
        "suspect": verdict.suspect,
        "verdict": verdict.verdict,
        "note": verdict.note,
        "given_by": verdict.given_by,
        "given_at": _iso(verdict.given_at),
    }


def suspects_json(answer: Answer, verdicts: dict[str, str], request: HttpRequest) -> dict[str, Any]:
    """The ranking with every reason; `score` and `none_score` add up to one over all suspects."""
    ranking = answer.ranking
    origins = origins_of(ranking.suspects)
    return {
        "sentence": ranking.sentence,
        "is_convincing": ranking.is_convincing,
        "none_score": round(ranking.none_score, 4),
        "onset": {
            "at": _iso(moment(ranking.onset_at)),
            "earliest": _iso(moment(ranking.onset_low)),
            "latest": _iso(moment(ranking.onset_high)),
            "text": ranking.onset_text,
        },
        "symptoms": [
            {"measure": move.label, "before": move.before, "after": move.after, "unit": move.unit}
            for move in answer.moves
        ],
        "asked_at": _iso(answer.asked_at),
        "suspects": [
            _suspect(place, one, origins[one.candidate.key], answer, request)
            | {"verdict": verdicts.get(one.candidate.key)}
            for place, one in enumerate(ranking.suspects, start=1)
        ],
    }


def _suspect(place: int, one: Suspect, origin: Origin, answer: Answer, request: HttpRequest) -> dict[str, Any]:
    candidate = one.candidate
    return {
        "rank": place,
        "key": candidate.key,
        "kind": candidate.kind.value,
        "title": candidate.title,
        "score": round(one.score, 4),
        "at": _iso(moment(candidate.at)),
        "undone_at": _iso(moment(candidate.undone_at)) if candidate.undone_at else None,
        "actor": candidate.actor,
        "component": answer.around.slugs.get(candidate.component_id or 0),
        "source": origin.source,
        "external_id": origin.external_id,
        "data": origin.data,
        "url": request.build_absolute_uri(candidate.url) if candidate.url else None,
        "reasons": [
            {"name": reason.name, "text": reason.text, "factor": round(reason.factor, 4)} for reason in one.reasons
        ],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None
