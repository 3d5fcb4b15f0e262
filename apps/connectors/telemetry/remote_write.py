"""Prometheus remote write, 1 and 2, to points: counters stay raw, buckets become parts of histograms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cramjam
from google.protobuf.message import DecodeError

from apps.connectors.exposition.quantiles import read_bound
from apps.connectors.telemetry.messages import Request, WriteRequest
from apps.connectors.telemetry.points import MOST_POINTS, Decoded, Part, Point, Shape, UndecodableError, is_storable
from apps.connectors.values import EARLIEST, LATEST, MAX_LABELS, MAX_NAME, stable_id

COUNTING = ("_total", "_count", "_sum")
COUNTER = 1  # of the enumeration of types, in both versions
PLACES = {
    "component": ("component", "service_name"),
    "environment": ("environment", "deployment_environment_name", "deployment_environment"),
}

Series = tuple[dict[str, str], Any, int]  # labels, the message with its samples, type of the metric (0 unknown)


def decompress(body: bytes, *, most: int) -> bytes:
    """Snappy's block format; raises UndecodableError, for an announced size above `most` before anything is done."""
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > most:
            raise UndecodableError(f"The body unpacks to more than {most // 2**20} MiB; send less at once.")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError:
        raise UndecodableError("The body is not compressed with snappy.") from None


def decode(body: bytes, *, version: int) -> Decoded:
    """The points of a request that is unpacked already; raises UndecodableError.

    NaN is left out without a word: Prometheus writes a certain NaN where a series has ended.
    """
    decoded = Decoded()
    for labels, series, kind in _two(body) if version == 2 else _one(body):
        name = labels.pop("__name__", "")
        if len(decoded.points) + len(decoded.parts) + len(series.samples) > MOST_POINTS:
            raise UndecodableError(f"There are more than {MOST_POINTS:,} samples; lower max_samples_per_send.")
        if not name or len(name) > MAX_NAME:
            decoded.refuse(name, "A series needs a name of up to 512 characters.", points=len(series.samples))
        elif series.histograms:
            decoded.refuse(name, "Native histograms are not read; scrape classic ones.", points=len(series.histograms))
        elif not name.endswith("_created"):
            _read(name, labels, series.samples, kind, decoded)
    return decoded


def _read(name: str, labels: dict[str, str], samples: Sequence[Any], kind: int, decoded: Decoded) -> None:
    bound = read_bound(labels.get("le")) if name.endswith("_bucket") else None
    if bound is not None:
        del labels["le"]
        name = name.removesuffix("_bucket")
    name, labels = _percentile(name, labels)
    labels = _labelled(labels)
    rest: dict[str, Any] = {"name": name, "labels": labels, "identity": stable_id("prometheus", name, labels=labels)}
    is_counter = kind == COUNTER or name.endswith(COUNTING)
    for sample in samples:
        at = sample.timestamp / 1000
        if not EARLIEST.timestamp() <= at <= LATEST.timestamp():
            decoded.refuse(name, "A time is out of range.")
        elif not is_storable(sample.value):
            if not math.isnan(sample.value):
                decoded.refuse(name, "A value is not a finite number.")
        elif bound is None:
            shape = Shape.CUMULATIVE if is_counter else Shape.GAUGE
            decoded.points.append(Point(at=at, value=sample.value, shape=shape, **rest))
        else:
            decoded.parts.append(Part(at=at, bound=bound, count=sample.value, **rest))


def _percentile(name: str, labels: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A quantile of a summary has its own name, as the OpenMetrics connector has it."""
    bound = read_bound(labels.get("quantile"))
    if bound is None or not 0 <= bound <= 1:
        return name, labels
    percentile = f"p{bound * 100:g}".replace(".", "_")
    return f"{name}_{percentile}", {key: value for key, value in labels.items() if key != "quantile"}


def _labelled(labels: Mapping[str, str]) -> dict[str, str]:
    """At most 64 of them, and our own names for a place where OpenTelemetry's stand."""
    found = {key[:MAX_NAME]: value[:MAX_NAME] for key, value in labels.items() if value}
    for label, names in PLACES.items():
        if told := next((found[name] for name in names if name in found), ""):
            found = {key: value for key, value in found.items() if key not in names} | {label: told}
    return dict(sorted(found.items())[:MAX_LABELS])


def _one(body: bytes) -> Iterator[Series]:
    try:
        request = WriteRequest.FromString(body)
    except DecodeError:
        raise UndecodableError("The body is not a prometheus.WriteRequest.") from None
    for series in request.timeseries:
        yield {_text(label.name): _text(label.value) for label in series.labels}, series, 0


def _two(body: bytes) -> Iterator[Series]:
    try:
        request = Request.FromString(body)
    except DecodeError:
        raise UndecodableError("The body is not an io.prometheus.write.v2.Request.") from None
    symbols = [_text(symbol) for symbol in request.symbols]
    for series in request.timeseries:
        refs = list(series.labels_refs)
        if len(refs) % 2 or any(ref >= len(symbols) for ref in refs):
            raise UndecodableError("A series names symbols that the request does not have.")
        texts = [symbols[ref] for ref in refs]
        yield dict(zip(texts[::2], texts[1::2], strict=True)), series, series.metadata.type


def _text(text: str) -> str:
    return text.replace("\x00", "\ufffd")
