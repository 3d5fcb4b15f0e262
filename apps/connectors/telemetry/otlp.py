"""OTLP metrics to points. The messages are OpenTelemetry's own; nothing of them goes further than here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError
from apps.connectors.telemetry.attributes import labels_of, read_attributes
from apps.connectors.telemetry.histograms import MOST_BUCKETS, Histogram
from apps.connectors.telemetry.points import MOST_POINTS, Decoded, Point, Shape, UndecodableError, is_storable
from apps.connectors.values import EARLIEST, LATEST, MAX_NAME, stable_id

NANO = 1e-9
NO_VALUE = otlp.DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
TEMPORALITIES = {
    otlp.AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE: Shape.CUMULATIVE,
    otlp.AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA: Shape.DELTA,
}
UNITS = {"1": "", "%": "%", "By": "bytes", "{token}": "tokens", "USD": "usd", "{USD}": "usd"}


def decode(body: bytes, *, is_json: bool, now: float) -> Decoded:
    """The points of an ExportMetricsServiceRequest; raises UndecodableError. `now` stands for a time left out."""
    request = _parse_json(body) if is_json else _parse_binary(body)
    decoded = Decoded()
    for resource in request.resource_metrics:
        of_resource = read_attributes(resource.resource.attributes)
        for scope in resource.scope_metrics:
            of_scope = read_attributes(scope.scope.attributes)
            for metric in scope.metrics:
                _Metric(metric, of_resource | of_scope, scope.scope.name, now, decoded).read()
    return decoded


def _parse_binary(body: bytes) -> ExportMetricsServiceRequest:
    try:
        return ExportMetricsServiceRequest.FromString(body)
    except DecodeError:
        raise UndecodableError("The body is not an ExportMetricsServiceRequest in protobuf.") from None


def _parse_json(body: bytes) -> ExportMetricsServiceRequest:
    try:
        value = parse_json(body)
        if not isinstance(value, dict):
            raise UndecodableError("The body is not a JSON object.")
        return json_format.ParseDict(
            _without_exemplars(value), ExportMetricsServiceRequest(), ignore_unknown_fields=True
        )
    except SourceError as error:
        raise UndecodableError(error.message.replace("The answer", "The body", 1)) from None
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, UndecodableError):
            raise
        message = "The body is not an ExportMetricsServiceRequest in JSON; names are in lowerCamelCase."
        raise UndecodableError(message) from None


def _without_exemplars(value: Any) -> Any:
    """Exemplars have ids in hexadecimal, which protobuf's own JSON would read as base64; they are not used."""
    if isinstance(value, dict):
        return {name: _without_exemplars(one) for name, one in value.items() if name != "exemplars"}
    return [_without_exemplars(one) for one in value] if isinstance(value, list) else value


