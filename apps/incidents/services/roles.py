"""Who has which role; a hand-over ends one duty and begins the next, so that it stays known who led when."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.incidents.models import Duty, Incident, RoleKind, TimelineEntry
from apps.incidents.services.errors import IncidentError
from apps.incidents.services.telling import audit, tell
from apps.incidents.status import EntryKind


def hand_over(
    *, incident_id: int, role: str, to: User, actor: User, at: datetime,
    origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> Duty:  # fmt: skip
    """Give a role to a person; whoever had it is relieved. Raises IncidentError when the person has it already."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        word = RoleKind(role).label
        held = incident.duties.filter(role=role, until=None)
        if held.filter(user=to).exists():
            raise IncidentError(f"{to} has this role already.")
        before = ", ".join(held.values_list("name", flat=True))
        if role != RoleKind.OBSERVER and role != RoleKind.EXPERT:  # of these there may be many
            held.update(until=at)
        duty = Duty.objects.create(incident=incident, role=role, user=to, name=str(to), since=at)
        text = f"{to} is {word.lower()}{f' after {before}' if before else ''}"
        TimelineEntry.objects.create(
            incident=incident, at=at, kind=EntryKind.ROLE, text=text, author=str(actor), user=actor, written_at=at
        )
        audit(incident, "incident:role", actor=actor, origin=origin, before={role: before}, after={role: str(to)})
        tell(incident, "incidents:role:given", f"Incident {incident.pk}: {text}", at=at, actor=str(actor))
    return duty
