"""What people say of a suspect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.accounts.models import AuditEntry, User
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


def give_verdict(
    *, incident_id: int, suspect: Judged, verdict: str, note: str, actor: User, at: datetime,
    origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> Verdict:  # fmt: skip
    """Keep the verdict, or put it in the place of the one before."""
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
    return found
