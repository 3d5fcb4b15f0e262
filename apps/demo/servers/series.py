"""Every series that the demo's Prometheus holds, and its samples at given times."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from apps.demo.servers.selectors import Matcher
from apps.demo.world.company import FEATURES, SERVICES
from apps.demo.world.dice import DAY, World, wander
from apps.demo.world.metrics import usual, values
from apps.demo.world.releases import commit_of, tenures
from apps.demo.world.systems import rolled_out_by

SCRAPE = 30  # seconds between two samples
LOOKBACK = 300  # seconds for which the last sample counts
KEPT = 45 * DAY  # retention

METRIC_NAMES = {
    "requests_rate": "feature:requests:rate5m",
    "answered_ratio": "feature:answered:ratio",
    "quality_score": "feature:quality:score",
    "groundedness": "feature:grounded:ratio",
    "unsafe_ratio": "feature:unsafe:ratio",
    "latency_p50": "feature:latency_seconds:p50",
    "latency_p95": "feature:latency_seconds:p95",
    "latency_p99": "feature:latency_seconds:p99",
    "thumbs_up_ratio": "feature:thumbs_up:ratio",
    "cost_rate": "feature:cost_eur:rate1h",
    "retrieval_hit_ratio": "feature:retrieval_hit:ratio",
    "cache_hit_ratio": "feature:cache_hit:ratio",
    "fallback_ratio": "feature:fallback:ratio",
}
BY_CLIENT, BUILD_INFO, UP = "feature_client:requests:rate5m", "app_build_info", "up"
SHARES = (0.64, 0.36)  # of the first and the second client

Point = list[object]  # [time, "value"]


@dataclass(frozen=True, slots=True)
class Series:
    """One label set; what its samples are follows from the other fields."""

    labels: dict[str, str]
    feature: str = ""
    measure: str = ""
    client: int = -1
    starts_at: int | None = None
    ends_at: int | None = None


def all_series(world: World, now: int, is_wanted: Callable[[str], bool] = bool) -> Iterator[Series]:
    """Everything there is or was up to now under the wanted metric names (all of them unless told otherwise)."""
    for measure, name in METRIC_NAMES.items():
        if is_wanted(name):
            yield from _of_measure(measure, name)
    if is_wanted(BY_CLIENT):
        yield from _by_client()
    if is_wanted(UP):
        for service in SERVICES:
            yield Series({"__name__": UP, "instance": f"{service}.fernway.example:9100", "job": service})
    if is_wanted(BUILD_INFO):
        yield from _build_info(world, now)


def _of_measure(measure: str, name: str) -> Iterator[Series]:
    for feature in FEATURES:
        if usual(feature, measure) is not None:
            labels = {"__name__": name, "environment": "production", "feature": feature.slug, "model": feature.model}
            yield Series(labels, feature.slug, measure)


def _by_client() -> Iterator[Series]:
    for feature in FEATURES:
        for number, client in enumerate(feature.clients):
            labels = {"__name__": BY_CLIENT, "client": client, "environment": "production", "feature": feature.slug}
            yield Series(labels, feature.slug, "requests_rate", client=number)


def _build_info(world: World, now: int) -> Iterator[Series]:
    told = [tenure for service in rolled_out_by("prometheus") for tenure in tenures(world, service, now)]
    for tenure in told:
        labels = {
            "__name__": BUILD_INFO,
            "component": tenure.service,
            "environment": tenure.environment,
            "revision": _revision(world, tenure.service, tenure.version),
            "version": tenure.version,
        }
        yield Series(labels, starts_at=tenure.starts_at, ends_at=tenure.ends_at)


@lru_cache(maxsize=4096)
def _revision(world: World, service: str, version: str) -> str:
    """The commit of a release, in short."""
    return commit_of(world, service, version)[:7]


def matching(world: World, matchers: Sequence[Matcher], now: int) -> list[Series]:
    """The series that meet every condition; one label set may come in several pieces."""

    def is_wanted(name: str) -> bool:
        return all(matcher.accepts({"__name__": name}) for matcher in matchers if matcher.label == "__name__")

    found = all_series(world, now, is_wanted)
    return [series for series in found if all(matcher.accepts(series.labels) for matcher in matchers)]


def sample_times(points: Sequence[float], now: int) -> list[int]:
    """For each rising point the time of the sample that counts there: the last scrape, and never one after now."""
    newest = now - now % SCRAPE
    return [min(int(point) - int(point) % SCRAPE, newest) for point in points]


def readable(points: Sequence[float], now: int) -> tuple[int, int]:
    """From and to which position points lie within the retention and not too far beyond the last scrape."""
    return bisect_left(points, now - KEPT), bisect_left(points, now + LOOKBACK)


def read_points(world: World, series: Series, shown: Sequence[int | float], times: Sequence[int]) -> list[Point]:
    """[time, "value"] pairs of one series: shown at one time, sampled at another; missing ones are left out."""
    if not series.feature:
        return _ones(series, shown, times)
    numbers = values(world, series.feature, series.measure, times)
    if series.client >= 0:
        numbers = _of_client(world, series, numbers, times)
    return [[at, f"{number:g}"] for at, number in zip(shown, numbers, strict=True) if number is not None]


def _ones(series: Series, shown: Sequence[int | float], times: Sequence[int]) -> list[Point]:
    begin = 0 if series.starts_at is None else bisect_left(times, series.starts_at)
    end = len(times) if series.ends_at is None else bisect_left(times, series.ends_at)
    return [[at, "1"] for at in shown[begin:end]]


def _of_client(
    world: World, series: Series, numbers: Sequence[float | None], times: Sequence[int]
) -> list[float | None]:
    """What one client asks for; the two of a feature always add up to its total."""
    strays = wander(world, f"{series.feature}/clients", times)
    first = [SHARES[0] + 0.06 * stray for stray in strays]
    shares = first if series.client == 0 else [1 - share for share in first]
    return [None if number is None else number * share for number, share in zip(numbers, shares, strict=True)]
