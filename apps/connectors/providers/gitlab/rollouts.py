"""Deployments and releases of one project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.connectors.providers.gitlab.client import PAGE, Query
from apps.connectors.providers.gitlab.cursor import OVERLAP, ProjectMemory
from apps.connectors.providers.gitlab.fetching import (
    Fetch,
    proceed,
    read_changes,
    restart,
    take_back,
    time_of,
)
from apps.connectors.providers.gitlab.normalize import Project, read_deployment, read_releases
from apps.connectors.records import DeploymentRecord, Kind
from apps.connectors.rollbacks import Histories, is_rollback
from apps.connectors.values import object_or_empty, optional_text, read_items

RELEASES_A_PAGE, MOST_PAGES = 25, 10


async def read_deployment_list(fetch: Fetch, name: str, memory: ProjectMemory) -> None:
    """Deployments that changed since the last pass."""
    project, own = await fetch.project(name, memory), memory.deployments
    path = f"projects/{project.id}/deployments"
    histories = Histories(ask=lambda query: fetch.client.page(path, query), must_stop=lambda: fetch.must_stop)
    is_more = True
    while is_more:
        changes = await read_changes(fetch, path, own)
        for position, item in enumerate(changes.news):
            earlier = await _earlier(histories, object_or_empty(item))
            if earlier is None:
                take_back(own, changes.news[position:])
                return
            _tell(fetch, project, item, earlier)
        is_more = proceed(own, changes)
        if is_more and fetch.must_stop:
            return


def give_up_deployments(memory: ProjectMemory) -> None:
    """Begin again with the next poll."""
    restart(memory.deployments)


async def _earlier(histories: Histories, item: Mapping[str, Any]) -> list[str] | None:
    environment = optional_text(object_or_empty(item.get("environment")), "name")
    query: Query = {"environment": environment, "order_by": "id", "sort": "desc", "per_page": PAGE}
    return await histories.before(item.get("id"), environment, query=query)


def _tell(fetch: Fetch, project: Project, item: Any, earlier: list[str]) -> None:
    def read(item: Mapping[str, Any]) -> DeploymentRecord:
        return read_deployment(item, project=project, is_rollback=is_rollback(earlier, optional_text(item, "sha")))

    fetch.add(read_items([item], read, kind=Kind.DEPLOYMENT, id_key="id"))


async def read_release_list(fetch: Fetch, name: str, memory: ProjectMemory) -> None:
    """Releases that came out since the last poll; an upcoming one becomes news when its time has come."""
    project, began = await fetch.project(name, memory), None
    told = memory.released_since - OVERLAP if memory.released_since else fetch.now - fetch.backfill
    query: Query | None = {"order_by": "released_at", "sort": "desc", "per_page": RELEASES_A_PAGE}
    for _ in range(MOST_PAGES):
        if query is None or (began is not None and fetch.must_stop):
            break
        page = await fetch.client.page(f"projects/{project.id}/releases", query)
        now = began = began or fetch.now
        recent = [item for item in page.items if _is_since(item, told)]
        fetch.add(read_releases([item for item in recent if _is_out(item, now)], project=project))
        query = page.following if recent else None
    memory.released_since = began


def give_up_releases(memory: ProjectMemory) -> None:
    """A list of releases is read in one go: there is nothing to forget."""


def _is_since(item: Any, told: datetime) -> bool:
    """Also one that was made now and dated back; what cannot be read, the normalizer must see."""
    times = [time_of(item, key) for key in ("released_at", "created_at")]
    return times[0] is None or any(at is not None and at >= told for at in times)


def _is_out(item: Any, now: datetime) -> bool:
    at = time_of(item, "released_at")
    return at is None or at <= now
