"""How fast incidents are noticed, taken up and over: medians and means with their counts; and where causes lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean, median

from apps.incidents.models import CauseClass, Incident
from apps.incidents.status import IncidentState

DAYS = 90


@dataclass(frozen=True, slots=True)
class Measure:
    """A span over several incidents, in seconds; None without any."""

    name: str
    meaning: str
    median: float | None
    mean: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The last 90 days."""

    days: int
    count: int
    measures: list[Measure]
    causes: list[tuple[str, int]]


def summary(*, at: datetime) -> Summary:
    """What the incidents since then say; drafts and dismissed ones do not count. One query."""
    rows = Incident.objects.filter(impact_started_at__gte=at - timedelta(days=DAYS))
    found = list(rows.exclude(state__in=[IncidentState.DRAFT, IncidentState.DISMISSED])[:2000])
    causes = Counter(CauseClass(row.cause_class).label for row in found if row.cause_class)
    return Summary(
        DAYS,
        len(found),
        [
            _measure("MTTD", "until somebody noticed", found, lambda row: row.time_to_detect),
            _measure("MTTA", "until somebody was at work", found, lambda row: row.time_to_acknowledge),
            _measure("MTTR", "until it was over", found, lambda row: row.time_to_resolve),
        ],
        causes.most_common(),
    )


def _measure(name: str, meaning: str, rows: list[Incident], span: Callable[[Incident], timedelta | None]) -> Measure:
    spans = [found.total_seconds() for row in rows if (found := span(row)) is not None]
    return Measure(name, meaning, median(spans) if spans else None, mean(spans) if spans else None, len(spans))
