"""The vendors of Fernway's models: what their status pages say of the severe troubles that Fernway feels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from apps.demo.world.company import FEATURE, PROVIDERS
from apps.demo.world.dice import DAY, HOUR, MINUTE, World
from apps.demo.world.incidents import Incident, incidents_of_day


@dataclass(frozen=True, slots=True)
class Vendor:
    """A company that answers with models; `parts` are what its page lists, with the models behind each."""

    slug: str
    name: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a vendor says of one trouble, which it notices later than its customers and forgets later too."""

    key: str
    vendor: str
    part: str
    title: str
    impact: str
    status: str  # of the part meanwhile
    updates: tuple[tuple[int, str, str], ...]  # time, word, text

    @property
    def starts_at(self) -> int:
        """When it was first told."""
        return self.updates[0][0]

    @property
    def ends_at(self) -> int:
        """When it was called resolved."""
        return self.updates[-1][0]


VENDORS = (
    Vendor("northwind-models", "Northwind Models", (
        ("Chat API (EU)", ("large-4", "small-4")), ("Embeddings API (EU)", ("embed-3",)), ("Console", ()),
    )),
    Vendor("lumen-vision", "Lumen Vision", (("Document API", ("reader-2",)), ("Batch API", ()), ("Dashboard", ()))),
)  # fmt: skip
VENDOR = {vendor.slug: vendor for vendor in VENDORS}
TOLD_SHARE = 0.5  # of the severe troubles; of the others their vendors say nothing
MAINTAINS = {"northwind-models": (1, 3), "lumen-vision": (3, 4)}  # weekday and hour (UTC), every other week


@lru_cache(maxsize=256)
def notices_of_day(world: World, vendor: str, day: int) -> tuple[Notice, ...]:
    """What a vendor told of the troubles that began on one UTC day since 1970."""
    return tuple(
        _notice(world, incident)
        for incident in incidents_of_day(world, day)
        if incident.kind.startswith("provider") and incident.is_severe and _vendor(incident) == vendor
        if world.roll("told", incident.key) < TOLD_SHARE
    )


def notices(world: World, vendor: str, start: int, end: int) -> list[Notice]:
    """The notices that began between two times, newest first."""
    days = range(start // DAY - 1, end // DAY + 1)
    found = [one for day in days for one in notices_of_day(world, vendor, day) if start <= one.starts_at <= end]
    return sorted(found, key=lambda one: one.starts_at, reverse=True)


def _vendor(incident: Incident) -> str:
    return PROVIDERS[FEATURE[incident.feature].model]


def _notice(world: World, incident: Incident) -> Notice:
    vendor, model = VENDOR[_vendor(incident)], FEATURE[incident.feature].model
    part = next(name for name, models in vendor.parts if model in models)
    is_slow = incident.kind == "provider_slow"
    title = f"Slow answers from {model}" if is_slow else f"Elevated error rates for {model}"
    first = incident.starts_at + 4 * MINUTE + int(world.roll("notice", incident.key) * 120)
    middle, last = incident.ends_at - 2 * MINUTE, incident.ends_at + 9 * MINUTE
    looking = "longer waits" if is_slow else "errors and refused requests"
    return Notice(
        key=world.hex("notice", incident.key)[:12], vendor=vendor.slug, part=part, title=title,
        impact="minor" if is_slow else "major", status="degraded_performance" if is_slow else "partial_outage",
        updates=(
            (first, "investigating", f"We are looking into {looking} of {model} in our European region."),
            (middle, "monitoring", "Capacity was added and answers are back to normal; we keep watching."),
            (last, "resolved", "This is resolved. We are sorry for the disruption."),
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Planned work of a vendor that its customers hardly feel."""

    key: str
    title: str
    part: str
    announced_at: int
    starts_at: int
    ends_at: int


def maintenances(vendor: str, start: int, end: int) -> list[Maintenance]:
    """The maintenance announced before `end` and over after `start`, newest first."""
    weekday, hour = MAINTAINS[vendor]
    days = (day for day in range(end // DAY + 4, start // DAY - 1, -1) if (day + 3) % 7 == weekday and day // 7 % 2)
    part = VENDOR[vendor].parts[-1][0]
    found = [
        Maintenance(f"m{day}", f"Upgrade of the {part.lower()}'s database", part, at - 3 * DAY, at, at + HOUR)
        for day in days
        for at in (day * DAY + hour * HOUR,)
    ]
    return [one for one in found if one.announced_at <= end and one.ends_at >= start]
