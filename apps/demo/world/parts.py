"""What lies below Clause Finder: its index, rebuilt every Sunday, and the embedder with which it is searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

from apps.demo.world.company import ENVIRONMENTS
from apps.demo.world.dice import DAY, HOUR, World

FEATURE = "clause-finder"
INDEX, SEARCHER = "contract-index", "clause-embedder"  # components
EMBEDDER, OTHER_EMBEDDER = "embed-3", "embed-3-lite"
DIMENSIONS = "1024"  # of both: nothing fails when they are mixed up
BUILT_AT = {"staging": HOUR, "production": 3 * HOUR}  # of a Sunday, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One version of a part in one environment, from a time (None: always) until a time (None: it still runs)."""

    component: str
    kind: Literal["index", "embedding_model"]
    environment: str
    version: str
    embedder: str
    starts_at: int | None
    ends_at: int | None


def parts(world: World, at: int) -> Iterator[Part]:
    """Everything that ran in any environment up to a time."""
    for environment in ENVIRONMENTS:
        yield from _builds(world, environment, at)
        yield from _searchers(world, environment, at)


def _builds(world: World, environment: str, at: int) -> Iterator[Part]:
    sunday = world.starts_at + 6 * DAY + BUILT_AT[environment]
    times = [sunday - 7 * DAY, *range(sunday, at + 1, 7 * DAY)]
    for begins, ends in pairwise([*times, None]):
        assert begins is not None
        version = f"build-{datetime.fromtimestamp(begins, UTC):%Y-%m-%d}"
        yield _part(INDEX, "index", environment, version, EMBEDDER, begins, ends)


def _searchers(world: World, environment: str, at: int) -> Iterator[Part]:
    moves: list[tuple[int | None, str]] = [(None, EMBEDDER)]
    moves += [(deed.at, deed.value) for deed in world.stage.done("embedder", environment, at)]
    for (begins, version), following in zip(moves, [*moves[1:], (None, "")], strict=True):
        yield _part(SEARCHER, "embedding_model", environment, version, version, begins, following[0])


def _part(
    component: str,
    kind: Literal["index", "embedding_model"],
    environment: str,
    version: str,
    embedder: str,
    begins: int | None,
    ends: int | None,
) -> Part:
    return Part(
        component=component,
        kind=kind,
        environment=environment,
        version=version,
        embedder=embedder,
        starts_at=begins,
        ends_at=ends,
    )
