"""Deployments with their statuses, and releases, of one repository: both lists come newest first and unfiltered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.github.client import PAGE, Query, forget
from apps.connectors.providers.github.cursor import LOOK_BACK, MOST_OPEN, OVERLAP, ListMemory, RepositoryMemory
from apps.connectors.providers.github.deployments import OPEN, read_deployment
from apps.connectors.providers.github.fetching import Fetch, changed_at, identity, is_since, path_of
from apps.connectors.providers.github.normalize import read_releases
from apps.connectors.records import DeploymentRecord, Kind
from apps.connectors.rollbacks import Histories, is_rollback
from apps.connectors.values import object_or_empty, optional_text, read_items

FOLLOWED_FOR = timedelta(days=7)  # a deployment that is open for longer is left alone
RELEASES_A_PAGE, MOST_PAGES = 25, 10


async def read_deployment_list(fetch: Fetch, repository: str, memory: RepositoryMemory) -> None:
    """Deployments that are new or changed, page by page and resumable, then the open ones that no page has shown."""
    own, reading = memory.deployments, _Reading(fetch, repository)
    is_new = own.began is None
    own.began = own.began or fetch.now
    query: Query | None = own.page or {"per_page": PAGE}
    etags = memory.etags if is_new and own.since else None
    while query is not None:
        page = await fetch.client.page(path_of(repository, "deployments"), query, etags=etags)
        if is_new:
            own.began, is_new = fetch.now, False
        for item in page.items:
            if not await reading.keep(item, own):
                own.page = {name: str(value) for name, value in query.items()}
                forget(memory.etags, path_of(repository, "deployments"))
                return
        query, etags = (page.following if _is_before_end(page.items, _floor(fetch, own)) else None), None
    own.since, own.began, own.below, own.page = own.began, None, None, {}
    await reading.follow(own)


def give_up_deployments(memory: RepositoryMemory) -> None:
    """Begin again with the next poll."""
    own = memory.deployments
    own.began, own.below, own.page = None, None, {}


def _floor(fetch: Fetch, own: ListMemory) -> datetime:
    """Nothing created before this is looked for; what stands on a page that is read anyway is seen."""
    return own.since - LOOK_BACK if own.since else (own.began or fetch.now) - fetch.backfill


def _is_before_end(items: list[Any], floor: datetime) -> bool:
    return bool(items) and is_since(changed_at(items[-1], "created_at"), floor)


class _Reading:
    """The deployments of one repository in this fetch."""

    def __init__(self, fetch: Fetch, repository: str) -> None:
        self._fetch = fetch
        self._repository = repository
        self._seen: set[str] = set()
        self._histories = Histories(
            ask=lambda query: fetch.client.page(path_of(repository, "deployments"), query),
            must_stop=lambda: fetch.must_stop,
        )

    async def keep(self, item: Any, own: ListMemory) -> bool:
        """Tell the deployment if it is news; False when there is no room left for that in this fetch."""
        number = object_or_empty(item).get("id")
        position = number if isinstance(number, int) else None
        self._seen.add(identity(item))
        if own.below is not None and position is not None and position >= own.below:
            return True
        if not self._is_news(item, own):
            return True
        if self._fetch.must_stop or not await self._tell(item, own):
            return False
        own.below = position or own.below
        return True

    async def follow(self, own: ListMemory) -> None:
        """Look up the open deployments that no page has shown."""
        for deployment_id in [one for one in own.open if one not in self._seen]:
            if self._fetch.must_stop:
                return
            try:
                item = await self._fetch.client.item(path_of(self._repository, "deployments", deployment_id))
            except SourceError as error:
                if error.error_class is not ErrorClass.NOT_FOUND:
                    raise
                own.open.remove(deployment_id)
                continue
            await self._tell(item, own)

    def _is_news(self, item: Any, own: ListMemory) -> bool:
        if own.since is None:
            return is_since(changed_at(item, "created_at"), _floor(self._fetch, own))
        return identity(item) in own.open or is_since(changed_at(item, "created_at", "updated_at"), own.since)

    async def _tell(self, item: Any, own: ListMemory) -> bool:
        environment = optional_text(object_or_empty(item), "environment")
        query: Query = {"environment": environment, "per_page": PAGE}
        earlier = await self._histories.before(object_or_empty(item).get("id"), environment, query=query)
        if earlier is None:
            return False
        statuses = await self._statuses(identity(item))

        def read(item: Mapping[str, Any]) -> DeploymentRecord:
            return read_deployment(
                item,
                statuses,
                repository=self._repository,
                web=self._fetch.web,
                is_rollback=is_rollback(earlier, optional_text(item, "sha")),
            )

        records, rejected = read_items([item], read, kind=Kind.DEPLOYMENT, id_key="id")
        self._fetch.add((records, rejected))
        for record in records:
            self._watch(record, own)
        return True

    def _watch(self, record: DeploymentRecord, own: ListMemory) -> None:
        if record.external_id in own.open:
            own.open.remove(record.external_id)
        if record.state in OPEN and record.started_at > self._fetch.now - FOLLOWED_FOR:
            own.open.append(record.external_id)
            del own.open[:-MOST_OPEN]

    async def _statuses(self, deployment_id: str) -> list[Any]:
        if not deployment_id:
            return []  # the normalizer rejects it
        path = path_of(self._repository, "deployments", deployment_id, "statuses")
        return (await self._fetch.client.page(path, {"per_page": PAGE})).items


async def read_release_list(fetch: Fetch, repository: str, memory: RepositoryMemory) -> None:
    """Releases published since the last poll; a draft becomes news when it is published."""
    own, began = memory.releases, None
    told = own.since or fetch.now - fetch.backfill + OVERLAP
    query: Query | None = {"per_page": RELEASES_A_PAGE}
    etags = memory.etags if own.since else None
    for _ in range(MOST_PAGES):
        if query is None or (began is not None and fetch.must_stop):
            break
        page = await fetch.client.page(path_of(repository, "releases"), query, etags=etags)
        began = began or fetch.now
        published = [item for item in page.items if object_or_empty(item).get("draft") is not True]
        news = [item for item in published if is_since(changed_at(item, "published_at"), told)]
        fetch.add(read_releases(news, repository=repository, web=fetch.web))
        query, etags = (page.following if news else None), None
    own.since = began


def give_up_releases(memory: RepositoryMemory) -> None:
    """A list of releases is read in one go: there is nothing to forget."""
