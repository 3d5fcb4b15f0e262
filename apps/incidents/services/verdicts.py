"""What people say of a suspect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.deployments import services as deployments
from apps.deployments.queries.changes import DEPLOYED
from apps.deployments.status import LinkState
from apps.events.models import Event
from apps.incidents.models import Incident, Verdict
from apps.incidents.services.telling import audit, tell
from apps.incidents.status import SuspectVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The suspect as the ranking showed it."""

    key: str
    kind: str
    title: str
    at: datetime
    component_id: int | None
    rank: int
    score: float
    event_id: int | None = None  # in the ledger


def give_verdict(
    *, incident_id: int, suspect: Judged, verdict: str, note: str, actor: User, at: datetime,
    origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> Verdict:  # fmt: skip
    """Keep the verdict, or put it in the place of the one before; a change that was the cause has failed, says DORA."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        before = incident.verdicts.filter(suspect=suspect.key).first()
        values = {
            "kind": suspect.kind, "title": suspect.title[:300], "at": suspect.at, "component_id": suspect.component_id,
            "rank": suspect.rank, "score": suspect.score, "verdict": verdict, "note": note, "given_by": str(actor),
            "user": actor, "given_at": at,
        }  # fmt: skip
        found, _ = Verdict.objects.update_or_create(incident=incident, suspect=suspect.key, defaults=values)
        word = SuspectVerdict(verdict).label.lower()
        audit(incident, "incident:verdict", actor=actor, origin=origin, reason=note,
              before={suspect.key: before.verdict if before else None}, after={suspect.key: verdict})  # fmt: skip
        tell(incident, "incidents:suspect:judged", f"Incident {incident.pk}: {suspect.title[:180]}: {word}", at=at,
             actor=str(actor), detail=note, data={"suspect": suspect.key, "verdict": verdict})  # fmt: skip
        _link_failure(incident, suspect, verdict, note, actor, at)
    return found


def _link_failure(incident: Incident, suspect: Judged, verdict: str, note: str, actor: User, at: datetime) -> None:
    """Say of the change behind the suspect whether the incident was its failure; other suspects are no changes."""
    change_id = _change_behind(suspect)
    if change_id is None:
        return
    try:
        deployments.link_incident(
            change_id=change_id,
            reference=f"incident-{incident.pk}",
            title=incident.title,
            url=incident.get_absolute_url(),
            began_at=incident.impact_started_at,
            ended_at=incident.mitigated_at or incident.resolved_at,
            state=LinkState.CUT if verdict == SuspectVerdict.CLEARED else LinkState.CONFIRMED,
            actor=str(actor),
            user=actor,
            reason=note,
            at=at,
        )
    except deployments.LinkError:
        return  # it never went live, so it is not counted among the changes


def _change_behind(suspect: Judged) -> int | None:
    kind, _, number = suspect.key.partition("-")
    if kind != "deployment":
        return suspect.event_id
    told = Event.objects.filter(kind=DEPLOYED, subject_kind="deployment", subject_id=int(number))
    return told.order_by("-at").values_list("pk", flat=True).first()
