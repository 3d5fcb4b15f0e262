"""What waits for one person: action items that are due soon, and updates that the incident they command owes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.incidents.models import ActionItem, Incident, RoleKind
from apps.incidents.status import OPEN_ACTIONS, OPEN_STATES

SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What somebody owes; `today` by the reader's clock."""

    actions: list[ActionItem]
    updates: list[Incident]
    today: date

    def __bool__(self) -> bool:
        return bool(self.actions or self.updates)


def waiting_for(*, user: User, at: datetime) -> Waiting:
    """Open items of the person that are due within a week, and overdue updates; two queries."""
    today = timezone.localdate(at)
    items = ActionItem.objects.filter(owner=user, state__in=OPEN_ACTIONS, due_on__lte=today + SOON)
    commanded = Incident.objects.filter(
        state__in=OPEN_STATES,
        next_update_at__lt=at,
        duties__user=user,
        duties__role=RoleKind.COMMANDER,
        duties__until=None,
    )
    return Waiting(list(items.select_related("incident")[:20]), list(commanded[:20]), today)
