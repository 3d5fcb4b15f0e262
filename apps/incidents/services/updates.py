"""What everybody is told, how often, and the reminder when it is time again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from apps.accounts.models import AuditEntry, User
from apps.events.status import Tone
from apps.incidents.models import Incident, StatusUpdate
from apps.incidents.services.telling import audit, tell
from apps.incidents.status import OPEN_STATES, update_interval


def post_update(
    *, incident_id: int, actor: User, at: datetime, text: str, brief: str = "", told_at: datetime | None = None,
    origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> StatusUpdate:  # fmt: skip
    """A new update in plain words; the next one is due after the time that its severity asks for."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        update = StatusUpdate.objects.create(
            incident=incident,
            at=told_at or at,
            state=incident.state,
            text=text,
            brief=brief,
            author=str(actor),
            user=actor,
        )
        wait = update_interval(severity=incident.severity, state=incident.state)
        incident.next_update_at, incident.reminded_at = (at + wait if wait else None), None
        incident.updated_at = at
        incident.save(update_fields=["next_update_at", "reminded_at", "updated_at"])
        audit(incident, "incident:update", actor=actor, origin=origin, after={"text": text, "brief": brief})
        tell(incident, "incidents:update:posted", f"Incident {incident.pk}: {brief or text[:200]}", at=at,
             actor=str(actor), detail=text)  # fmt: skip
    return update


def remind(*, at: datetime) -> int:
    """Tell once of every open incident whose next status update is overdue; returns how many."""
    due = Incident.objects.filter(state__in=OPEN_STATES, next_update_at__lt=at)
    due = due.filter(Q(reminded_at=None) | Q(reminded_at__lt=F("next_update_at")))
    reminded = 0
    for pk in due.values_list("pk", flat=True)[:100]:
        with transaction.atomic():
            found = due.filter(pk=pk).select_for_update(skip_locked=True).first()
            if found is not None:
                found.reminded_at = at
                found.save(update_fields=["reminded_at"])
                title = f"Incident {found.pk} waits for a status update: {found.title[:160]}"
                tell(found, "incidents:update:due", title, at=at, actor="OpsPortal", tone=Tone.WARN)
                reminded += 1
    return reminded
