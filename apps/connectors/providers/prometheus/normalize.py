"""From Prometheus' answers to records: pure, and a bad series or alert is rejected alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.connectors.providers.prometheus.counting import NAME, kind_of
from apps.connectors.records import AlertRecord, AlertState, Kind, Listing, Rejected, SeriesRecord
from apps.connectors.values import (
    MAX_VALUE,
    UnreadableError,
    as_labels,
    as_object,
    first_line,
    from_iso,
    from_seconds,
    object_or_empty,
    read_items,
    safe_url,
    stable_id,
)

_ALERT_STATES = {"pending": AlertState.PENDING, "firing": AlertState.FIRING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One configured expression; `name` is its identity together with the measure."""

    query: str
    name: str
    measure: str = ""
    unit: str = ""
    step: int = 60

    @property
    def key(self) -> str:
        """The identity of the query's progress: another expression or step starts its backfill anew."""
        return stable_id(self.measure, self.name, self.query, str(self.step))


def read_matrix(
    items: Sequence[Any], query: Query, *, until: datetime, types: Mapping[str, str] | None = None
) -> tuple[list[SeriesRecord], list[Rejected], int]:
    """Records with their finite samples not later than `until`, what could not be read, and the points received.

    types: what the server calls its metrics, as far as it is known.
    """
    times: dict[Any, datetime] = {}
    points = sum(len(item["values"]) for item in items if isinstance(item, Mapping) and _has_values(item))

    def read(item: Mapping[str, Any]) -> SeriesRecord:
        labels = as_labels(as_object(item.get("metric")))
        samples = _samples(item, times, until)
        return SeriesRecord(
            external_id=stable_id(query.measure, query.name, labels=labels),
            raw={"metric": dict(labels), "query": query.query},
            name=query.name,
            measure=query.measure,
            unit=query.unit,
            series_kind=kind_of(labels.get(NAME, ""), types or {}),
            labels={name: value for name, value in labels.items() if name != NAME},
            samples=samples,
        )

    records, rejected = read_items(items, read, kind=Kind.SERIES, id_key="metric")
    return [record for record in records if record.samples], rejected, points


def _has_values(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("values"), list)


def _samples(
    item: Mapping[str, Any], times: dict[Any, datetime], until: datetime
) -> tuple[tuple[datetime, float], ...]:
    """(time, value) pairs; NaN and infinities are skipped. `times` remembers times that series share."""
    if not _has_values(item):
        if isinstance(item.get("histograms"), list):
            return ()  # a native histogram has no single value
        raise UnreadableError("values are missing")
    samples: list[tuple[datetime, float]] = []
    for pair in item["values"]:
        try:
            stamp, text = pair
            value = float(text)
            at = times.get(stamp)
        except (TypeError, ValueError):
            raise UnreadableError("a sample is not a pair of time and value") from None
        if at is None:
            at = times[stamp] = from_seconds(stamp)
        if at <= until and -MAX_VALUE < value < MAX_VALUE:  # false for NaN too
            samples.append((at, value))
    samples.sort(key=lambda sample: sample[0])
    return tuple(samples)


def read_alerts(
    items: Sequence[Any], *, is_partial: bool
) -> tuple[list[AlertRecord], list[Rejected], tuple[Listing, ...]]:
    """Alerts, rejected ones, and the complete listing by which absence means resolved.

    There is no listing when the server warned of a partial answer or an alert showed no identity;
    an alert with an identity but an unreadable rest still counts as present.
    """
    records, rejected = read_items(items, _alert, kind=Kind.ALERT, id_key="labels")
    identities = [_alert_id(item) for item in items]
    if is_partial or None in identities:
        return records, rejected, ()
    present = frozenset(identity for identity in identities if identity is not None)
    return records, rejected, (Listing(kind=Kind.ALERT, external_ids=present),)


def _alert_id(item: Any) -> str | None:
    labels = as_labels(object_or_empty(item).get("labels"))
    return stable_id("alert", labels=labels) if labels else None


def _alert(item: Mapping[str, Any]) -> AlertRecord:
    labels = as_labels(as_object(item.get("labels")))
    notes = object_or_empty(item.get("annotations"))
    state = _ALERT_STATES.get(str(item.get("state")))
    if state is None:
        raise UnreadableError("its state is neither pending nor firing")
    if not labels:
        raise UnreadableError("it has no labels")
    return AlertRecord(
        external_id=stable_id("alert", labels=labels),
        raw=item,
        name=labels.get("alertname", "alert"),
        state=state,
        severity=labels.get("severity", ""),
        started_at=from_iso(item.get("activeAt")),
        summary=first_line(notes.get("summary")) or first_line(notes.get("description")),
        labels=labels,
        url=safe_url(notes.get("runbook_url")),
    )
