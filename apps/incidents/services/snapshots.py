"""The portal frozen at the moment of the declaration."""

from __future__ import annotations

from datetime import datetime

from apps.incidents.models import Incident, Snapshot
from apps.incidents.queries.asof import portal_at
from apps.incidents.queries.frozen import numbers_before


def take_snapshot(*, incident: Incident, at: datetime) -> Snapshot:
    """What ran where, which alerts were open, how the features were and what their numbers did, written once.

    The ledger keeps the first three for ever; the numbers are what retention would take away.
    """
    features = list(incident.features.values_list("pk", flat=True))
    data = portal_at(at=at).as_json() | {"numbers": numbers_before(feature_ids=features, at=at)}
    return Snapshot.objects.create(incident=incident, at=at, data=data)
