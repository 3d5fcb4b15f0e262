"""One fetch from GitLab on its way: what it has brought so far, and how a list of changes is walked.

GitLab can give what changed since a time, oldest change first. Pages by number would skip an item whenever one that was
read changes and moves to the end; so every page begins at the last change of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.gitlab.client import PAGE, GitlabClient, Page
from apps.connectors.providers.gitlab.cursor import OVERLAP, PROJECT_FOR, ListMemory, ProjectMemory
from apps.connectors.providers.gitlab.normalize import Project, pipeline_of, read_project
from apps.connectors.records import Listing, Record, Rejected
from apps.connectors.values import EARLIEST, UnreadableError, object_or_empty, optional_iso, optional_text, schema_error

SHARE = 0.7  # of the fetch's time and questions; the rest is for the part under way
_STEP = timedelta(milliseconds=1)  # GitLab's times have three digits
_REFUSED = {ErrorClass.AUTH, ErrorClass.NOT_FOUND}


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far."""

    http: Http
    client: GitlabClient
    backfill: timedelta
    group_by: str
    with_runs: bool
    with_jobs: bool
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)

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

    async def project(self, name: str, memory: ProjectMemory) -> Project:
        """The project called `name` (a path or an id), read anew every hour with its schedules."""
        is_fresh = memory.read_at is not None and timedelta() <= self.now - memory.read_at < PROJECT_FOR
        if memory.project is None or not is_fresh:
            memory.project = await self._read_project(name)
            memory.read_at = self.now
            self._tell_pipelines(memory.project)
        return replace(memory.project, group_by=self.group_by)

    async def _read_project(self, name: str) -> Project:
        item = await self.client.item(f"projects/{quote(name, safe='')}")
        schedules = await self._schedules(identity(item)) if self.with_runs else []
        try:
            return read_project(item, schedules, group_by=self.group_by)
        except UnreadableError:
            raise schema_error(f"The project {name}") from None

    async def _schedules(self, project_id: str) -> list[Any]:
        """The schedules of a project, if we may see them: they only add to what stands on a pipeline."""
        try:
            return (await self.client.page(f"projects/{project_id}/pipeline_schedules", {"per_page": PAGE})).items
        except SourceError as error:
            if error.error_class not in _REFUSED:
                raise
            return []

    def _tell_pipelines(self, project: Project) -> None:
        """The pipeline of the project, or the one that its schedules run; others are told with their runs."""
        if self.with_runs and self.group_by == "project":
            self.records.append(pipeline_of(project, ""))
        elif self.with_runs and (project.schedule or project.is_paused):
            self.records.append(pipeline_of(project, "schedule"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """One page of what changed: `news` was not told yet."""

    news: list[Any]
    page: Page


async def read_changes(fetch: Fetch, path: str, memory: ListMemory) -> Changes:
    """The page to go on with; it is asked for again until `proceed` is called."""
    is_new = memory.began is None
    if memory.began is None or memory.after is None:
        memory.began, memory.page = fetch.now, 1
        memory.after = memory.since - OVERLAP if memory.since else fetch.now - fetch.backfill
    page = await fetch.client.page(path, _query(memory.after, memory.page))
    if is_new:
        memory.began = fetch.now
    return Changes(news=[item for item in page.items if _is_news(item, memory)], page=page)


def proceed(memory: ListMemory, changes: Changes) -> bool:
    """Move on to the next page; False when this was the last and the pass is through."""
    if changes.page.following is not None and memory.after is not None:
        _advance(memory, memory.after, changes.page.items)
        return True
    memory.since, memory.began, memory.after, memory.page = memory.began, None, None, 1
    _forget(memory)
    return False


def take_back(memory: ListMemory, items: Sequence[Any]) -> None:
    """These were not told after all."""
    for item in items:
        memory.told.pop(identity(item), None)


def restart(memory: ListMemory) -> None:
    """Begin the pass again with the next poll."""
    memory.began, memory.after, memory.page = None, None, 1


def _query(after: datetime, page: int) -> dict[str, str | int]:
    stamp = after.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"updated_after": stamp, "order_by": "updated_at", "sort": "asc", "per_page": PAGE, "page": page}


def _advance(memory: ListMemory, after: datetime, items: Sequence[Any]) -> None:
    """Go on just before the last change; when a whole page changed at one time, with the next page of it."""
    last = time_of(items[-1], "updated_at") if items else None
    if last is not None and last - _STEP > after:
        memory.after, memory.page = last - _STEP, 1
    else:
        memory.page += 1


def _is_news(item: Any, memory: ListMemory) -> bool:
    """Note the change of an item; True unless the very same one was told. What cannot be read is always news."""
    change, number = optional_text(object_or_empty(item), "updated_at"), identity(item)
    if not change or not number:
        return True
    is_news = memory.told.get(number) != change
    memory.told[number] = change
    return is_news


def _forget(memory: ListMemory) -> None:
    """Keep only what the overlap of the next pass brings again."""
    oldest = (memory.since or EARLIEST) - OVERLAP
    kept = {key: change for key, change in memory.told.items() if (_read(change) or oldest) >= oldest}
    memory.told = dict(sorted(kept.items(), key=lambda pair: pair[1]))


def time_of(item: Any, key: str) -> datetime | None:
    """A time of an item, None when there is none or it cannot be read."""
    return _read(object_or_empty(item).get(key))


def _read(value: Any) -> datetime | None:
    try:
        return optional_iso(value)
    except UnreadableError:
        return None


def identity(item: Any) -> str:
    """The id of an item as text, "" without one."""
    value = object_or_empty(item).get("id")
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
