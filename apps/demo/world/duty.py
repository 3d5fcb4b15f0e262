"""What Alertmanager knows and the rules about promises do not: alerts of what lies below the features, and silences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apps.demo.world.company import FEATURE, PROVIDERS, TEAM, user_name
from apps.demo.world.dice import DAY, HOUR, MINUTE, World
from apps.demo.world.incidents import Incident, incidents_between
from apps.demo.world.runs import index_gaps

INDEXES = {"help-center": "help-center-index", "products": "product-index", "contracts": "contract-index"}
STALE_AFTER = 45 * MINUTE
CLEANS_ON, CLEANS_AT = 4, 10 * HOUR  # the evaluation data is thinned out on Fridays
FILLS_FROM = 20 * HOUR  # before that, its disk is nearly full


@dataclass(frozen=True, slots=True)
class Duty:
    """One alert from `starts_at` until `ends_at`; `labels` say what it is about."""

    name: str
    starts_at: int
    ends_at: int
    severity: str
    summary: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody keeps an alert quiet between two times."""

    key: str
    alert: str
    component: str
    by: str
    comment: str
    starts_at: int
    ends_at: int


def duties_at(world: World, at: int) -> list[Duty]:
    """The alerts that fire at a time."""
    found = [*_stale_indexes(world, at), *_of_incidents(world, at), *_full_disk(world, at)]
    return [one for one in found if one.starts_at <= at < one.ends_at]


def _stale_indexes(world: World, at: int) -> Iterator[Duty]:
    for index, component in INDEXES.items():
        for gap in index_gaps(world, index, at // DAY):
            said = f"The index {component} was not refreshed as planned; searches find less than they could."
            labels = (("component", component), ("team", "platform"))
            yield Duty("IndexStale", gap.starts_at + STALE_AFTER, gap.ends_at, "ticket", said, labels)


def _of_incidents(world: World, at: int) -> Iterator[Duty]:
    for incident in incidents_between(world, at - HOUR, at):
        if (told := _told(incident)) is None:
            continue
        name, component, severity, said = told
        labels = (("component", component), ("team", "platform"))
        yield Duty(name, incident.starts_at + 2 * MINUTE, incident.ends_at + MINUTE, severity, said, labels)


def _told(incident: Incident) -> tuple[str, str, str, str] | None:
    """(alert, component, severity, sentence) of an incident that shows below the feature too."""
    feature = FEATURE[incident.feature]
    match incident.kind:
        case "provider_errors":
            said = f"More than 5% of calls of {feature.model} were refused within five minutes."
            return "ProviderRefuses", PROVIDERS[feature.model], "page" if incident.is_severe else "ticket", said
        case "store_slow":
            return "VectorStoreSlow", "vector-store", "ticket", "Searches in the vector store take more than 400 ms."
        case "cache_cold" | "cache_key":
            said = f"The answer cache hits less than a quarter of what is usual for {feature.name}."
            return "CacheHitsLow", "answer-cache", "info", said
        case "traffic_spike":
            said = f"Calls for {feature.name} wait in the gateway's queue."
            return "GatewayQueueLong", "model-gateway", "ticket", said
    return None


def _friday(at: int) -> int:
    """The next time at which the evaluation data is thinned out, or today's if that is not long ago."""
    day = at // DAY
    ahead = (CLEANS_ON - (day + 3) % 7) % 7
    return (day + ahead) * DAY + CLEANS_AT


def _full_disk(world: World, at: int) -> Iterator[Duty]:
    cleaned = _friday(at)
    full = 86 + int(world.roll("disk", cleaned) * 6)
    labels = (("component", "evaluation-data"), ("team", "platform"))
    said = f"The disk of the evaluation data is {full}% full."
    yield Duty("DiskNearlyFull", cleaned - FILLS_FROM, cleaned, "ticket", said, labels)


def silences(world: World, start: int, end: int) -> list[Silence]:
    """The silences made between two times: for the disk that will be thinned out anyway."""
    found = []
    for day in range(start // DAY, end // DAY + 1):
        if (day + 3) % 7 != CLEANS_ON:
            continue
        cleaned = day * DAY + CLEANS_AT
        began = cleaned - FILLS_FROM + 25 * MINUTE + int(world.roll("silence", day) * HOUR)
        by = user_name(world.pick(TEAM["platform"].people, "silence by", day))
        said = "Thinned out on Friday morning, as every week"
        found.append(Silence(world.uuid("silence", day), "DiskNearlyFull", "evaluation-data", by, said, began, cleaned))
    next_friday = _friday(end)
    if next_friday // DAY > end // DAY:
        found += [one for one in silences(world, next_friday, next_friday) if one.starts_at <= end]
    return [one for one in found if start <= one.starts_at <= end]
