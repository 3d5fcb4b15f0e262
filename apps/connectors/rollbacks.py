"""Whether a deployment is a rollback, told from what was deployed to the same environment before it.

The answer depends on what the source has and on nothing else: not on how a deployment ended, which changes, and not on
when we ask. So it is the same in every poll.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.connectors.values import object_or_empty, optional_text

LOOK_BACK = 100  # earlier deployments to the same environment that are looked at
MOST_PAGES = 10  # of one environment in one fetch

Query = Mapping[str, str | int]


class Page(Protocol):
    """One page of deployments; `following` asks for the next one."""

    @property
    def items(self) -> list[Any]: ...

    @property
    def following(self) -> Query | None: ...


def is_rollback(earlier: Sequence[str], revision: str) -> bool:
    """Whether a revision was already there before another one; `earlier` are the revisions before it, newest first."""
    others = [position for position, other in enumerate(earlier) if other != revision]
    return bool(others) and revision in earlier[others[0] :]


@dataclass(slots=True)
class _Past:
    """The deployments of one environment, newest first as (id, sha); `following` is None when that is all."""

    following: Query | None
    pages: int = 0
    known: list[tuple[int, str]] = field(default_factory=list)

    def before(self, number: int) -> list[str]:
        return [sha for one, sha in self.known if one < number][:LOOK_BACK]

    def add(self, page: Page) -> None:
        for item in map(object_or_empty, page.items):
            number = item.get("id")
            if isinstance(number, int):
                self.known.append((number, optional_text(item, "sha")))
        self.following, self.pages = page.following, self.pages + 1


class Histories:
    """The environments of one repository or project, each read at most once in a fetch.

    `ask` gives a page of deployments, newest first, as items with an `id` that grows and a `sha`.
    """

    def __init__(self, *, ask: Callable[[Query], Awaitable[Page]], must_stop: Callable[[], bool]) -> None:
        self._ask = ask
        self._must_stop = must_stop
        self._pasts: dict[str, _Past] = {}

    async def before(self, number: Any, environment: str, *, query: Query) -> list[str] | None:
        """The revisions deployed to the environment before the deployment `number`, newest first.

        None when the fetch is spent before they are known: then it must be told by the next one. `query` asks for the
        first page of the environment.
        """
        if not isinstance(number, int) or not environment:
            return []  # the normalizer rejects it
        past = self._pasts.setdefault(environment, _Past(following=query))
        while past.following is not None and past.pages < MOST_PAGES and len(past.before(number)) < LOOK_BACK:
            if self._must_stop():
                return None
            past.add(await self._ask(past.following))
        return past.before(number)
