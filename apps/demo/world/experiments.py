"""The evaluations of a registry's prompts, latest first, and the few cases of each that people look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from apps.demo.world.dice import MINUTE, World
from apps.demo.world.evaluations import Evaluation, evaluations_between, scores
from apps.demo.world.systems import prompts_in

CASES = 6  # that are told one by one
SCORERS = ("accuracy", "groundedness", "relevance", "policy_ok", "tone", "quality")


@dataclass(frozen=True, slots=True)
class Case:
    """One answer that was judged."""

    id: str
    is_right: bool


@lru_cache(maxsize=64)
def _between(world: World, registry: str, first: int, last: int) -> tuple[Evaluation, ...]:
    names = prompts_in(registry)
    return tuple(one for one in evaluations_between(world, first * MINUTE, last * MINUTE) if one.feature in names)


def experiments_in(world: World, registry: str, start: int, end: int) -> list[Evaluation]:
    """The evaluations that began between two times and belong to prompts of a registry, latest first."""
    found = _between(world, registry, start // (60 * MINUTE) * 60, end // MINUTE + 1)
    return [one for one in reversed(found) if start <= one.starts_at <= end]


def means(world: World, run: Evaluation, at: float) -> dict[str, float]:
    """What a finished evaluation measured; nothing before it is finished."""
    found = scores(world, run) if run.status_at(at) == "FINISHED" else {}
    return {name: found[name] for name in SCORERS if name in found}


def cases(world: World, run: Evaluation, at: float) -> list[Case]:
    """Some of the cases that were judged by a time."""
    good = scores(world, run)["accuracy"]
    share = min(1.0, max(0.0, (at - run.starts_at) / (run.ends_at - run.starts_at)))
    return [
        Case(world.uuid("case", run.feature, number), world.roll("right", run.id, number) < good)
        for number in range(round(CASES * share))
    ]
