"""The portal frozen at the moment of the declaration."""

from __future__ import annotations

from datetime import datetime

from apps.incidents.models import Incident, Snapshot
from apps.incidents.queries.asof import portal_at


def take_snapshot(*, incident: Incident, at: datetime) -> Snapshot:
    """What ran where, which alerts were open and how the features were, written once."""
    return Snapshot.objects.create(incident=incident, at=at, data=portal_at(at=at).as_json())
