"""What lies below Clause Finder: its index, rebuilt every Sunday, and the embedder with which it is searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
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
    """One version of a part that came into one environment at a time."""

    component: str
    kind: Literal["index", "embedding_model"]
    environment: str
    version: str
    embedder: str
    since: int
    by: str
    note: str


def parts(world: World, at: int) -> Iterator[Part]:
    """Everything that came into any environment up to a time, of each environment the oldest first."""
    for environment in ENVIRONMENTS:
        yield from _builds(world, environment, at)
        yield _searcher(environment, EMBEDDER, world.starts_at, "mei.lin", "")
        for deed in world.stage.done("embedder", environment, at):
            note = "The one the index was built with" if deed.value == EMBEDDER else "Cheaper, same dimensions"
            yield _searcher(environment, deed.value, deed.at, deed.by, note)


def _builds(world: World, environment: str, at: int) -> Iterator[Part]:
    for since in range(world.starts_at + 6 * DAY + BUILT_AT[environment], at + 1, 7 * DAY):
        yield Part(
            component=INDEX,
            kind="index",
            environment=environment,
            version=f"build-{datetime.fromtimestamp(since, UTC):%Y-%m-%d}",
            embedder=EMBEDDER,
            since=since,
            by="embeddings_sync",
            note="Rebuilt from every contract",
        )


def _searcher(environment: str, embedder: str, since: int, by: str, note: str) -> Part:
    return Part(
        component=SEARCHER,
        kind="embedding_model",
        environment=environment,
        version=embedder,
        embedder=embedder,
        since=since,
        by=by,
        note=note,
    )
