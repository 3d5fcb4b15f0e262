"""From points to series: each under its own name, and the measures that some of them mean together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.connectors.merging import merge
from apps.connectors.records import Kind, Rejected, SeriesKind, SeriesRecord
from apps.connectors.telemetry.assembling import assemble
from apps.connectors.telemetry.histograms import percentiles
from apps.connectors.telemetry.points import Decoded, Part, Point, Shape
from apps.connectors.telemetry.rules import Meaning, Role, has_failed, meaning_of, measure_named
from apps.connectors.telemetry.streams import Increase, advance
from apps.connectors.telemetry.windows import Together, measures_of
from apps.connectors.values import MAX_NAME, stable_id

PLACES = ("feature", "component", "environment")
UNITS = {"requests_rate": "/s", "answered_ratio": "ratio", "cost_rate": "usd"}

Memories = Mapping[str, Mapping[str, Any]]  # key -> JSON
Recall = Callable[[Collection[str]], Memories]  # what is known under keys


@dataclass(slots=True)
class Reading:
    """What a request becomes: records to store, and what to remember for the next one, by key."""

    records: tuple[SeriesRecord, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    memories: dict[str, dict[str, Any]] = field(default_factory=dict)


def read(decoded: Decoded, *, recall: Recall, slugs: Collection[str]) -> Reading:
    """The series of a request. `recall` answers what was remembered of streams; `slugs` are the glossary's measures.

    A counter is stored as it stands; a histogram as p50, p95, p99 and a rate of what it gained; a delta as a rate.
    Telling the same request again changes nothing.
    """
    return _Reader(decoded, recall, slugs).read()


class _Reader:
    def __init__(self, decoded: Decoded, recall: Recall, slugs: Collection[str]) -> None:
        self.decoded, self.recall, self.slugs = decoded, recall, slugs
        self.records: list[SeriesRecord] = []
        self.memories: dict[str, dict[str, Any]] = {}
        self.gains: dict[tuple[str, str], list[tuple[Meaning, Point, Increase]]] = defaultdict(list)

    def read(self) -> Reading:
        """Streams first, then what they mean together."""
        points, parts = sorted(self.decoded.points, key=lambda point: point.at), _by_stream(self.decoded.parts)
        known = self.recall({*(point.identity for point in points if self._counts(point)), *parts})
        waiting = {}
        for identity, some in parts.items():
            found, waiting[identity] = assemble(some, known.get(identity, {}))
            points += found
        for point in points:
            self._read_point(point, known)
        for identity, left in waiting.items():
            before = self.memories.get(identity, dict(known.get(identity, {})))
            self.memories[identity] = {**before, "waiting": left}
        self._read_together()
        rejected = [
            Rejected(kind=Kind.SERIES, external_id=name, reason=reason, raw={"metric": name})
            for name, reason in self.decoded.refused.items()
        ]
        records = tuple(record for record in merge(self.records) if isinstance(record, SeriesRecord))
        return Reading(records, tuple(rejected), self.memories)

    def _counts(self, point: Point) -> bool:
        """Whether what the stream gained matters: of a histogram always, of a number if it feeds a measure."""
        return point.histogram is not None or (point.shape is not Shape.GAUGE and _meaning(point) is not None)

    def _read_point(self, point: Point, known: Memories) -> None:
        if point.histogram is None:
            self._read_number(point)
        if not self._counts(point):
            return
        memory = self.memories.get(point.identity) or known.get(point.identity, {})
        increase, self.memories[point.identity] = advance(point, memory)
        if increase is None:
            return
        if increase.histogram is not None:
            self._read_increase(point, increase)
        if meaning := _meaning(point):
            place = {name: point.labels[name] for name in (*PLACES, "job") if name in point.labels}
            if "component" in place:
                place.pop("job", None)
            key = stable_id("together", meaning.role, meaning.key, labels=place)
            self.gains[key, meaning.key].append((meaning, point, increase))

    def _read_number(self, point: Point) -> None:
        if point.shape is Shape.DELTA:
            if point.start:
                self._add(point, f"{point.name}_per_second", point.value / max(point.at - point.start, 0.001), "")
            return
        kind = SeriesKind.COUNTER if point.shape is Shape.CUMULATIVE else SeriesKind.GAUGE
        measure = measure_named(point.name, self.slugs) if kind is SeriesKind.GAUGE else ""
        self._add(point, point.name, point.value, point.unit, kind=kind, measure=measure)

    def _read_increase(self, point: Point, increase: Increase) -> None:
        assert increase.histogram is not None
        for name, value in percentiles(increase.histogram.spread()).items():
            self._add(point, f"{point.name}_{name}", value, point.unit)
        self._add(point, f"{point.name}_per_second", increase.histogram.count / increase.seconds, "")

    def _add(
        self,
        point: Point,
        name: str,
        value: float,
        unit: str,
        *,
        kind: SeriesKind = SeriesKind.GAUGE,
        measure: str = "",
    ) -> None:
        name = name[-MAX_NAME:]
        self.records.append(
            SeriesRecord(
                external_id=stable_id(name, "value", labels=point.labels),
                raw={"metric": point.name, "labels": dict(point.labels)},
                name=name,
                measure=measure,
                unit=unit,
                series_kind=kind,
                labels=point.labels,
                samples=((datetime.fromtimestamp(point.at, UTC), value),),
            )
        )

    def _read_together(self) -> None:
        known = self.recall({key for key, _ in self.gains})
        for (key, name), gains in self.gains.items():
            together = Together.load(known.get(key, {}))
            since = together.newest
            for meaning, point, increase in gains:
                together.add(increase, is_failed=has_failed(point.labels), factor=meaning.factor)
            role, labels = gains[0][0].role, gains[0][1].labels
            for end, minute in together.told(since=since):
                for slug, value in measures_of(minute, role).items():
                    self._add_measure(slug, value, end, name, labels, role)
            self.memories[key] = together.dump()

    def _add_measure(
        self, slug: str, value: float, at: float, name: str, labels: Mapping[str, str], role: Role
    ) -> None:
        place = {label: labels[label] for label in PLACES if label in labels}
        if "component" not in place and "job" in labels:
            place["job"] = labels["job"]
        self.records.append(
            SeriesRecord(
                external_id=stable_id("measure", slug, name, role, labels=place),
                raw={"metric": name, "labels": place},
                name=name,
                measure=slug,
                unit=UNITS.get(slug, "s"),
                labels=place,
                samples=((datetime.fromtimestamp(at, UTC), value),),
            )
        )


def _meaning(point: Point) -> Meaning | None:
    is_histogram = point.histogram is not None
    return meaning_of(point.name, unit=point.unit, labels=point.labels, is_histogram=is_histogram)


def _by_stream(parts: list[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        found[part.identity].append(part)
    return dict(found)
