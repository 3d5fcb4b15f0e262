"""From the sums of two scrapes to series: rates, ratios and percentiles of what happened in between. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apps.connectors.exposition.memory import Memory
from apps.connectors.exposition.quantiles import PERCENTILES, increase, quantile
from apps.connectors.providers.litellm.families import GAUGES, HISTOGRAMS, Histogram, Quantity
from apps.connectors.providers.litellm.reading import Group, Sums
from apps.connectors.records import SeriesRecord
from apps.connectors.values import MAX_NAME, stable_id

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What was added per second, times `factor`."""

    slug: str
    quantity: Quantity
    unit: str
    measure: str = ""
    factor: float = 1.0


RATES = (
    Rate(slug="requests_rate", quantity=Quantity.REQUESTS, unit="/s", measure="requests_rate"),
    Rate(slug="failures_rate", quantity=Quantity.FAILURES, unit="/s"),
    Rate(slug="cost_rate", quantity=Quantity.SPEND, unit="usd", measure="cost_rate", factor=HOUR),
    Rate(slug="input_tokens_rate", quantity=Quantity.TOKENS_IN, unit="tokens/s"),
    Rate(slug="output_tokens_rate", quantity=Quantity.TOKENS_OUT, unit="tokens/s"),
    Rate(slug="fallbacks_rate", quantity=Quantity.FALLBACKS, unit="/s"),
)


@dataclass(slots=True)
class Interval:
    """What was counted between two scrapes. What the first one lacked began at zero, for it told everything.

    A sum that fell (the proxy restarted, or dropped label sets) tells nothing about its interval.
    """

    seconds: float
    added: dict[Quantity, dict[Group, float | None]] = field(default_factory=dict)

    def of(self, quantity: Quantity, group: Group) -> float | None:
        """What was added; 0 for what has never been counted, None when it is not known."""
        return self.added.get(quantity, {}).get(group, 0.0)

    def groups(self, quantity: Quantity) -> Iterator[Group]:
        """The groups of a quantity."""
        yield from self.added.get(quantity, {})


def read_interval(sums: Sums, *, before: Memory, at: datetime) -> tuple[list[SeriesRecord], Memory]:
    """Gauges as they are, and from the second scrape on everything else; and the memory for the next one.

    A scrape no later than the last one (the same second again) brings nothing.
    """
    if at.timestamp() <= before.at:
        return [], before
    after = Memory(at=at.timestamp())
    interval = Interval(at.timestamp() - before.at)
    for quantity, groups in sums.counters.items():
        for group, value in groups.items():
            key = stable_id(quantity, labels=dict(group))
            after.counters[key] = value
            added = value - before.counters.get(key, 0.0)
            interval.added.setdefault(quantity, {})[group] = added if added >= 0 else None
    found = [*_gauges(sums, at)]
    percentiles = [*_percentiles(sums, before, after, at)]
    if before.at:
        found += [*_rates(interval, at), *_ratios(interval, at), *percentiles]
    return found, after


def _rates(interval: Interval, at: datetime) -> Iterator[SeriesRecord]:
    for rate in RATES:
        for group in interval.groups(rate.quantity):
            added = interval.of(rate.quantity, group)
            if added is not None:
                value = added / interval.seconds * rate.factor
                yield _series(rate.slug, group, (at, value), unit=rate.unit, measure=rate.measure)


def _ratios(interval: Interval, at: datetime) -> Iterator[SeriesRecord]:
    """The shares of what happened; where nothing happened there is no share."""
    ways: list[tuple[str, Quantity, Callable[[Interval, Group], float | None]]] = [
        ("answered_ratio", Quantity.REQUESTS, _answered),
        ("fallback_ratio", Quantity.ATTEMPTS, _fallen_back),
    ]
    if {Quantity.CACHE_HITS, Quantity.CACHE_MISSES} & set(interval.added):
        ways.append(("cache_hit_ratio", Quantity.ANSWERS, _cached))
    for slug, whole, share_of in ways:
        for group in interval.groups(whole):
            share = share_of(interval, group)
            if share is not None:
                yield _series(slug, group, (at, min(max(share, 0.0), 1.0)), unit="ratio", measure=slug)


def _answered(interval: Interval, group: Group) -> float | None:
    failed = _share(interval.of(Quantity.FAILURES, group), interval.of(Quantity.REQUESTS, group))
    return None if failed is None else 1.0 - failed


def _fallen_back(interval: Interval, group: Group) -> float | None:
    return _share(interval.of(Quantity.FALLBACKS, group), interval.of(Quantity.ATTEMPTS, group))


def _cached(interval: Interval, group: Group) -> float | None:
    """Hits of all answers: LiteLLM counts a miss only sometimes, and then among the answers too."""
    hits, misses = interval.of(Quantity.CACHE_HITS, group), interval.of(Quantity.CACHE_MISSES, group)
    answers = interval.of(Quantity.ANSWERS, group)
    if hits is None or misses is None or answers is None:
        return None
    return _share(hits, max(answers, hits + misses))


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _percentiles(sums: Sums, before: Memory, after: Memory, at: datetime) -> Iterator[SeriesRecord]:
    for histogram in HISTOGRAMS:
        for group, buckets in sums.buckets.get(histogram.name, {}).items():
            key = stable_id(histogram.name, labels=dict(group))
            after.buckets[key] = buckets
            known = before.buckets.get(key) or dict.fromkeys(buckets, 0.0)
            yield from _observed(histogram, group, increase(buckets, known), at)


def _observed(
    histogram: Histogram, group: Group, buckets: Mapping[float, float], at: datetime
) -> Iterator[SeriesRecord]:
    for percentile, q in PERCENTILES.items():
        value = quantile(buckets, q)
        if value is not None and math.isfinite(value):
            measure = f"{histogram.measure}_{percentile}" if histogram.measure else ""
            yield _series(f"{histogram.slug}_{percentile}", group, (at, value), unit="s", measure=measure)


def _gauges(sums: Sums, at: datetime) -> Iterator[SeriesRecord]:
    for gauge in GAUGES:
        for group, value in sums.gauges.get(gauge.name, {}).items():
            yield _series(gauge.slug, group, (at, value), unit=gauge.unit)


def _series(slug: str, group: Group, sample: tuple[datetime, float], *, unit: str, measure: str = "") -> SeriesRecord:
    """Named after what it is and whose, so that rules can map it: `cost_rate requested_model=fast team_alias=chat`."""
    labels = dict(group)
    return SeriesRecord(
        external_id=stable_id("litellm", slug, labels=labels),
        raw={"metric": slug, "labels": labels},
        name=" ".join([slug, *(f"{name}={value}" for name, value in group)])[:MAX_NAME],
        measure=measure,
        unit=unit,
        labels=labels,
        samples=(sample,),
    )
