"""From one scrape to sums: LiteLLM's many label sets (users, addresses, keys) added up to those that we tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from prometheus_client.samples import Sample

from apps.connectors.exposition.quantiles import read_histograms
from apps.connectors.exposition.text import is_of_family, parse, split
from apps.connectors.providers.litellm.families import (
    ASKED_FOR,
    COUNTERS,
    GAUGES,
    HISTOGRAMS,
    KEY,
    NAMES,
    NOT_FOR_FREE,
    TEAM,
    Counter,
    Gauge,
    Quantity,
)
from apps.connectors.records import Rejected
from apps.connectors.values import MAX_NAME, finite

MAX_LINES = 100_000
SPLITS = {  # what the numbers are told apart by
    "all": ("model", "team", "key"),
    "model_team": ("model", "team"),
    "model_key": ("model", "key"),
    "model": ("model",),
    "team": ("team",),
    "key": ("key",),
    "none": (),
}
_NOTHING = ("", "None")  # how LiteLLM writes that there is none

Group = tuple[tuple[str, str], ...]  # labels, sorted
Buckets = dict[float, float]


@dataclass(slots=True)
class Sums:
    """One scrape: totals since the proxy's start by quantity and group, buckets and gauges by metric and group."""

    counters: dict[Quantity, dict[Group, float]] = field(default_factory=dict)
    buckets: dict[str, dict[Group, Buckets]] = field(default_factory=dict)
    gauges: dict[str, dict[Group, float]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    needs_licence: bool = False

    @property
    def groups(self) -> int:
        """Into how many parts the most divided number falls."""
        parts = [len(groups) for groups in (*self.counters.values(), *self.gauges.values())]
        return max([*parts, *(len(groups) for groups in self.buckets.values())], default=0)


def read_sums(text: str, *, is_openmetrics: bool, split_by: Sequence[str]) -> Sums:
    """The sums of one scrape; a line that cannot be read is rejected alone."""
    families, rejected = split(text, is_wanted=_is_wanted, max_lines=MAX_LINES)
    samples: dict[str, list[Sample]] = {}
    for family in families:
        metrics, bad = parse(family, is_openmetrics=is_openmetrics)
        rejected += bad
        for sample in (sample for metric in metrics for sample in metric.samples):
            samples.setdefault(sample.name.removesuffix("_total"), []).append(sample)
    sums = Sums(rejected=[replace(item, raw={}) for item in rejected])  # a line holds names and addresses of people
    for counter in COUNTERS:
        if found := _counted(samples, counter, split_by):
            sums.counters[counter.quantity] = found
    for histogram in HISTOGRAMS:
        if observed := _observed(samples.get(f"{histogram.name}_bucket", ()), split_by):
            sums.buckets[histogram.name] = observed
    for gauge in GAUGES:
        if measured := _measured(samples.get(gauge.name, ()), gauge):
            sums.gauges[gauge.name] = measured
    sums.needs_licence = NOT_FOR_FREE in samples
    return sums


def _is_wanted(name: str) -> bool:
    return any(is_of_family(name, wanted) or is_of_family(wanted, name) for wanted in NAMES)


def _counted(samples: Mapping[str, Sequence[Sample]], counter: Counter, split_by: Sequence[str]) -> dict[Group, float]:
    name = next((name for name in counter.names if name in samples), "")
    found: dict[Group, float] = {}
    for sample in samples.get(name, ()):
        value = finite(sample.value)
        if value is None or (counter.is_of_calls and sample.labels.get("requested_model") in _NOTHING):
            continue  # a call of /metrics or of the admin page is counted too, but asks no model
        group = _group(sample.labels, split_by, models=counter.models)
        found[group] = found.get(group, 0.0) + value
    return found


def _observed(samples: Iterable[Sample], split_by: Sequence[str]) -> dict[Group, Buckets]:
    found: dict[Group, Buckets] = {}
    for labels, buckets in read_histograms(samples):
        together = found.setdefault(_group(labels, split_by, models=ASKED_FOR), {})
        for bound, count in buckets.items():
            together[bound] = together.get(bound, 0.0) + count
    return found


def _measured(samples: Iterable[Sample], gauge: Gauge) -> dict[Group, float]:
    values: dict[Group, list[float]] = {}
    for sample in samples:
        value = finite(sample.value)
        if value is not None:
            values.setdefault(_labels(sample.labels, *gauge.labels), []).append(value)
    return {group: gauge.combine(some) for group, some in values.items()}


def _group(labels: Mapping[str, str], split_by: Sequence[str], *, models: Sequence[str]) -> Group:
    names = {"model": models, "team": TEAM, "key": KEY}
    return _labels(labels, *(names[part] for part in split_by))


def _labels(labels: Mapping[str, str], *wanted: Sequence[str]) -> Group:
    """For each of `wanted` the first of these labels that says something."""
    found: dict[str, str] = {}
    for names in wanted:
        name = next((name for name in names if labels.get(name, "") not in _NOTHING), None)
        if name is not None:
            found[name] = labels[name][:MAX_NAME]
    return tuple(sorted(found.items()))
