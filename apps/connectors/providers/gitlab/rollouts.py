"""Deployments and releases of one project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.connectors.providers.gitlab.client import PAGE, Query
from apps.connectors.providers.gitlab.cursor import OVERLAP, ProjectMemory
from apps.connectors.providers.gitlab.fetching import (
    Fetch,
    identity,
    proceed,
    read_changes,
    restart,
    take_back,
    time_of,
)
from apps.connectors.providers.gitlab.normalize import Project, read_deployment, read_releases
from apps.connectors.records import DeploymentRecord, Kind
from apps.connectors.values import object_or_empty, optional_text, read_items

LOOK_BACK = 100  # earlier deployments to the same environment that decide whether one is a rollback
MOST_PAGES = 10  # of one environment, and of releases
RELEASES_A_PAGE = 30


async def read_deployment_list(fetch: Fetch, name: str, memory: ProjectMemory) -> None:
    """Deployments that changed since the last pass."""
    project, own = await fetch.project(name, memory), memory.deployments
    path, pasts = f"projects/{project.id}/deployments", dict[str, _Past]()
    is_more = True
    while is_more:
        changes = await read_changes(fetch, path, own)
        for position, item in enumerate(changes.news):
            earlier = await _earlier(fetch, path, object_or_empty(item), pasts)
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


def is_rollback(earlier: list[str], revision: str) -> bool:
    """Whether a revision was already there before another one; `earlier` are the revisions before it, newest first.

    Depends on what was deployed there before and on nothing else: not on how a deployment ended, which changes, nor on
    when we ask.
    """
    others = [position for position, other in enumerate(earlier) if other != revision]
    return bool(others) and revision in earlier[others[0] :]


def _tell(fetch: Fetch, project: Project, item: Any, earlier: list[str]) -> None:
    def read(item: Mapping[str, Any]) -> DeploymentRecord:
        return read_deployment(item, project=project, is_rollback=is_rollback(earlier, optional_text(item, "sha")))

    fetch.add(read_items([item], read, kind=Kind.DEPLOYMENT, id_key="id"))


@dataclass(slots=True)
class _Past:
    """The deployments of one environment, newest first as (id, sha); `following` is None when that is all."""

    following: Query | None
    pages: int = 0
    known: list[tuple[int, str]] = field(default_factory=list)

    def before(self, number: int) -> list[str]:
        return [sha for one, sha in self.known if one < number][:LOOK_BACK]


async def _earlier(fetch: Fetch, path: str, deployment: Mapping[str, Any], pasts: dict[str, _Past]) -> list[str] | None:
    """The revisions deployed to the same environment before this one, newest first; None when there is no room."""
    number = deployment.get("id")
    environment = optional_text(object_or_empty(deployment.get("environment")), "name")
    if not isinstance(number, int) or not environment:
        return []  # the normalizer rejects it
    first: Query = {"environment": environment, "order_by": "id", "sort": "desc", "per_page": PAGE}
    past = pasts.setdefault(environment, _Past(following=first))
    while past.following is not None and past.pages < MOST_PAGES and len(past.before(number)) < LOOK_BACK:
        if fetch.must_stop:
            return None
        page = await fetch.client.page(path, past.following)
        for item in page.items:
            if (one := identity(item)).isdecimal():
                past.known.append((int(one), optional_text(item, "sha")))
        past.following, past.pages = page.following, past.pages + 1
    return past.before(number)


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
