"""The alerts that fire for a feature or for a part it depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db.models import Q

from apps.health.facts import AlertFact
from apps.health.queries.reach import Part
from apps.health.queries.sources import SourceFacts
from apps.monitors.models import Alert
from apps.monitors.status import AlertState


def facts(
    *, feature_ids: Collection[int], parts: Mapping[int, list[Part]], sources: SourceFacts
) -> dict[int, list[AlertFact]]:
    """feature -> its firing alerts, oldest first."""
    rows = (
        Alert.objects.filter(Q(feature_id__in=feature_ids) | Q(component_id__in=parts))
        .filter(state=AlertState.FIRING, resolved_at__isnull=True)
        .select_related("source__state")
        .order_by("opened_at", "pk")
    )
    wanted = set(feature_ids)
    found: dict[int, list[AlertFact]] = defaultdict(list)
    for row in rows:
        behind = parts.get(row.component_id or 0, ())
        touched = {row.feature_id, *(part.feature_id for part in behind if part.is_serving)}
        for feature_id in wanted & touched:
            found[feature_id].append(_fact(row, sources))
    return found


def _fact(row: Alert, sources: SourceFacts) -> AlertFact:
    return AlertFact(
        id=row.pk,
        name=row.name,
        since=row.opened_at,
        severity=row.severity,
        summary=row.summary,
        source=sources.of(row.source),
    )
