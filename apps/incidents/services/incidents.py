"""Declaring an incident and moving it through its states; each verb is one row lock, one write, one event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import differences
from apps.catalog.models import Component, Feature
from apps.events.status import Tone
from apps.incidents.models import Duty, Incident, IncidentKind, RoleKind, TimelineEntry, Visibility
from apps.incidents.services.errors import IncidentError
from apps.incidents.services.snapshots import take_snapshot
from apps.incidents.services.telling import audit, tell
from apps.incidents.status import EntryKind, IncidentState, Severity, may_move, update_interval

PAGE = AuditEntry.Origin.PAGE
SAID = {
    IncidentState.INVESTIGATING: ("incidents:incident:reopened", Tone.BAD, "is open again"),
    IncidentState.IDENTIFIED: ("incidents:incident:identified", Tone.INFO, "has a known cause"),
    IncidentState.MONITORING: ("incidents:incident:mitigated", Tone.OK, "is mitigated and watched"),
    IncidentState.RESOLVED: ("incidents:incident:resolved", Tone.OK, "is resolved"),
    IncidentState.DISMISSED: ("incidents:incident:dismissed", Tone.INFO, "was no incident"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """When it began, was noticed, taken up, mitigated and over; None for what nobody has said."""

    impact_started_at: datetime | None = None
    detected_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None

    def said(self) -> dict[str, datetime]:
        """Those that were said."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What people say when they declare an incident."""

    title: str
    features: Sequence[Feature]
    components: Sequence[Component] = ()
    kind: str = IncidentKind.DEGRADATION
    severity: str = Severity.SEV3
    visibility: str = Visibility.INTERNAL
    summary: str = ""
    clocks: Clocks = Clocks()
    is_demo: bool = False


def declare(
    *, draft: Declaration, actor: User | None, at: datetime, origin: AuditEntry.Origin = PAGE, draft_key: str = "",
    by: str = "",
) -> Incident:  # fmt: skip
    """The new incident with its snapshot; `draft_key` makes it a draft that waits for a person.

    Raises IncidentError when the times cannot be.
    """
    said = draft.clocks.said()
    detected_at = said.get("detected_at") or said.get("impact_started_at") or at
    state = IncidentState.DRAFT if draft_key else _state_of(draft.clocks)
    values: dict[str, Any] = {
        **{"detected_at": detected_at, "impact_started_at": said.get("impact_started_at", detected_at)},
        **said,
    }
    _check_times(values, at)
    with transaction.atomic():
        incident = Incident.objects.create(
            title=draft.title[:200],
            summary=draft.summary,
            kind=draft.kind,
            severity=draft.severity,
            visibility=draft.visibility,
            state=state,
            declared_at=at,
            declared_by=by or str(actor or "OpsPortal"),
            reporter=actor,
            draft_key=draft_key,
            is_demo=draft.is_demo,
            updated_at=at,
            next_update_at=_next_update(draft.severity, state, at),
            **values,
        )
        incident.features.set(draft.features)
        incident.components.set(draft.components)
        take_snapshot(incident=incident, at=at)
        if actor is not None and not draft_key:
            Duty.objects.create(incident=incident, role=RoleKind.COMMANDER, user=actor, name=str(actor), since=at)
        audit(incident, "incident:declare", actor=actor, origin=origin, after=facts(incident))
        kind = "incidents:incident:drafted" if draft_key else "incidents:incident:declared"
        title = f"Incident {incident.pk}: {incident.title[:200]}"
        tell(incident, kind, title, at=at, actor=incident.declared_by, tone=Tone.WARN if draft_key else Tone.BAD)
    return incident


def move(
    *, incident_id: int, to: str, actor: User, at: datetime, note: str = "", origin: AuditEntry.Origin = PAGE
) -> Incident:
    """Bring the incident into another state, with the clocks that go with it; raises IncidentError."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        before, state = facts(incident), IncidentState(to)
        was_draft = incident.state == IncidentState.DRAFT
        if not may_move(incident.state, to):
            raise IncidentError(f"An incident that is {incident.get_state_display().lower()} cannot become that.")
        incident.state, incident.updated_at = state, at
        _set_clocks(incident, state, at)
        incident.next_update_at = _next_update(incident.severity, state, at)
        incident.save()
        kind, tone, verb = SAID[state]
        if was_draft and state == IncidentState.INVESTIGATING:
            kind, tone, verb = "incidents:incident:declared", Tone.BAD, "was confirmed"
            if not incident.duties.filter(role=RoleKind.COMMANDER, until=None).exists():
                Duty.objects.create(incident=incident, role=RoleKind.COMMANDER, user=actor, name=str(actor), since=at)
        _note_state(incident, f"{incident.get_state_display()}{f': {note}' if note else ''}", actor, at)
        audit(incident, f"incident:{state.value}", actor=actor, origin=origin, before=before, after=facts(incident))
        title = f"Incident {incident.pk} {verb}: {incident.title[:160]}"
        tell(incident, kind, title, at=at, actor=str(actor), tone=tone, detail=note)
    return incident


def acknowledge(*, incident_id: int, actor: User, at: datetime, origin: AuditEntry.Origin = PAGE) -> Incident:
    """Somebody is at work; raises IncidentError when that is known already."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        if incident.acknowledged_at is not None:
            raise IncidentError("Somebody has acknowledged it already.")
        incident.acknowledged_at, incident.updated_at = max(at, incident.detected_at), at
        incident.save(update_fields=["acknowledged_at", "updated_at"])
        _note_state(incident, "Acknowledged", actor, at)
        audit(incident, "incident:acknowledge", actor=actor, origin=origin, after={"acknowledged_at": at.isoformat()})
        tell(incident, "incidents:incident:acknowledged", f"Incident {incident.pk} was acknowledged", at=at,
             actor=str(actor))  # fmt: skip
    return incident


