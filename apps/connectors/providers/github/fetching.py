"""One fetch from GitHub on its way: round after round over the parts of every repository.

A part that a fetch cannot finish goes on in the next one, after the others had their turn. A repository that cannot be
read is told as rejected and does not stop its neighbours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.github.client import GithubClient
from apps.connectors.providers.github.cursor import OVERLAP, Memory, RepositoryMemory
from apps.connectors.records import Kind, Listing, Record, Rejected
from apps.connectors.values import UnreadableError, object_or_empty, optional_iso

SHARE = 0.7  # of the fetch's time and questions; the rest is for the part under way
PAUSE = 60.0  # seconds, when a rate limit does not say how long
_OF_ONE_PART = {ErrorClass.AUTH, ErrorClass.NOT_FOUND, ErrorClass.REJECTED}  # its neighbours may still answer


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far."""

    http: Http
    client: GithubClient
    web: str
    backfill: timedelta
    with_jobs: bool
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    pause: float | None = None

    @property
    def now(self) -> datetime:
        """The server's clock; ours only until its first answer."""
        return self.http.server_time or datetime.now(UTC)

    @property
    def must_stop(self) -> bool:
        """Whether the rest waits for another fetch, or for a fresh budget."""
        return self.client.is_short or self.http.is_spent(share=SHARE)

    def add(self, read: tuple[Sequence[Record], Sequence[Rejected]]) -> None:
        """Keep what a normalizer made."""
        self.records += read[0]
        self.rejected += read[1]


Reader = Callable[[Fetch, str, RepositoryMemory], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One kind of list of a repository. `give_up` forgets what was begun when it cannot be read at all."""

    kind: Kind
    read: Reader
    give_up: Callable[[RepositoryMemory], None]


async def read_round(fetch: Fetch, memory: Memory, parts: Sequence[tuple[str, Part]]) -> None:
    """Read on from where the last fetch stopped, until the round is through or the fetch is spent."""
    memory.position %= max(len(parts), 1)
    began_at_the_top, is_answered = memory.position == 0, False
    failure: SourceError | None = None
    memory.is_listed = memory.is_listed or began_at_the_top
    for repository, part in parts[memory.position :]:
        if fetch.must_stop:
            break
        try:
            await part.read(fetch, repository, memory.of(repository))
            is_answered = True
        except SourceError as error:
            if error.error_class is ErrorClass.RATE_LIMIT and is_answered:
                fetch.pause = error.retry_after or PAUSE
                break
            if error.error_class not in _OF_ONE_PART:
                raise
            failure = failure or error
            _refuse(fetch, memory, repository, part, error)
        memory.position += 1
    if failure is not None and began_at_the_top and not is_answered:
        raise failure
    if memory.position == len(parts):
        _close(fetch, memory, {repository for repository, _ in parts})


def _refuse(fetch: Fetch, memory: Memory, repository: str, part: Part, error: SourceError) -> None:
    part.give_up(memory.of(repository))
    memory.is_listed = memory.is_listed and part.kind is not Kind.PIPELINE
    fetch.rejected.append(Rejected(kind=part.kind, external_id=repository, reason=f"{repository}: {error.message}"))


def _close(fetch: Fetch, memory: Memory, repositories: set[str]) -> None:
    """End the round: repositories that are no longer configured are forgotten, absent workflows are gone."""
    memory.position = 0
    memory.repositories = {name: item for name, item in memory.repositories.items() if name in repositories}
    workflows = [workflow for item in memory.repositories.values() for workflow in item.workflows]
    if memory.is_listed and workflows:
        fetch.listings.append(Listing(kind=Kind.PIPELINE, external_ids=frozenset(workflows)))
    memory.is_listed = True


def changed_at(item: Any, *keys: str) -> datetime | None:
    """The latest of these times of an item; None when it cannot be read, and then the normalizer must see it."""
    try:
        times = [optional_iso(object_or_empty(item).get(key)) for key in keys]
    except UnreadableError:
        return None
    return max((at for at in times if at is not None), default=None)


def is_since(at: datetime | None, told: datetime | None) -> bool:
    """Whether news of this time may not have been told yet."""
    return told is None or at is None or at >= told - OVERLAP


def identity(item: Any) -> str:
    """The id of an item as text, "" without one."""
    value = object_or_empty(item).get("id")
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def path_of(repository: str, *rest: str) -> str:
    """The API's path of something in a repository."""
    return "/".join(("repos", repository, *rest))
