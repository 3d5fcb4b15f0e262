"""Hourly numbers of Phoenix's projects, as series: requests, failures, waiting times, tokens, cost and scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.connectors.records import SeriesRecord
from apps.connectors.values import (
    UnreadableError,
    finite,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    stable_id,
)

PROJECTS = """
query ($after: String) {
  projects(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { id name hasTraces startTime } }
  }
}
"""
_HOURS = """
    counts: traceCountByStatusTimeSeries(timeRange: $range, timeBinConfig: $bins) {
      data { timestamp okCount totalCount }
    }
    latency: traceLatencyMsPercentileTimeSeries(timeRange: $range, timeBinConfig: $bins) {
      data { timestamp p50 p95 p99 }
    }
    tokens: traceTokenCountTimeSeries(timeRange: $range, timeBinConfig: $bins) { data { timestamp totalTokenCount } }
    cost: traceTokenCostTimeSeries(timeRange: $range, timeBinConfig: $bins) { data { timestamp totalCost } }
    spanScores: spanAnnotationScoreTimeSeries(timeRange: $range, timeBinConfig: $bins) {
      data { timestamp scoresWithLabels { label score } }
    }
    traceScores: traceAnnotationScoreTimeSeries(timeRange: $range, timeBinConfig: $bins) {
      data { timestamp scoresWithLabels { label score } }
    }
"""
_CLEAR_NAMES = {  # scores whose name says what they measure, each from 0 to 1
    "groundedness": "groundedness",
    "faithfulness": "groundedness",
    "thumbs_up": "thumbs_up_ratio",
    "unsafe": "unsafe_ratio",
}
Sample = tuple[datetime, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A number that every hour of a project has."""

    name: str
    measure: str
    unit: str
    field: str  # of the answer
    read: Callable[[Mapping[str, Any]], float | None]


def _value(key: str, factor: float = 1.0) -> Callable[[Mapping[str, Any]], float | None]:
    def read(point: Mapping[str, Any]) -> float | None:
        number = finite(point.get(key))
        return None if number is None else number * factor

    return read


def _answered(point: Mapping[str, Any]) -> float | None:
    good, total = finite(point.get("okCount")), finite(point.get("totalCount"))
    return good / total if good is not None and total else None


GAUGES = (
    Gauge(name="requests", measure="requests_rate", unit="/s", field="counts", read=_value("totalCount", 1 / 3600)),
    Gauge(name="answered", measure="answered_ratio", unit="ratio", field="counts", read=_answered),
    Gauge(name="latency p50", measure="latency_p50", unit="s", field="latency", read=_value("p50", 0.001)),
    Gauge(name="latency p95", measure="latency_p95", unit="s", field="latency", read=_value("p95", 0.001)),
    Gauge(name="latency p99", measure="latency_p99", unit="s", field="latency", read=_value("p99", 0.001)),
    Gauge(name="tokens", measure="", unit="tokens", field="tokens", read=_value("totalTokenCount")),
    Gauge(name="cost", measure="cost_rate", unit="usd", field="cost", read=_value("totalCost")),
)


def hours_query(count: int) -> str:
    """The question for the hours of `count` projects, as `p0`, `p1` …, whose ids are `$i0`, `$i1` …"""
    variables = "".join(f", $i{place}: ID!" for place in range(count))
    parts = "".join(f"  p{place}: node(id: $i{place}) {{ ... on Project {{{_HOURS}  }} }}\n" for place in range(count))
    return f"query ($range: TimeRange!, $bins: TimeBinConfig{variables}) {{\n{parts}}}"


def read_series(
    project: Mapping[str, Any], hours: Mapping[str, Any], *, begin: datetime, end: datetime
) -> list[SeriesRecord]:
    """The series of one project, with samples at the start of each hour from `begin` up to `end`.

    Before a project's first trace Phoenix counts zeros, which are no news of it.
    """
    first = _first_hour(project)
    begin = max(begin, first) if first else begin
    project_id, name = optional_text(project, "id"), optional_text(project, "name")
    records = []
    for gauge in GAUGES:
        samples = _samples(hours.get(gauge.field), gauge.read, begin, end)
        records.append(_series(project_id, name, gauge.name, gauge.measure, gauge.unit, samples))
    for scorer, samples in sorted(_scores(hours, begin, end).items()):
        measure = _CLEAR_NAMES.get(scorer.lower().replace("-", "_").replace(" ", "_"), "")
        unit = "ratio" if measure else "score"
        records.append(_series(project_id, name, f"score {scorer}", measure, unit, samples))
    return [record for record in records if record.samples]


def _first_hour(project: Mapping[str, Any]) -> datetime | None:
    try:
        at = optional_iso(project.get("startTime"))
    except UnreadableError:
        return None
    return at.replace(minute=0, second=0, microsecond=0) if at else None


def _series(
    project_id: str, project: str, what: str, measure: str, unit: str, samples: Sequence[Sample]
) -> SeriesRecord:
    return SeriesRecord(
        external_id=stable_id("phoenix", project_id, what),
        raw={"project": project_id, "what": what},
        name=f"{project} {what}"[:512],
        measure=measure,
        unit=unit,
        labels={"project": project},
        samples=tuple(sorted(samples)),
    )


def _samples(
    series: Any, read: Callable[[Mapping[str, Any]], float | None], begin: datetime, end: datetime
) -> list[Sample]:
    return [(at, value) for at, point in _points(series, begin, end) if (value := read(point)) is not None]


def _points(series: Any, begin: datetime, end: datetime) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    for point in map(object_or_empty, list_or_empty(object_or_empty(series).get("data"))):
        try:
            at = from_iso(point.get("timestamp"))
        except UnreadableError:
            continue
        if begin <= at < end:
            yield at, point


def _scores(hours: Mapping[str, Any], begin: datetime, end: datetime) -> dict[str, list[Sample]]:
    """Mean scores by the name of the annotation; one that spans and traces share is told of the traces."""
    found: dict[str, dict[datetime, float]] = {}
    for series in (hours.get("spanScores"), hours.get("traceScores")):
        for at, point in _points(series, begin, end):
            for entry in map(object_or_empty, list_or_empty(point.get("scoresWithLabels"))):
                name, score = optional_text(entry, "label", limit=200), finite(entry.get("score"))
                if name and score is not None:
                    found.setdefault(name, {})[at] = score
    return {name: list(samples.items()) for name, samples in found.items()}
