"""What people write on the timeline. A corrected entry keeps what it said before."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.events.models import Event
from apps.incidents.models import Incident, TimelineEntry
from apps.incidents.services.errors import IncidentError
from apps.incidents.services.telling import audit, tell
from apps.incidents.status import EntryKind

PAGE = AuditEntry.Origin.PAGE


def add_entry(
    *, incident_id: int, actor: User, at: datetime, text: str, kind: str = EntryKind.NOTE,
    happened_at: datetime | None = None, until: datetime | None = None, is_pinned: bool = False,
    origin: AuditEntry.Origin = PAGE,
) -> TimelineEntry:  # fmt: skip
    """A new entry about `happened_at`; raises IncidentError when its end lies before."""
    when = happened_at or at
    if until is not None and until < when:
        raise IncidentError("The entry ends before it begins.")
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        entry = TimelineEntry.objects.create(
            incident=incident, at=when, until=until, kind=kind, text=text, author=str(actor), user=actor,
            is_pinned=is_pinned, written_at=at,
        )  # fmt: skip
        _tell(incident, entry, actor, at, origin, "incident:note")
    return entry


def change_entry(
    *, entry_id: int, actor: User, at: datetime, text: str, happened_at: datetime, is_pinned: bool,
    origin: AuditEntry.Origin = PAGE,
) -> TimelineEntry:  # fmt: skip
    """Correct an entry; what it said before stays readable beside it."""
    with transaction.atomic():
        entry = TimelineEntry.objects.select_for_update(of=("self",)).select_related("incident").get(pk=entry_id)
        if (text, happened_at) != (entry.text, entry.at):
            before = {"text": entry.text, "at": entry.at.isoformat(), "by": entry.author, "changed_at": at.isoformat()}
            entry.before = [*entry.before, before]
            entry.text, entry.at, entry.author = text, happened_at, str(actor)
        entry.is_pinned = is_pinned
        entry.save(update_fields=["text", "at", "author", "is_pinned", "before"])
        _tell(entry.incident, entry, actor, at, origin, "incident:note-change")
    return entry


def pin_event(*, incident_id: int, event_id: int, actor: User, at: datetime) -> TimelineEntry:
    """Make an event of the ledger one of the key moments; pinning it again changes nothing."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        event = Event.objects.get(pk=event_id)
        found = incident.entries.filter(event_id=event_id).first()
        if found is not None:
            return found
        entry = TimelineEntry.objects.create(
            incident=incident, at=event.at, kind=EntryKind.FINDING, text=event.title, author=str(actor), user=actor,
            event_id=event_id, is_pinned=True, written_at=at,
        )  # fmt: skip
        _tell(incident, entry, actor, at, PAGE, "incident:pin")
    return entry


def _tell(
    incident: Incident, entry: TimelineEntry, actor: User, at: datetime, origin: AuditEntry.Origin, action: str
) -> None:
    after = {"entry": entry.pk, "text": entry.text, "at": entry.at.isoformat(), "is_pinned": entry.is_pinned}
    audit(incident, action, actor=actor, origin=origin, after=after)
    tell(incident, "incidents:entry:written", f"Incident {incident.pk}: {entry.text[:200]}", at=at, actor=str(actor))
