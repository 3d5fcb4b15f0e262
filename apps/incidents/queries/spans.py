"""When incidents were going on, for those who judge the past of a number."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from apps.incidents.models import Incident
from apps.incidents.status import IncidentState
from apps.metrics.models import Series


def incident_spans(series: Series, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The incidents of the series' feature or component that reach into a stretch, drafts and mistakes aside."""
    felt = Q()
    if series.feature_id:
        felt |= Q(features=series.feature_id)
    if series.component_id:
        felt |= Q(components=series.component_id)
    if not felt:
        return []
    rows = Incident.objects.filter(felt, impact_started_at__lte=end)
    rows = rows.filter(Q(resolved_at=None) | Q(resolved_at__gte=start))
    rows = rows.exclude(state__in=[IncidentState.DRAFT, IncidentState.DISMISSED]).distinct()
    return [(began, ended or end) for began, ended in rows.values_list("impact_started_at", "resolved_at")]
