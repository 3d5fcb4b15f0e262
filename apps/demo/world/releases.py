"""Which version of each service runs in which environment at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from apps.demo.world.changes import Change, history_until
from apps.demo.world.company import ENVIRONMENTS, SERVICES
from apps.demo.world.dice import World


@dataclass(frozen=True, slots=True)
class Tenure:
    """A version that runs in one place from a time on, until `ends_at` (None: it still does)."""

    service: str
    environment: str
    version: str
    starts_at: int | None
    ends_at: int | None
    is_rollback: bool = False


def tenures(world: World, service: str, at: int) -> tuple[Tenure, ...]:
    """What ran in the environments of a service up to a time, in the order of starting."""
    return _tenures(world, service, history_until(world, "release", service, at), at)


def _tenures(world: World, service: str, changes: tuple[Change, ...], at: int) -> tuple[Tenure, ...]:
    numbers = _version_numbers(world, service, len(changes))
    found: list[Tenure] = []
    for environment in ENVIRONMENTS:
        moves: list[tuple[int | None, str, bool]] = [(None, numbers[0], False)]
        stable = numbers[0]
        for change, version in zip(changes, numbers[1:], strict=True):
            moves.append((change.staged_at if environment == "staging" else change.live_at, version, False))
            if environment == "production" and change.rolled_back_at is not None:
                moves.append((change.rolled_back_at, stable, True))
            else:
                stable = version
        past = [move for move in moves if move[0] is None or move[0] <= at]
        ends = [*(start for start, _, _ in past[1:]), None]
        found += [
            Tenure(service, environment, version, start, end, is_rollback)
            for (start, version, is_rollback), end in zip(past, ends, strict=True)
        ]
    return tuple(found)


@lru_cache(maxsize=64)
def _version_numbers(world: World, service: str, count: int) -> tuple[str, ...]:
    """The first version and the `count` after it: mostly small steps, now and then a larger one."""
    dice = world.dice("versions", service)
    major, minor, patch = dice.randint(1, 4), dice.randint(3, 12), dice.randint(0, 4)
    numbers = [f"{major}.{minor}.{patch}"]
    for _ in range(count):
        if dice.random() < 0.4:
            minor, patch = minor + 1, 0
        else:
            patch += 1
        numbers.append(f"{major}.{minor}.{patch}")
    return tuple(numbers)


def commit_of(world: World, service: str, version: str) -> str:
    """The commit that a version was built from, 40 hexadecimal digits."""
    return (world.hex("revision", service, version) + world.hex("commit", service, version))[:40]


def all_tenures(world: World, at: int) -> list[Tenure]:
    """What ran anywhere up to a time."""
    return [tenure for service in SERVICES for tenure in tenures(world, service, at)]
