"""When a prompt's labels moved, for registries that tell the time of a version's last change."""

from __future__ import annotations

from functools import lru_cache

from apps.demo.world.dice import DAY, World
from apps.demo.world.prompts import aliases_at, versions_until

LATEST = "latest"
Move = tuple[int, int, int]  # when, from which version, to which; 0 for none


@lru_cache(maxsize=64)
def _moves(world: World, prompt: str, day: int, _deeds: int) -> tuple[Move, ...]:
    """The moves of all labels up to the end of a day, oldest first; another deed makes another answer."""
    versions = versions_until(world, prompt, (day + 1) * DAY)
    times = {one.created_at for one in versions}
    for change in (one.change for one in versions if one.change):
        times |= {change.staged_at, change.live_at, change.rolled_back_at or change.live_at}
    times |= {moved_at for one in versions for _, moved_at in one.moves}
    moves: list[Move] = []
    before: dict[str, int] = {}
    for at in sorted(times):
        labels = {**aliases_at(versions, at), LATEST: sum(one.created_at <= at for one in versions)}
        moves += [(at, before.get(name, 0), number) for name, number in labels.items() if before.get(name) != number]
        before = labels
    return tuple(moves)


def last_changes(world: World, prompt: str, at: int) -> dict[int, int]:
    """When each version was written, or last won or lost a label, by its number."""
    found: dict[int, int] = {}
    for moved_at, old, new in _moves(world, prompt, at // DAY, len(world.stage.deeds)):
        if moved_at <= at:
            found |= {old: moved_at, new: moved_at}
    return found
