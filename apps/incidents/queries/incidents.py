"""Reads of incidents for lists, pages and the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet

from apps.accounts.models import User
from apps.accounts.permissions import may
from apps.incidents.models import Duty, Incident, RoleKind
from apps.incidents.status import OPEN_STATES, OVER_STATES, IncidentState


def incidents() -> QuerySet[Incident]:
    """Every incident with its features and who has which role now, the newest first."""
    duties = Prefetch("duties", queryset=Duty.objects.filter(until=None), to_attr="present")
    return Incident.objects.prefetch_related("features", duties).order_by("-impact_started_at", "-pk")


def with_state(rows: Any, state: str) -> Any:
    """Those in a state; "open" are all that people respond to."""
    return rows.filter(state__in=OPEN_STATES) if state == "open" else rows.filter(state=state)


def open_incidents() -> list[Incident]:
    """What people respond to now, and drafts that wait for them, the worst first."""
    rows = incidents().exclude(state__in=OVER_STATES)
    return sorted(
        rows, key=lambda one: (one.state == IncidentState.DRAFT, one.severity, -one.impact_started_at.timestamp())
    )


def may_lead(user: User, incident: Incident) -> bool:
    """Whether a person may change how severe it is and end it: commanders everywhere, and who commands this one."""
    if may(user, "incident:lead"):
        return True
    return (
        may(user, "incident:respond")
        and incident.duties.filter(role=RoleKind.COMMANDER, until=None, user=user).exists()
    )


def published(*, at: datetime) -> list[Incident]:
    """What the status page shows: open ones, and those that ended within two weeks."""
    rows = incidents().filter(visibility="internal").exclude(state__in=[IncidentState.DRAFT, IncidentState.DISMISSED])
    recent = rows.filter(state=IncidentState.RESOLVED, resolved_at__gte=at - timedelta(days=14))
    return [*rows.filter(state__in=OPEN_STATES).prefetch_related("updates"), *recent.prefetch_related("updates")[:30]]
