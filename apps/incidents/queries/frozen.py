"""The numbers of an incident's features as they are frozen at its declaration, and as they are read again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from apps.incidents.models import Incident
from apps.incidents.queries.symptoms import read_bins, symptom_series
from apps.incidents.suspects.binning import Span

BACK: Final = timedelta(hours=6)
STEP: Final = 300.0  # seconds


def numbers_before(*, feature_ids: Collection[int], at: datetime) -> list[dict[str, Any]]:
    """The means of five minutes over the six hours before `at`, of the twelve series that say most; two queries.

    [{"series", "label", "measure", "unit", "feature_id", "points": [[seconds since 1970, value], ...]}], JSON types.
    """
    rows = symptom_series(feature_ids=feature_ids, component_ids=())
    bins = read_bins(rows=rows, spans=[Span((at - BACK).timestamp(), at.timestamp(), STEP)])
    return [
        {
            "series": row.pk,
            "label": row.entry.label if row.measure else row.name,
            "measure": row.measure,
            "unit": row.unit,
            "feature_id": row.feature_id,
            "points": [
                [round(when), value] for when, value in zip(*(part.tolist() for part in bins[row.pk][:2]), strict=True)
            ],
        }
        for row in rows
        if row.pk in bins
    ]


def frozen_numbers(*, incident: Incident) -> list[dict[str, Any]]:
    """What was frozen; empty for an incident that was declared before numbers were."""
    snapshot = getattr(incident, "snapshot", None)
    return list(snapshot.data.get("numbers", ())) if snapshot else []