class _Metric:
    """One metric on its way to points."""

    def __init__(
        self, metric: otlp.Metric, around: Mapping[str, str], scope: str, now: float, decoded: Decoded
    ) -> None:
        self.metric, self.around, self.scope, self.now, self.decoded = metric, around, scope, now, decoded
        self.name = metric.name.replace("\x00", "\ufffd")
        self.unit = UNITS.get(metric.unit, metric.unit if metric.unit.isalnum() else "")[:20]

    def read(self) -> None:
        """Every data point into `decoded`; what cannot be used is refused there."""
        kind = self.metric.WhichOneof("data")
        if kind is None:
            return
        data: Any = getattr(self.metric, kind)
        if len(self.decoded.points) + len(data.data_points) > MOST_POINTS:
            raise UndecodableError(f"There are more than {MOST_POINTS:,} data points; send smaller batches.")
        if not self.name or len(self.name) > MAX_NAME:
            self.decoded.refuse(self.name, f"A metric needs a name of up to {MAX_NAME} characters.")
            return
        shape = Shape.GAUGE
        if kind in ("sum", "histogram", "exponential_histogram"):
            found = TEMPORALITIES.get(data.aggregation_temporality)
            if found is None:
                reason = "The aggregation temporality is missing; it is cumulative or delta."
                self.decoded.refuse(self.name, reason, points=len(data.data_points))
                return
            shape = found
        for point in data.data_points:
            if not point.flags & NO_VALUE:
                self._read_point(kind, data, shape, point)

    def _read_point(self, kind: str, data: Any, shape: Shape, point: Any) -> None:
        match kind:
            case "gauge":
                self._number(point, Shape.GAUGE)
            case "sum" if shape is Shape.CUMULATIVE and not data.is_monotonic:
                self._number(point, Shape.GAUGE)
            case "sum":
                self._number(point, shape)
            case "histogram":
                self._histogram(point, shape, _explicit(point))
            case "exponential_histogram":
                self._histogram(point, shape, _exponential(point))
            case "summary":
                self._summary(point)

    def _number(self, point: Any, shape: Shape) -> None:
        value = point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
        if not is_storable(value):
            self.decoded.refuse(self.name, "A value is not a finite number.")
            return
        self._add(point, shape=shape, value=value)

    def _histogram(self, point: Any, shape: Shape, histogram: Histogram | None) -> None:
        if histogram is None:
            self.decoded.refuse(self.name, f"A histogram is inconsistent or has more than {MOST_BUCKETS} buckets.")
            return
        self._add(point, shape=shape, histogram=histogram)

    def _summary(self, point: Any) -> None:
        """Its quantiles as gauges, its count as a counter."""
        for entry in point.quantile_values[:MOST_BUCKETS]:
            if is_storable(entry.value) and 0 <= entry.quantile <= 1:
                percentile = f"p{entry.quantile * 100:g}".replace(".", "_")
                self._add(point, name=f"{self.name}_{percentile}", value=entry.value)
        self._add(point, name=f"{self.name}_count", shape=Shape.CUMULATIVE, value=float(point.count), unit="")

    def _add(self, point: Any, *, name: str = "", unit: str | None = None, **values: Any) -> None:
        name = name or self.name
        at = point.time_unix_nano * NANO or self.now
        start = point.start_time_unix_nano * NANO
        if not EARLIEST.timestamp() <= at <= LATEST.timestamp():
            self.decoded.refuse(self.name, "A time is out of range.")
            return
        attributes = {**self.around, **read_attributes(point.attributes)}
        self.decoded.points.append(
            Point(
                name=name[:MAX_NAME],
                labels=labels_of(attributes),
                identity=stable_id("otlp", self.scope, name, labels=attributes),
                at=at,
                start=start if start <= at else 0.0,
                unit=self.unit if unit is None else unit,
                **values,
            )
        )


def _explicit(point: otlp.HistogramDataPoint) -> Histogram | None:
    """None when bounds and counts do not fit; without bounds everything lies in one bucket."""
    bounds: list[float] = [*point.explicit_bounds, math.inf]
    counts = [float(count) for count in point.bucket_counts] or [float(point.count)]
    is_rising = all(one < other for one, other in pairwise(bounds))
    if len(bounds) != len(counts) or len(bounds) > MOST_BUCKETS or not is_rising:
        return None
    return Histogram(buckets=dict(zip(bounds, counts, strict=True)), total=_total(point))


def _exponential(point: otlp.ExponentialHistogramDataPoint) -> Histogram | None:
    positive, negative = point.positive, point.negative
    if len(positive.bucket_counts) > MOST_BUCKETS or not -20 <= point.scale <= 20:
        return None
    counts: Iterable[tuple[int, int]] = enumerate(positive.bucket_counts, start=positive.offset)
    buckets = {float(index): float(count) for index, count in counts if count}
    zero = float(point.zero_count + sum(negative.bucket_counts))
    return Histogram(buckets=buckets, scale=point.scale, zero=zero, total=_total(point))


def _total(point: Any) -> float:
    return float(point.sum) if point.HasField("sum") and is_storable(point.sum) else 0.0
