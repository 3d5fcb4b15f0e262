"""Hourly numbers of a project, as series: requests, waiting times, tokens, cost, and mean scores.

Three questions for all hours of a window. Sums are added up here for the project, each model and each prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apps.connectors.records import SeriesRecord
from apps.connectors.values import UnreadableError, finite, from_iso, object_or_empty, optional_text, stable_id

V2, V1 = "v2/metrics", "metrics"
MOST_ROWS = 1000  # of one answer; one that is full was cut
CLEAR_NAMES = {  # scores whose name says what they measure, each from 0 to 1
    "groundedness": "groundedness",
    "faithfulness": "groundedness",
    "thumbs_up": "thumbs_up_ratio",
    "unsafe": "unsafe_ratio",
}
_QUANTILES = ("p50", "p95", "p99")


@dataclass(slots=True)
class Collected:
    """Series on their way: identity -> what it is called and its samples."""

    records: dict[str, SeriesRecord] = field(default_factory=dict)
    samples: dict[str, dict[datetime, float]] = field(default_factory=dict)

    def add(self, at: datetime, value: float, *, name: str, measure: str, unit: str, labels: Mapping[str, str]) -> None:
        """Add to the sample of one series at one time: the parts of a sum come row by row."""
        identity = stable_id("langfuse", name, labels=labels)
        raw = {"name": name, "labels": dict(labels)}
        self.records[identity] = SeriesRecord(
            external_id=identity, raw=raw, name=name[:512], measure=measure, unit=unit, labels=dict(labels)
        )
        known = self.samples.setdefault(identity, {})
        known[at] = known.get(at, 0.0) + value

    def series(self) -> list[SeriesRecord]:
        """The series with their samples, oldest first."""
        found = sorted(self.records.items())
        return [replace(record, samples=tuple(sorted(self.samples[key].items()))) for key, record in found]


def questions(path: str, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """The queries for requests, spending and scores; the older API counts traces, the newer root observations."""
    is_new = path == V2
    roots: dict[str, Any] = {"view": "observations" if is_new else "traces"}
    if is_new:
        only_roots = {"column": "isRootObservation", "operator": "=", "value": True, "type": "boolean"}
        roots["filters"] = [only_roots]
    roots["dimensions"] = _fields("environment")
    roots["metrics"] = [_metric("count", "count"), *(_metric("latency", name) for name in _QUANTILES)]
    spending = {
        "view": "observations",
        "dimensions": _fields("environment", "providedModelName", "promptName"),
        "metrics": [_metric("totalCost", "sum"), _metric("totalTokens", "sum")],
    }
    scores = {
        "view": "scores-numeric",
        "dimensions": _fields("environment", "name"),
        "metrics": [_metric("value", "avg")],
    }
    window = {
        "timeDimension": {"granularity": "hour"},
        "fromTimestamp": _iso(begin),
        "toTimestamp": _iso(end),
        "config": {"row_limit": MOST_ROWS},
    }
    return [{**query, **window} for query in (roots, spending, scores)]


def read_rows(answers: Sequence[Sequence[Any]], *, begin: datetime, end: datetime) -> list[SeriesRecord]:
    """The series in the three answers, with samples at the start of each hour from `begin` up to `end`."""
    collected = Collected()
    for read, rows in zip((_read_roots, _read_spending, _read_scores), answers, strict=True):
        for at, row in _rows(rows, begin, end):
            read(collected, at, row)
    return collected.series()


def _read_roots(collected: Collected, at: datetime, row: Mapping[str, Any]) -> None:
    count = finite(row.get("count_count"))
    if not count:
        return  # the server fills gaps with rows that say nothing
    labels = _labels(row)
    collected.add(at, count / 3600, name="requests", measure="requests_rate", unit="/s", labels=labels)
    for name in _QUANTILES:
        value = finite(row.get(f"{name}_latency"))
        if value is not None:
            collected.add(at, value / 1000, name=f"latency {name}", measure=f"latency_{name}", unit="s", labels=labels)


def _read_spending(collected: Collected, at: datetime, row: Mapping[str, Any]) -> None:
    cost, tokens = finite(row.get("sum_totalCost")), finite(row.get("sum_totalTokens"))
    labels = _labels(row)
    model, prompt = optional_text(row, "providedModelName"), optional_text(row, "promptName")
    places = [("", labels)]
    places += [(f"{model} ", {**labels, "model": model})] if model else []
    places += [(f"{prompt} ", {**labels, "prompt": prompt})] if prompt else []
    for before, known in places:
        if cost:
            collected.add(at, cost, name=f"{before}cost", measure="cost_rate", unit="usd", labels=known)
        if tokens:
            collected.add(at, tokens, name=f"{before}tokens", measure="", unit="tokens", labels=known)


def _read_scores(collected: Collected, at: datetime, row: Mapping[str, Any]) -> None:
    name, value = optional_text(row, "name"), finite(row.get("avg_value"))
    if name and value is not None:
        measure = CLEAR_NAMES.get(name.lower().replace("-", "_").replace(" ", "_"), "")
        unit = "ratio" if measure else "score"
        collected.add(at, value, name=f"score {name}", measure=measure, unit=unit, labels=_labels(row))


def read_days(items: Sequence[Any], *, begin: datetime, end: datetime) -> list[SeriesRecord]:
    """The series of a server that only counts days: a sample at the start of each day that is over."""
    collected = Collected()
    for item in map(object_or_empty, items):
        at = _time(item.get("date"))
        if at is None or not begin <= at < end:
            continue
        traces, cost = finite(item.get("countTraces")), finite(item.get("totalCost"))
        if traces:
            collected.add(at, traces / 86_400, name="requests", measure="requests_rate", unit="/s", labels={})
        if cost:
            collected.add(at, cost / 24, name="cost", measure="cost_rate", unit="usd", labels={})
    return collected.series()


def _rows(rows: Sequence[Any], begin: datetime, end: datetime) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    for row in map(object_or_empty, rows):
        at = _time(row.get("time_dimension"))
        if at is not None and begin <= at < end:
            yield at, row


def _time(value: Any) -> datetime | None:
    """A time as ClickHouse writes it, in UTC without saying so, or ISO 8601."""
    try:
        naive = datetime.fromisoformat(value) if isinstance(value, str) else None
        return from_iso(value if naive is None or naive.tzinfo else naive.replace(tzinfo=UTC).isoformat())
    except (UnreadableError, ValueError):
        return None


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    environment = optional_text(row, "environment")
    return {"environment": environment} if environment else {}


def _fields(*names: str) -> list[dict[str, str]]:
    return [{"field": name} for name in names]


def _metric(measure: str, aggregation: str) -> dict[str, str]:
    return {"measure": measure, "aggregation": aggregation}


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
