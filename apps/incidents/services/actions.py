"""Action items: promised, done, and seen to help."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import AuditEntry, User
from apps.events.status import Tone
from apps.incidents.models import ActionItem, Incident
from apps.incidents.services.errors import IncidentError
from apps.incidents.services.telling import audit, tell
from apps.incidents.status import OPEN_ACTIONS, ActionState


def add_action(
    *, incident_id: int, actor: User, at: datetime, title: str, owner: User | None = None, due_on: date | None = None,
    url: str = "", origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> ActionItem:  # fmt: skip
    """A new action item."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        item = ActionItem.objects.create(
            incident=incident, title=title, owner=owner, due_on=due_on, url=url, created_at=at, created_by=str(actor)
        )
        _tell(item, "incident:action", actor, at, origin, {"title": title, "owner": str(owner or "")})
    return item


def change_action(
    *, action_id: int, actor: User, at: datetime, state: str, effect: str = "",
    origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> ActionItem:  # fmt: skip
    """Say how far it is; a verified one says how its effect was seen. Raises IncidentError when it does not."""
    with transaction.atomic():
        item = ActionItem.objects.select_for_update(of=("self",)).select_related("incident").get(pk=action_id)
        if state == ActionState.VERIFIED and not effect.strip():
            raise IncidentError("Write how its effect was seen: a number, a test, a day without the fault.")
        values: dict[str, Any] = {"state": state, "effect": effect or item.effect}
        if state in (ActionState.DONE, ActionState.VERIFIED):
            values["done_at"] = item.done_at or at
        if state == ActionState.VERIFIED:
            values |= {"verified_at": at, "verified_by": str(actor)}
        for name, value in values.items():
            setattr(item, name, value)
        item.save(update_fields=list(values))
        _tell(item, "incident:action-change", actor, at, origin, {"state": state, "effect": effect})
    return item


def remind_of_actions(*, at: datetime) -> int:
    """Tell of every open item that is due or overdue, once a day each; returns how many. Two workers tell it once."""
    today = at.astimezone(ZoneInfo(settings.DEFAULT_ZONE)).date()
    due = ActionItem.objects.filter(state__in=OPEN_ACTIONS, due_on__lte=today)
    due = due.filter(Q(reminded_on=None) | Q(reminded_on__lt=today))
    told = 0
    for pk in due.order_by("due_on", "pk").values_list("pk", flat=True)[:100]:
        with transaction.atomic():
            rows = due.select_for_update(skip_locked=True, of=("self",)).select_related("incident")
            item = rows.filter(pk=pk).first()
            if item is not None:
                item.reminded_on = today
                item.save(update_fields=["reminded_on"])
                _tell_due(item, today, at)
                told += 1
    return told


def _tell_due(item: ActionItem, today: date, at: datetime) -> None:
    assert item.due_on is not None
    when = "today" if item.due_on == today else f"since {item.due_on:%d %b %Y}"
    title = f"Incident {item.incident_id}: “{item.title[:140]}” is due {when}"
    data = {"action_id": item.pk, "due_on": item.due_on.isoformat()}
    tell(item.incident, "incidents:action:due", title, at=at, actor="OpsPortal", tone=Tone.WARN, data=data)


def _tell(
    item: ActionItem, action: str, actor: User, at: datetime, origin: AuditEntry.Origin, after: dict[str, Any]
) -> None:
    audit(item.incident, action, actor=actor, origin=origin, after={"action": item.pk} | after)
    word = ActionState(item.state).label.lower()
    title = f"Incident {item.incident_id}: “{item.title[:140]}” is {word}"
    tell(item.incident, "incidents:action:changed", title, at=at, actor=str(actor))
