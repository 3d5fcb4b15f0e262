"""What a failing component touches, and through what: walks over who needs whom. Pure.

Trouble goes from what is needed to what needs it, step by step, but not through an evaluation suite: a test that
cannot run is no trouble for people.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Parts:
    """The components by id: to which feature they belong (None: shared), who needs whom, which are only tests."""

    owners: Mapping[int, int | None]
    needs: Collection[tuple[int, int]]  # (what needs, what is needed)
    tests: frozenset[int] = frozenset()

    @cached_property
    def _needed_by(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for consumer, provider in self.needs:
            if consumer not in self.tests:
                found.setdefault(provider, []).append(consumer)
        return found

    @cached_property
    def _needed_by_any(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for consumer, provider in self.needs:
            found.setdefault(provider, []).append(consumer)
        return found

    @cached_property
    def _needs(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for consumer, provider in self.needs:
            found.setdefault(consumer, []).append(provider)
        return found

    def needs_of(self, component: int) -> list[int]:
        """What a component needs directly."""
        return self._needs.get(component, [])

    def ways_up(self, component: int) -> dict[int, tuple[int, ...]]:
        """Every component touched when this one fails -> the shortest way to it, both ends included, nearest first."""
        return {} if component in self.tests else _ways(component, self._needed_by)

    def ways_down(self, component: int) -> dict[int, tuple[int, ...]]:
        """Every component that this one needs, itself included -> the shortest way."""
        return _ways(component, self._needs)

    def touched(self, component: int) -> dict[int, tuple[int, ...]]:
        """Every feature touched when a component fails -> the components on the shortest way to it."""
        found: dict[int, tuple[int, ...]] = {}
        for reached, way in self.ways_up(component).items():
            owner = self.owners.get(reached)
            if owner is not None:
                found.setdefault(owner, way)
        return found

    def tested_with(self, component: int) -> set[int]:
        """Every feature of which only the tests need a component: they cannot run when it fails, answers go on."""
        reached = {self.owners.get(one) for one in _ways(component, self._needed_by_any)}
        return {owner for owner in reached if owner is not None} - set(self.touched(component))

    def of_feature(self, feature: int) -> set[int]:
        """Every component a feature stands on, its own included."""
        own = [component for component, owner in self.owners.items() if owner == feature]
        return {reached for component in own for reached in self.ways_down(component)}


def _ways(start: int, onward: Mapping[int, list[int]]) -> dict[int, tuple[int, ...]]:
    ways: dict[int, tuple[int, ...]] = {start: (start,)}
    queue = [start]
    for here in queue:  # grows while it is walked: breadth first
        for there in onward.get(here, ()):
            if there not in ways:
                ways[there] = (*ways[here], there)
                queue.append(there)
    return ways
