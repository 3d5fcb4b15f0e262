"""From one scrape to one sample of every series: pure; what the next scrape needs is handed back as memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.samples import Sample

from apps.connectors.exposition.memory import Memory
from apps.connectors.exposition.quantiles import PERCENTILES, increase, quantile, rate, read_histograms
from apps.connectors.exposition.text import Family, is_of_family, parse, split
from apps.connectors.providers.openmetrics.settings import Wanted
from apps.connectors.records import Kind, Rejected, SeriesKind, SeriesRecord
from apps.connectors.values import (
    MAX_NAME,
    UnreadableError,
    as_labels,
    finite,
    from_seconds,
    stable_id,
)

MAX_SERIES = 2_000
MAX_HISTOGRAMS = 300  # of one metric: their buckets are kept for the next scrape
_COUNTING = ("_total", "_count")
_SKIPPED_TYPES = {"info", "stateset"}
_EVERYTHING = Wanted(metric="")


@dataclass(slots=True)
class Scrape:
    """The reading of one scrape on its way."""

    at: datetime
    before: Memory
    after: Memory
    series: dict[str, SeriesRecord] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Since the last scrape; 0 when there was none."""
        return self.at.timestamp() - self.before.at if self.before.at else 0.0


def read_scrape(
    text: str, *, is_openmetrics: bool, wanted: Sequence[Wanted], before: Memory, at: datetime
) -> tuple[list[SeriesRecord], list[Rejected], Memory]:
    """One sample for every series at the time of the scrape (or the series' own), and the memory for the next one.

    A scrape no later than the last one (the same second again) brings nothing.
    """
    if at.timestamp() <= before.at:
        return [], [], before
    families, rejected = split(text, is_wanted=lambda name: _is_wanted_family(name, wanted))
    scrape = Scrape(at=at, before=before, after=Memory(at=at.timestamp()), rejected=rejected)
    for family in families:
        metrics, bad = parse(family, is_openmetrics=is_openmetrics)
        scrape.rejected += bad
        for metric in metrics:
            if metric.type not in _SKIPPED_TYPES:
                _read_metric(metric, family, wanted or [_EVERYTHING], scrape)
    if len(scrape.series) > MAX_SERIES:
        reason = (
            f"the endpoint has {len(scrape.series)} series, at most {MAX_SERIES} are read; name the metrics to read"
        )
        scrape.rejected.append(Rejected(kind=Kind.SERIES, external_id="", reason=reason))
    return list(scrape.series.values())[:MAX_SERIES], scrape.rejected, scrape.after


def _is_wanted_family(name: str, wanted: Sequence[Wanted]) -> bool:
    return not wanted or any(is_of_family(entry.metric, name) or is_of_family(name, entry.metric) for entry in wanted)


def _read_metric(metric: Metric, family: Family, wanted: Sequence[Wanted], scrape: Scrape) -> None:
    """Every wanted series of one metric: a histogram by its buckets, anything else sample by sample."""
    for entry in wanted:
        if metric.type == "histogram" and entry.metric == family.name:
            _read_histogram(metric, entry, scrape)
            continue
        for sample in metric.samples:
            name = _own_name(sample.name, family)
            if _is_wanted(entry, name, sample):
                _read_sample(sample, name, metric, entry, scrape)


def _own_name(name: str, family: Family) -> str:
    """The name as the endpoint wrote it: the classic parser adds _total to counters that lack it."""
    plain = name.removesuffix("_total")
    return plain if name not in family.names and plain in family.names else name


def _is_wanted(entry: Wanted, name: str, sample: Sample) -> bool:
    if name.endswith(("_bucket", "_created")) or not _has_labels(sample.labels, entry):
        return False
    return entry is _EVERYTHING or entry.metric in (name, name.removesuffix("_total"))


def _has_labels(labels: Mapping[str, str], entry: Wanted) -> bool:
    return all(labels.get(name) == value for name, value in entry.labels.items())


def _read_sample(sample: Sample, name: str, metric: Metric, entry: Wanted, scrape: Scrape) -> None:
    """One sample as a series: as it is, as a rate, or as a percentile of a summary."""
    value = finite(sample.value)
    if value is None:
        return
    labels, measure = dict(sample.labels), entry.measure
    if metric.type == "summary" and "quantile" in labels:
        percentile = f"p{(finite(labels.pop('quantile')) or 0.0) * 100:g}".replace(".", "_")
        name, measure = f"{name}_{percentile}", entry.measure_of(percentile)
    labels = as_labels(labels)
    key = stable_id(name, "rate" if entry.is_rate else "value", labels=labels)
    at = _own_time(sample, key, scrape)
    is_counter = metric.type == "counter" or name.endswith(_COUNTING)
    if entry.is_rate:
        name, is_counter, value = f"{name}_per_second", False, _rate(key, value, scrape)
    if at is None or value is None:
        return
    scrape.series[key] = SeriesRecord(
        external_id=key,
        raw={"metric": name, "labels": labels},
        name=name[:MAX_NAME],
        measure=measure,
        unit=entry.unit or ("" if entry.is_rate else metric.unit),
        series_kind=SeriesKind.COUNTER if is_counter else SeriesKind.GAUGE,
        labels=labels,
        samples=((at, value),),
    )


def _own_time(sample: Sample, key: str, scrape: Scrape) -> datetime | None:
    """The scrape's time, or the sample's own; None when its own was read before or makes no sense."""
    if sample.timestamp is None:
        return scrape.at
    stamp = float(sample.timestamp)
    if not math.isfinite(stamp):
        return None
    scrape.after.stamps[key] = stamp
    try:
        return from_seconds(stamp) if scrape.before.stamps.get(key) != stamp else None
    except UnreadableError:
        return None


def _rate(key: str, value: float, scrape: Scrape) -> float | None:
    scrape.after.counters[key] = value
    before = scrape.before.counters.get(key)
    return None if before is None else rate(value, before, scrape.seconds)


def _read_histogram(metric: Metric, entry: Wanted, scrape: Scrape) -> None:
    """Percentiles of what was observed since the last scrape, for each set of labels."""
    wanted = [sample for sample in metric.samples if _has_labels(sample.labels, entry)]
    for labels, buckets in read_histograms(wanted)[:MAX_HISTOGRAMS]:
        key = stable_id(metric.name, "buckets", labels=labels)
        scrape.after.buckets[key] = buckets
        before = scrape.before.buckets.get(key)
        if before is None:
            continue
        observed = increase(buckets, before)
        for percentile, q in PERCENTILES.items():
            value = quantile(observed, q)
            if value is not None and math.isfinite(value):
                record = _percentile(metric, entry, percentile, labels, (scrape.at, value))
                scrape.series[record.external_id] = record


def _percentile(
    metric: Metric, entry: Wanted, percentile: str, labels: Mapping[str, str], sample: tuple[datetime, float]
) -> SeriesRecord:
    name = f"{metric.name}_{percentile}"
    return SeriesRecord(
        external_id=stable_id(name, "value", labels=labels),
        raw={"metric": name, "labels": dict(labels)},
        name=name[:MAX_NAME],
        measure=entry.measure_of(percentile),
        unit=entry.unit or metric.unit,
        labels=labels,
        samples=(sample,),
    )
