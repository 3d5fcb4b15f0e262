"""The symptoms of an incident as pictures, with the suspects marked."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from apps.core.ui import formats
from apps.core.ui.charts import Band, Line, LineChart, Mark, MarkKind
from apps.incidents.models import Incident
from apps.incidents.queries.frozen import frozen_numbers
from apps.incidents.queries.suspects import Answer
from apps.incidents.suspects.facts import CauseKind, Series
from apps.incidents.suspects.onset import PLENTY

SHOWN = 4
MARKED = 5
BEFORE, AFTER = 4 * 3600.0, 3 * 3600.0
MARKS: dict[CauseKind, MarkKind] = {
    CauseKind.PROMPT: "prompt",
    CauseKind.DEPLOYMENT: "deploy",
    CauseKind.UPSTREAM: "alert",
}


def symptom_charts(*, incident: Incident, answer: Answer, zone: tzinfo, at: datetime) -> list[LineChart]:
    """The symptoms that moved most, from four hours before the onset to three after it was noticed."""
    onset, times = answer.ranking.onset_at, answer.case.times
    start, end = min(onset, times.impact_started_at) - BEFORE, min(times.until, times.detected_at + AFTER)
    order = sorted(zip(answer.gains, answer.symptoms, strict=True), key=lambda pair: -pair[0])
    over = (incident.resolved_at or at).timestamp()
    band = Band(max(onset, start), min(over, end), "This incident")
    moved = [one for gain, one in order if gain >= PLENTY] or [one for _, one in order]
    marks = [
        Mark(one.candidate.at, MARKS.get(one.candidate.kind, "config"), one.candidate.title, one.candidate.url)
        for one in answer.ranking.suspects[:MARKED]
        if start <= one.candidate.at <= end
    ]
    return [_chart(one, start, end, marks, band, zone) for one in moved[:SHOWN] if len(one.times)]


def frozen_charts(*, incident: Incident, zone: tzinfo) -> list[LineChart]:
    """The numbers as they were frozen at the declaration, whatever retention took since."""
    return [_frozen(one, zone) for one in frozen_numbers(incident=incident) if len(one["points"]) > 1]


def _frozen(one: dict[str, Any], zone: tzinfo) -> LineChart:
    points = [(float(at), float(value)) for at, value in one["points"]]
    low, high = (formats.number_text(value, one["unit"]) for value in _ends(points))
    return LineChart(
        id=f"frozen-{one['series']}",
        title=one["label"],
        description=f"{one['label']}: between {low} and {high}.",
        lines=[Line(one["label"], points)],
        start=points[0][0],
        end=points[-1][0],
        unit=one["unit"],
        zone=zone,
        height=150,
        from_zero=one["unit"] not in ("ratio", "of 5"),
    )


def _chart(series: Series, start: float, end: float, marks: list[Mark], band: Band, zone: tzinfo) -> LineChart:
    samples = [
        (at, value) for at, value in zip(series.times.tolist(), series.values.tolist(), strict=True) if at >= start
    ]
    low, high = (formats.number_text(value, series.unit) for value in _ends(samples))
    return LineChart(
        id=f"symptom-{series.key}",
        title=series.label,
        description=f"{series.label}: between {low} and {high}.",
        lines=[Line(series.label, samples)],
        start=start,
        end=end,
        unit=series.unit,
        marks=sorted(marks, key=lambda mark: mark.at),
        bands=[band],
        zone=zone,
        height=150,
        from_zero=series.unit not in ("ratio", "of 5"),
    )


def _ends(samples: list[tuple[float, float]]) -> tuple[float, float]:
    values = [value for _, value in samples] or [0.0]
    return min(values), max(values)
