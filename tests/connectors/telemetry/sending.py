"""What senders send, in few words."""

from __future__ import annotations

from typing import Any

import cramjam
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from apps.connectors.telemetry.messages import WriteRequest
from apps.connectors.telemetry.points import Decoded
from apps.connectors.telemetry.reading import Reading, read

SECOND = 10**9
CUMULATIVE, DELTA = 2, 1
T0 = 1_790_000_040  # the begin of a minute, epoch seconds


class Memory:
    """Reads requests one after the other, as the store does; `samples` are name -> {labels -> {at -> value}}."""

    def __init__(self, slugs: tuple[str, ...] = ("thumbs_up_ratio",)) -> None:
        self.slugs, self.known = slugs, {}

    def read(self, decoded: Decoded) -> Reading:
        reading = read(
            decoded, recall=lambda keys: {k: self.known[k] for k in keys if k in self.known}, slugs=self.slugs
        )
        self.known |= reading.memories
        return reading


def values(reading: Reading, **found: str) -> dict[str, list[tuple[float, float]]]:
    """By name, or by measure where there is one: (seconds since T0, value)."""
    told: dict[str, list[tuple[float, float]]] = {}
    for record in reading.records:
        if all(record.labels.get(name) == value for name, value in found.items()):
            pairs = [(round(at.timestamp() - T0, 3), round(value, 4)) for at, value in record.samples]
            told.setdefault(record.measure or record.name, []).extend(pairs)
    return told


def attributes(**pairs: Any) -> list[KeyValue]:
    """`a__b=1` is the attribute a.b."""
    return [
        KeyValue(key=name.replace("__", "."), value=AnyValue(string_value=str(value))) for name, value in pairs.items()
    ]


def export(*metrics: dict[str, Any], **resource: Any) -> ExportMetricsServiceRequest:
    """One request of one process; `metrics` are what protobuf takes for a Metric."""
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    of_resource.resource.attributes.extend(attributes(**({"service__name": "answers"} | resource)))
    of_scope = of_resource.scope_metrics.add()
    for metric in metrics:
        of_scope.metrics.add(**metric)
    return request


def number(value: float, at: float, *, start: float = 0, **labels: Any) -> dict[str, Any]:
    times = {"time_unix_nano": int((T0 + at) * SECOND)}
    if start:
        times["start_time_unix_nano"] = int((T0 + start) * SECOND)
    return {"as_double": value, "attributes": attributes(**labels), **times}


def counted(name: str, *points: dict[str, Any], temporality: int = CUMULATIVE, unit: str = "") -> dict[str, Any]:
    sum_ = {"data_points": points, "aggregation_temporality": temporality, "is_monotonic": True}
    return {"name": name, "unit": unit, "sum": sum_}


def spread(counts: list[int], at: float, *, start: float = 0, total: float = 0, **labels: Any) -> dict[str, Any]:
    """A histogram's data point with bounds 1, 2, 4."""
    point = number(0, at, start=start, **labels)
    del point["as_double"]
    return {**point, "bucket_counts": counts, "explicit_bounds": [1, 2, 4], "count": sum(counts), "sum": total}


def timed(name: str, *points: dict[str, Any], temporality: int = CUMULATIVE, unit: str = "s") -> dict[str, Any]:
    return {"name": name, "unit": unit, "histogram": {"data_points": points, "aggregation_temporality": temporality}}


def written(*series: tuple[str, dict[str, str], list[tuple[float, float]]]) -> bytes:
    """A remote write request, compressed: (name, labels, [(seconds since T0, value)])."""
    request = WriteRequest()
    for name, labels, samples in series:
        added = request.timeseries.add()
        for key, value in {"__name__": name, **labels}.items():
            added.labels.add(name=key, value=value)
        for at, value in samples:
            added.samples.add(timestamp=int((T0 + at) * 1000), value=value)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def buckets(name: str, counts: dict[str, float], at: float, **labels: str) -> list[tuple[str, dict[str, str], list]]:
    """The series of a classic histogram at one scrape; counts are cumulative."""
    return [(f"{name}_bucket", {**labels, "le": bound}, [(at, count)]) for bound, count in counts.items()]
