"""What was deployed to an environment before: read when a deployment is told, at most once in a fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.providers.github.client import PAGE, Query
from apps.connectors.providers.github.deployments import LOOK_BACK
from apps.connectors.providers.github.fetching import Fetch, path_of
from apps.connectors.values import object_or_empty, optional_text

MOST_PAGES = 10  # of one environment


@dataclass(slots=True)
class _Past:
    """The deployments of one environment, newest first as (id, sha); `following` is None when that is all."""

    following: Query | None
    pages: int = 0
    known: list[tuple[int, str]] = field(default_factory=list)

    def before(self, number: int) -> list[str]:
        return [sha for one, sha in self.known if one < number][:LOOK_BACK]

    def add(self, items: Sequence[Any], following: Query | None) -> None:
        for item in map(object_or_empty, items):
            number = item.get("id")
            if isinstance(number, int):
                self.known.append((number, optional_text(item, "sha")))
        self.following, self.pages = following, self.pages + 1


class Histories:
    """The environments of one repository."""

    def __init__(self, fetch: Fetch, repository: str) -> None:
        self._fetch = fetch
        self._repository = repository
        self._pasts: dict[str, _Past] = {}

    async def before(self, deployment: Mapping[str, Any]) -> list[str] | None:
        """The revisions of up to LOOK_BACK earlier deployments to the same environment, newest first.

        None when the fetch is spent before they are known: the deployment is told by the next one.
        """
        number, environment = deployment.get("id"), optional_text(deployment, "environment")
        if not isinstance(number, int) or not environment:
            return []  # the normalizer rejects it
        first: Query = {"environment": environment, "per_page": PAGE}
        past = self._pasts.setdefault(environment, _Past(following=first))
        while past.following is not None and past.pages < MOST_PAGES and len(past.before(number)) < LOOK_BACK:
            if self._fetch.must_stop:
                return None
            page = await self._fetch.client.page(path_of(self._repository, "deployments"), past.following)
            past.add(page.items, page.following)
        return past.before(number)