def change_incident(
    *, incident_id: int, actor: User, at: datetime, values: dict[str, Any], features: Sequence[Feature] | None = None,
    components: Sequence[Component] | None = None, origin: AuditEntry.Origin = PAGE,
) -> Incident:  # fmt: skip
    """Correct what is said of it: words, severity, clocks, features. Raises IncidentError for impossible times."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        before = facts(incident)
        for name, value in values.items():
            setattr(incident, name, value)
        _check_times({name: getattr(incident, name) for name in CLOCKS}, at)
        if features is not None:
            incident.features.set(features)
        if components is not None:
            incident.components.set(components)
        if incident.severity != before["severity"]:
            incident.next_update_at = _next_update(incident.severity, incident.state, at)
        incident.updated_at = at
        incident.save()
        old, new = differences(before, facts(incident))
        if new:
            audit(incident, "incident:change", actor=actor, origin=origin, before=old, after=new)
            words = ", ".join(name.removesuffix("_at").replace("_", " ") for name in new)
            tell(incident, "incidents:incident:changed", f"Incident {incident.pk}: {words} changed", at=at,
                 actor=str(actor))  # fmt: skip
    return incident


CLOCKS = ("impact_started_at", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at")


def facts(incident: Incident) -> dict[str, Any]:
    """What the audit log compares."""
    said = {name: getattr(incident, name) for name in CLOCKS}
    names = ("title", "summary", "kind", "severity", "state", "visibility", "cause_class")
    return {
        **{name: str(getattr(incident, name)) for name in names},
        **{name: value.isoformat() if value else None for name, value in said.items()},
        "features": sorted(incident.features.values_list("slug", flat=True)),
        "components": sorted(incident.components.values_list("slug", flat=True)),
    }


def _state_of(clocks: Clocks) -> IncidentState:
    if clocks.resolved_at:
        return IncidentState.RESOLVED
    return IncidentState.MONITORING if clocks.mitigated_at else IncidentState.INVESTIGATING


def _set_clocks(incident: Incident, state: IncidentState, at: datetime) -> None:
    """A state implies the clocks before it; what people said already stays. Reopened, the end is forgotten."""
    if state in (IncidentState.IDENTIFIED, IncidentState.MONITORING, IncidentState.RESOLVED):
        incident.acknowledged_at = incident.acknowledged_at or max(at, incident.detected_at)
    if state in (IncidentState.MONITORING, IncidentState.RESOLVED):
        incident.mitigated_at = incident.mitigated_at or max(at, incident.impact_started_at)
    if state == IncidentState.RESOLVED:
        incident.resolved_at = incident.resolved_at or max(at, incident.impact_started_at)
    if state in (IncidentState.INVESTIGATING, IncidentState.IDENTIFIED):
        incident.mitigated_at = incident.resolved_at = None
    if state == IncidentState.MONITORING:
        incident.resolved_at = None


def _next_update(severity: str, state: str, at: datetime) -> datetime | None:
    wait = update_interval(severity=severity, state=state)
    return at + wait if wait else None


def _check_times(values: dict[str, datetime | None], at: datetime) -> None:
    start = values["impact_started_at"]
    for name in CLOCKS:
        value, words = values.get(name), name.removesuffix("_at").replace("_", " ")
        if value is not None and start is not None and value < start and name != "impact_started_at":
            raise IncidentError(f"It cannot be {words} before the impact started; correct one of the two times.")
        if value is not None and (value - at).total_seconds() > 300:
            raise IncidentError(f"The time of “{words}” lies in the future.")


def _note_state(incident: Incident, text: str, actor: User, at: datetime) -> None:
    TimelineEntry.objects.create(
        incident=incident, at=at, kind=EntryKind.STATE, text=text, author=str(actor), user=actor, written_at=at
    )
