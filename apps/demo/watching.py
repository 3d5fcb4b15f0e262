"""Monitors and objectives of the demo, set once, when the series that they watch have come with the first polls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core import bulk
from apps.events.models import Event
from apps.metrics.models import Series
from apps.monitors import services
from apps.pipelines.models import Pipeline

LOCK: Final = "demo-monitors"
_SET: Final = "monitors:monitor:created"


@dataclass(frozen=True, slots=True)
class Watch:
    """One monitor: whose measure, which kind, with which parameters."""

    name: str
    feature: str
    measure: str
    kind: str
    parameters: dict[str, Any]
    severity: str = "warning"


@dataclass(frozen=True, slots=True)
class Promised:
    """One objective on a measure."""

    name: str
    feature: str
    measure: str
    limit: float
    is_bad_above: bool
    objective: float


_ABOVE: Final = {"direction": "above"}
_BELOW: Final = {"direction": "below"}
WATCHES: Final = (
    Watch(
        "Search answers come slowly",
        "search-answers",
        "latency_p95",
        "threshold",
        _ABOVE | {"alert": 3.6, "warn": 3.0, "minutes": 15.0, "margin": 0.2},
        "critical",
    ),
    Watch(
        "Search answers fail too fast for their budget",
        "search-answers",
        "answered_ratio",
        "burn",
        _BELOW | {"limit": 0.96, "objective": 99.0},
        "critical",
    ),
    Watch(
        "Support replies cost something unusual",
        "support-reply",
        "cost_rate",
        "anomaly",
        {"alert": 0.5, "minutes": 30.0},
    ),
    Watch(
        "Answers of the clause finder drift",
        "clause-finder",
        "groundedness",
        "drift",
        {"method": "wasserstein", "alert": 4.0, "warn": 1.5, "days": 7.0, "hours": 24.0, "samples": 60.0},
    ),
    Watch(
        "Fewer thumbs up, week after week",
        "support-reply",
        "thumbs_up_ratio",
        "decay",
        _BELOW | {"weeks": 3.0, "alert": 2.0},
    ),
    Watch("Fraud notes are not measured", "fraud-notes", "answered_ratio", "no_data", {"alert": 30.0, "warn": 15.0}),
    Watch(
        "Traffic of invoice reading jumps",
        "invoice-reader",
        "requests_rate",
        "change",
        _ABOVE | {"alert": 150.0, "minutes": 30.0, "samples": 3.0},
    ),
)
OBJECTIVES: Final = (
    Promised("Search answers within three seconds", "search-answers", "latency_p95", 3.0, True, 95.0),
    Promised("Search answers are safe", "search-answers", "unsafe_ratio", 0.01, True, 99.0),
    Promised("Clauses are backed by sources", "clause-finder", "groundedness", 0.92, False, 97.0),
    Promised("Support replies get an answer", "support-reply", "answered_ratio", 0.97, False, 98.0),
)
PUNCTUAL: Final = "knowledge-refresh"


def set_monitors(*, at: datetime) -> int:
    """Set all of it once; returns how many: 0 without a demo, before all has come, and when it was done before."""
    with transaction.atomic():
        bulk.lock(space=LOCK, number=0)
        found = _series()
        needed = {(one.feature, one.measure) for one in (*WATCHES, *OBJECTIVES)}
        if not needed <= set(found) or Event.objects.filter(kind=_SET, is_demo=True).exists():
            return 0
        for watch in WATCHES:
            services.create_monitor(
                actor=None,
                series=found[watch.feature, watch.measure],
                at=at,
                is_demo=True,
                name=watch.name,
                kind=watch.kind,
                parameters=watch.parameters,
                severity=watch.severity,
            )
        return len(WATCHES) + _set_objectives(found, at)


def _series() -> dict[tuple[str, str], Series]:
    rows = Series.objects.filter(source__is_demo=True, is_primary=True, last_at__isnull=False)
    return {
        (row.feature.slug, row.measure): row
        for row in rows.select_related("feature", "source")
        if row.feature is not None
    }


def _set_objectives(found: dict[tuple[str, str], Series], at: datetime) -> int:
    for one in OBJECTIVES:
        series = found[one.feature, one.measure]
        services.create_slo(
            actor=None,
            at=at,
            is_demo=True,
            name=one.name,
            feature=series.feature,
            series=series,
            limit=one.limit,
            is_bad_above=one.is_bad_above,
            objective=one.objective,
        )
    pipeline = Pipeline.objects.filter(source__is_demo=True, name=PUNCTUAL).first()
    if pipeline is None:
        return len(OBJECTIVES)
    name = "The knowledge base is refreshed in time"
    services.create_slo(
        actor=None, at=at, is_demo=True, name=name, feature=pipeline.feature, pipeline=pipeline, objective=95.0
    )
    return len(OBJECTIVES) + 1
