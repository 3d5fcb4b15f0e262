"""The numbers of each feature at any times: habit, chance and trouble put together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from apps.demo.world.calendar import loads
from apps.demo.world.company import FEATURE, Feature
from apps.demo.world.deeds import effects_of_deeds
from apps.demo.world.dice import DAY, MINUTE, World, wander
from apps.demo.world.effects import Effect, effects_of_day

Mode = Literal["times", "loss", "plus"]
SMALLEST = 0.0001  # of a share; less is written as 0, since shares carry four digits


@dataclass(frozen=True, slots=True)
class Measure:
    """How a number is made of its usual value.

    idle, busy: the usual value is scaled by `idle + busy * load`. stray: how far chance moves it, by factor (`times`),
    by factor of what is missing to 1 (`loss`), or by summand (`plus`). noise: measures of one name stray together.
    """

    base: str
    mode: Mode
    stray: float
    noise: str
    idle: float = 1.0
    busy: float = 0.0
    scale: float = 1.0
    lowest: float = 0.0
    highest: float = 1.0
    digits: int = 4


MEASURES: dict[str, Measure] = {
    "requests_rate": Measure("rate", "times", 0.16, "traffic", 0.0, 1.0, lowest=0.0001, highest=1e4, digits=5),
    "answered_ratio": Measure("answered", "loss", 0.7, "answers"),
    "quality_score": Measure("quality", "plus", 0.07, "quality", lowest=1.0, highest=5.0, digits=3),
    "groundedness": Measure("groundedness", "loss", 0.25, "quality"),
    "unsafe_ratio": Measure("unsafe", "times", 0.8, "unsafe"),
    "latency_p50": Measure("p95", "times", 0.10, "wait", 0.75, 0.27, 0.43, lowest=0.02, highest=120.0),
    "latency_p95": Measure("p95", "times", 0.10, "wait", 0.75, 0.27, 1.0, lowest=0.03, highest=180.0),
    "latency_p99": Measure("p95", "times", 0.10, "wait", 0.75, 0.30, 1.6, lowest=0.05, highest=240.0),
    "thumbs_up_ratio": Measure("thumbs_up", "plus", 0.022, "thumbs"),
    "cost_rate": Measure("cost", "times", 0.10, "cost", 0.0, 1.0, 3600.0, lowest=0.0001, highest=1e4, digits=4),
    "retrieval_hit_ratio": Measure("retrieval_hit", "plus", 0.02, "retrieval"),
    "cache_hit_ratio": Measure("cache_hit", "times", 0.15, "cache", 0.9, 0.1),
    "fallback_ratio": Measure("fallback", "times", 0.6, "fallback"),
}
GAP_SHARE = 0.12  # of the days on which the numbers of a feature are missing for a while


def usual(feature: Feature, measure: str) -> float | None:
    """The value on a good, busy day, or None where a feature has no such number."""
    value: float | None = getattr(feature, MEASURES[measure].base)
    if value is None:
        return None
    return value * feature.rate * 3600 if measure == "cost_rate" else value * MEASURES[measure].scale


def values(world: World, slug: str, measure: str, times: Sequence[int]) -> list[float | None]:
    """One value for each of the rising times; None where the source of the numbers was down.

    1. habit: the usual value at that load  2. chance  3. trouble  4. bounds and digits  5. gaps
    """
    feature, shape = FEATURE[slug], MEASURES[measure]
    base = usual(feature, measure)
    if base is None or not times:
        return []
    track = _habit_and_chance(world, feature, shape, base, times)
    for effect in _effects(world, slug, measure, times[0], times[-1]):
        _apply(track, times, effect)
    low, high, digits = shape.lowest, shape.highest, shape.digits
    rounded: list[float | None] = [round(low if value < low else min(value, high), digits) for value in track]
    for start, end in gaps(world, slug, times[0], times[-1]):
        for position in range(bisect_left(times, start), bisect_right(times, end)):
            rounded[position] = None
    return rounded


def value_at(world: World, slug: str, measure: str, at: int) -> float | None:
    """One value at one time."""
    found = values(world, slug, measure, (at,))
    return found[0] if found else None


def _habit_and_chance(world: World, feature: Feature, shape: Measure, base: float, times: Sequence[int]) -> list[float]:
    strays = wander(world, f"{feature.slug}/{shape.noise}", times)
    stray = shape.stray
    if shape.mode == "plus":
        return [base + stray * chance for chance in strays]
    if shape.mode == "loss":
        return [1 - (1 - base) * (1 + stray * chance) for chance in strays]
    if not shape.busy:
        return [base * (1 + stray * chance) for chance in strays]
    idle, busy = base * shape.idle, base * shape.busy
    return [
        (idle + busy * load) * (1 + stray * chance)
        for load, chance in zip(loads(feature.rhythm, times), strays, strict=True)
    ]


def _effects(world: World, slug: str, measure: str, first: int, last: int) -> set[Effect]:
    planned = (effect for day in range(first // DAY, last // DAY + 1) for effect in effects_of_day(world, slug, day))
    return {
        effect
        for effect in (*planned, *effects_of_deeds(world, slug, last))
        if effect.measure == measure and effect.starts_at < last + 1 and effect.ends_at + effect.falls > first
    }


def _apply(track: list[float], times: Sequence[int], effect: Effect) -> None:
    """Bend the values between the start and the end of an effect, in place."""
    begin, end = bisect_left(times, effect.starts_at), bisect_right(times, effect.ends_at + effect.falls)
    for position in range(begin, end):
        strength = effect.strength(times[position])
        if effect.operation == "times":
            track[position] *= 1 + (effect.amount - 1) * strength
        else:
            track[position] += effect.amount * strength


def gaps(world: World, slug: str, first: int, last: int) -> list[tuple[int, int]]:
    """The times, from and to, in which a feature had no numbers at all."""
    return [gap for day in range(first // DAY - 1, last // DAY + 1) if (gap := _gap_of_day(world, slug, day))]


@lru_cache(maxsize=1024)
def _gap_of_day(world: World, slug: str, day: int) -> tuple[int, int] | None:
    dice = world.dice("gap", slug, day)
    if dice.random() >= GAP_SHARE:
        return None
    start = day * DAY + dice.randrange(DAY)
    return start, start + dice.randint(11, 26) * MINUTE
