"""The record of an incident as a review begins with it, and as it leaves the portal: Markdown, JSON, CSV."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.core.ui.formats import duration
from apps.incidents.models import Incident
from apps.incidents.queries.timeline import timeline_of
from apps.incidents.status import SuspectVerdict

CLOCKS = (
    ("impact_started_at", "Impact started"),
    ("detected_at", "Noticed"),
    ("acknowledged_at", "Taken up"),
    ("mitigated_at", "Mitigated"),
    ("resolved_at", "Over"),
)
PROMPTS = (
    ("Impact", "Who was hurt, and how? Numbers say more than words: how many people, how many answers, for how long."),
    ("What made it possible", "Look for conditions, not for people: what made the wrong thing easy to do?"),
    ("How it was noticed", "What would have told us earlier?"),
    ("What went well", "What helped that we should keep?"),
    ("What was hard", "Where did we lose time, and what would have saved it?"),
)


def review_text(*, incident: Incident, at: datetime) -> str:
    """The first draft of the review in Markdown, filled from the record; times in the reader's zone."""
    features = ", ".join(feature.name for feature in incident.features.all()) or "no feature"
    lines = [f"# {incident.title}", "", f"{incident.get_severity_display()}, {features}.", "", "## In short", ""]
    lines += [incident.summary or "_One paragraph: what happened, to whom, why, and what we do about it._", ""]
    lines += ["## Clocks", "", *_clocks(incident), "", "## Cause", "", *_causes(incident), ""]
    for title, question in PROMPTS:
        lines += [f"## {title}", "", f"_{question}_", ""]
    lines += ["## Timeline", "", *_timeline(incident, at), "", "## Actions", "", *_actions(incident)]
    return "\n".join(lines) + "\n"


def as_markdown(*, incident: Incident, at: datetime) -> str:
    """The review as it stands, or the record where nobody has written one."""
    review = getattr(incident, "review", None)
    return review.text if review else review_text(incident=incident, at=at)


def as_json(*, incident: Incident, at: datetime) -> dict[str, Any]:
    """Everything that is known of it, in JSON types."""
    rows = timeline_of(incident=incident, at=at)
    return {
        "id": incident.pk,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "kind": incident.kind,
        "cause_class": incident.cause_class,
        "features": [feature.slug for feature in incident.features.all()],
        "clocks": {name: _iso(getattr(incident, name)) for name, _ in CLOCKS},
        "roles": [
            {"role": duty.role, "name": duty.name, "since": _iso(duty.since), "until": _iso(duty.until)}
            for duty in incident.duties.all()
        ],
        "updates": [{"at": _iso(one.at), "text": one.text, "brief": one.brief} for one in incident.updates.all()],
        "verdicts": [
            {"title": one.title, "verdict": one.verdict, "note": one.note, "by": one.given_by}
            for one in incident.verdicts.all()
        ],
        "timeline": [{"at": _iso(one.at), "lane": one.lane, "title": one.title, "who": one.who} for one in rows],
        "actions": [
            {"title": one.title, "state": one.state, "due_on": _iso(one.due_on), "effect": one.effect}
            for one in incident.actions.all()
        ],
        "review": as_markdown(incident=incident, at=at),
        "snapshot": incident.snapshot.data if hasattr(incident, "snapshot") else None,
    }


def as_csv(*, incident: Incident, at: datetime) -> str:
    """The timeline, one row a moment; what a spreadsheet would take for a formula is made harmless."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["at", "lane", "title", "note", "who"])
    for one in timeline_of(incident=incident, at=at):
        writer.writerow([one.at.isoformat(), one.lane, *(_harmless(text) for text in (one.title, one.note, one.who))])
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _clocks(incident: Incident) -> list[str]:
    lines = ["| Clock | When, or how long |", "|---|---|"]
    for name, label in CLOCKS:
        value = getattr(incident, name)
        lines.append(
            f"| {label} | {timezone.localtime(value):%Y-%m-%d %H:%M %Z} |" if value else f"| {label} | not yet |"
        )
    spans = (
        ("Until noticed", incident.time_to_detect),
        ("Until taken up", incident.time_to_acknowledge),
        ("Until over", incident.time_to_resolve),
    )
    return lines + [f"| {label} | {_lasted(span)} |" for label, span in spans if span is not None]


def _lasted(span: timedelta) -> str:
    return duration(span.total_seconds()) if span else "at once"


def _causes(incident: Incident) -> list[str]:
    found = [
        f"- {SuspectVerdict(one.verdict).label}: {one.title}{f'. {one.note}' if one.note else ''}"
        for one in incident.verdicts.all()
    ]
    return found or ["_No suspect has a verdict yet; give it on the page of the incident._"]


def _timeline(incident: Incident, at: datetime) -> list[str]:
    rows = timeline_of(incident=incident, at=at, key_only=True)
    return [f"- {timezone.localtime(one.at):%H:%M} {_one_line(one.title)}" for one in rows] or ["- nothing was written"]


def _actions(incident: Incident) -> list[str]:
    rows = [
        f"- [{'x' if one.done_at else ' '}] {one.title}{f' ({one.owner})' if one.owner else ''}"
        for one in incident.actions.select_related("owner")
    ]
    return rows or ["_None yet._"]


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _iso(value: Any) -> str | None:
    return value.isoformat() if value else None
