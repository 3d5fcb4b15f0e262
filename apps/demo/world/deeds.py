"""How deeds done by hand move the numbers: a bad prompt until another is live, a wrong embedder until it is right."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from apps.demo.world import parts
from apps.demo.world.company import FEATURE
from apps.demo.world.dice import DAY, MINUTE, World
from apps.demo.world.effects import KINDS, Effect
from apps.demo.world.prompts import aliases_at, versions_until
from apps.demo.world.stage import Deed

FELT_AFTER = MINUTE
LONGEST = 7 * DAY
FORCE = 1.9  # as bad as the severe incidents
WRONG_EMBEDDER = {"retrieval_hit_ratio": -0.16, "groundedness": -0.06, "quality_score": -0.5}


def effects_of_deeds(world: World, slug: str, until: int) -> Iterator[Effect]:
    """What is felt of everything that was done by hand up to a time."""
    for deed in world.stage.done("publish", slug, until):
        ends_at = _taken_back_at(world, deed, until)
        dice = world.dice("bends", "stage", slug, deed.at)
        for measure, operation, amount in KINDS[deed.value.partition(":")[0]](FEATURE[slug], dice, FORCE):
            yield Effect(measure, operation, amount, deed.at + FELT_AFTER, ends_at)
    if slug == parts.FEATURE:
        yield from _of_embedders(world, until)


def _taken_back_at(world: World, deed: Deed, until: int) -> int:
    """When production pointed somewhere else again, a week later at most."""
    versions = versions_until(world, deed.subject, until)
    bad = next(one.number for one in versions if one.created_at == deed.at and one.flaw == deed.value)
    moved = {at for one in versions for _, at in one.moves}
    moved |= {one.change.live_at for one in versions if one.change}
    later = sorted(at for at in moved if at > deed.at)
    return next((at for at in later if aliases_at(versions, at)["production"] != bad), deed.at + LONGEST)


def _of_embedders(world: World, until: int) -> Iterator[Effect]:
    deeds = [*world.stage.done("embedder", "production", until), None]
    for deed, following in pairwise(deeds):
        if deed and deed.value != parts.EMBEDDER:
            ends_at = following.at if following else deed.at + LONGEST
            for measure, loss in WRONG_EMBEDDER.items():
                yield Effect(measure, "plus", loss, deed.at, ends_at)
