"""When a bad release makes its own service unwell, so that the cluster sees it too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from apps.demo.world.dice import DAY, World
from apps.demo.world.incidents import incidents_of_day

SAYS = {  # flaw of a release -> what its pods say before they are taken out of service
    "pool": "Readiness probe failed: connection pool exhausted (40 of 40 in use)",
    "parser": "Back-off restarting failed container: ValueError in the answer parser",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A service that is short of pods in production between two times."""

    service: str
    flaw: str
    starts_at: int
    ends_at: int

    @property
    def message(self) -> str:
        """What the pods say."""
        return SAYS[self.flaw]


@lru_cache(maxsize=256)
def _of_day(world: World, day: int) -> tuple[Trouble, ...]:
    return tuple(
        Trouble(found.change.subject, found.kind, found.starts_at + 20, found.ends_at)
        for found in incidents_of_day(world, day)
        if found.change and found.change.what == "release" and found.kind in SAYS
    )


def trouble_of(world: World, service: str, at: int) -> Trouble | None:
    """What ails a service at a time, if anything does."""
    found = (one for day in (at // DAY - 1, at // DAY) for one in _of_day(world, day) if one.service == service)
    return next((one for one in found if one.starts_at <= at < one.ends_at), None)
