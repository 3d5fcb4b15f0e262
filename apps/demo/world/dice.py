"""Chance that can be asked twice: every draw is a function of the seed and of what is drawn."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

from apps.demo.world.stage import Stage

Item = TypeVar("Item")
MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds
FIRST_DAY = date(2026, 10, 5)  # a Monday: from here prompt versions and releases are counted


@dataclass(frozen=True, slots=True)
class World:
    """Which of all possible Fernways this is. Times in it are whole seconds since 1970 (UTC)."""

    seed: int = 7
    first_day: date = FIRST_DAY
    stage: Stage = field(default_factory=Stage, compare=False, repr=False)  # what is done by hand

    @property
    def first_day_number(self) -> int:
        """Days from 1970-01-01 to the day on which counting starts."""
        return (self.first_day - date(1970, 1, 1)).days

    @property
    def starts_at(self) -> int:
        """The second at which counting starts."""
        return self.first_day_number * DAY

    def roll(self, *about: object) -> float:
        """A number in [0, 1) that belongs to `about`."""
        return int.from_bytes(_digest(self.seed, about, 8), "big") / 2**64

    def dice(self, *about: object) -> random.Random:
        """A generator for many draws about one thing."""
        return random.Random(f"{self.seed}/{'/'.join(map(str, about))}")

    def pick(self, items: Sequence[Item], *about: object) -> Item:
        """One of `items`, always the same one for the same question."""
        return items[int(self.roll(*about) * len(items))]

    def uuid(self, *about: object) -> str:
        """An identity in the form other systems use."""
        return str(uuid.UUID(bytes=_digest(self.seed, about, 16), version=4))

    def hex(self, *about: object) -> str:
        """32 hexadecimal digits, as MLflow names its runs."""
        return _digest(self.seed, about, 16).hex()


def _digest(seed: int, about: tuple[object, ...], size: int) -> bytes:
    return blake2b(f"{seed}/{'/'.join(map(str, about))}".encode(), digest_size=size).digest()


NOISE_SIZE = 4096  # a power of two, so that wrapping around is one `and`


@lru_cache(maxsize=4)
def noise_table(seed: int) -> tuple[float, ...]:
    """Values between -1 and 1, more of them near 0, from which every series takes its own walk."""
    dice = random.Random(f"{seed}/noise")
    return tuple((dice.random() + dice.random() + dice.random()) / 1.5 - 1 for _ in range(NOISE_SIZE))


SLOW, MIDDLE, QUICK = 3 * HOUR, 23 * MINUTE, 1 * MINUTE  # how long a swing lasts


def wander(world: World, key: str, times: Sequence[int]) -> list[float]:
    """How far a series strays from its usual at each time, from -1 to 1; near times stray alike.

    Three layers: hours and minutes are interpolated, the quickest is a step a minute.
    """
    table, mask = noise_table(world.seed), NOISE_SIZE - 1
    first, second, third = (int(world.roll("noise", key, layer) * NOISE_SIZE) for layer in range(3))
    strays: list[float] = []
    add = strays.append
    for at in times:
        hours, rest = divmod(at, SLOW)
        left = table[(hours + first) & mask]
        slow = left + (table[(hours + first + 1) & mask] - left) * rest / SLOW
        minutes, rest = divmod(at, MIDDLE)
        left = table[(minutes + second) & mask]
        middle = left + (table[(minutes + second + 1) & mask] - left) * rest / MIDDLE
        add(0.5 * slow + 0.3 * middle + 0.2 * table[(at // QUICK + third) & mask])
    return strays
