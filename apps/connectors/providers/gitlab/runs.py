"""The pipelines of one project as runs, each read in full with its jobs, and the sweep that notices deleted ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.gitlab.client import PAGE, Query
from apps.connectors.providers.gitlab.cursor import MOST_OPEN, SWEEP_EVERY, ProjectMemory, RunsMemory
from apps.connectors.providers.gitlab.fetching import Fetch, identity, proceed, read_changes, restart
from apps.connectors.providers.gitlab.normalize import OPEN, Project, pipeline_of, read_jobs, read_run
from apps.connectors.records import Kind, Listing, Rejected, RunRecord, TaskRunRecord
from apps.connectors.values import object_or_empty, read_items

MOST_PAGES = 10  # of one run's jobs, and of one project's runs in a sweep
_WAITING = {"manual", "scheduled"}  # nothing happens there that would not show as a change


async def read_run_list(fetch: Fetch, name: str, memory: ProjectMemory) -> None:
    """The runs owed from before, those that changed, and the open ones: their jobs change without them."""
    project, runs = await fetch.project(name, memory), memory.runs
    seen: set[str] = set()
    if not await _read_owed(fetch, project, runs, seen):
        return
    is_more = True
    while is_more:
        found = await read_changes(fetch, f"projects/{project.id}/pipelines", runs.changes)
        _owe(fetch, runs, found.news)
        is_more = proceed(runs.changes, found)
        if not await _read_owed(fetch, project, runs, seen) or (is_more and fetch.must_stop):
            return
    runs.owed = [run_id for run_id in runs.open if run_id not in seen]
    if await _read_owed(fetch, project, runs, seen):
        await _sweep(fetch, project, runs)


def give_up_runs(memory: ProjectMemory) -> None:
    """Begin again with the next poll."""
    restart(memory.runs.changes)
    memory.runs.owed = []


def _owe(fetch: Fetch, runs: RunsMemory, items: list[Any]) -> None:
    """The list has neither times nor users, so every run is read by its id; one without an id cannot be."""
    runs.owed += [run_id for run_id in map(identity, items) if run_id and run_id not in runs.owed]
    for item in items:
        if not identity(item):
            raw = object_or_empty(item)
            fetch.rejected.append(Rejected(kind=Kind.RUN, external_id="", reason="id is missing", raw=raw))


async def _read_owed(fetch: Fetch, project: Project, runs: RunsMemory, seen: set[str]) -> bool:
    """The runs that wait to be read in full; False when the fetch is spent before."""
    while runs.owed:
        if fetch.must_stop:
            return False
        await _read_one(fetch, project, runs, runs.owed[0])
        seen.add(runs.owed.pop(0))
    return True


async def _read_one(fetch: Fetch, project: Project, runs: RunsMemory, run_id: str) -> None:
    path = f"projects/{project.id}/pipelines/{run_id}"
    if run_id in runs.open:
        runs.open.remove(run_id)
    try:
        item = await fetch.client.item(path)
        jobs = await _read_jobs(fetch, path, run_id) if fetch.with_jobs else []
    except SourceError as error:
        if error.error_class is not ErrorClass.NOT_FOUND:
            raise
        runs.sweeps = 2  # it was deleted, and gone means missing twice
        return

    def read(item: Mapping[str, Any]) -> RunRecord:
        return read_run(item, jobs, project=project)

    records, rejected = read_items([item], read, kind=Kind.RUN, id_key="id")
    fetch.add((records, rejected))
    fetch.records += jobs
    for record in records:
        fetch.records.append(pipeline_of(project, project.group(item)))
        if record.state in OPEN and record.raw_state not in _WAITING:
            runs.open.append(run_id)
            del runs.open[:-MOST_OPEN]


async def _read_jobs(fetch: Fetch, path: str, run_id: str) -> list[TaskRunRecord]:
    items, is_complete = await fetch.client.everything(
        f"{path}/jobs", {"include_retried": "true", "per_page": PAGE}, most_pages=MOST_PAGES
    )
    jobs, rejected = read_jobs(items, run_id=run_id)
    fetch.rejected += rejected
    if not is_complete:
        reason = f"Pipeline {run_id} has more than {MOST_PAGES * PAGE} jobs; the rest is not read."
        fetch.rejected.append(Rejected(kind=Kind.TASK_RUN, external_id=run_id, reason=reason))
    return jobs


async def _sweep(fetch: Fetch, project: Project, runs: RunsMemory) -> None:
    """Every few hours, and after a run was lost, list all runs of the project if there are not too many."""
    runs.swept_at = runs.swept_at or fetch.now
    if fetch.must_stop or not (runs.sweeps or fetch.now - runs.swept_at >= SWEEP_EVERY):
        return
    runs.swept_at, runs.sweeps = fetch.now, max(runs.sweeps - 1, 0)
    path = f"projects/{project.id}/pipelines"
    query: Query = {"order_by": "id", "sort": "desc", "per_page": PAGE}
    items, is_complete = await fetch.client.everything(path, query, most_pages=MOST_PAGES)
    groups: dict[str, set[str]] = {}
    for item in map(object_or_empty, items):
        groups.setdefault(project.identity(project.group(item)), set()).add(identity(item))
    for scope, run_ids in sorted(groups.items()):
        if is_complete and "" not in run_ids:
            fetch.listings.append(Listing(kind=Kind.RUN, external_ids=frozenset(run_ids), scope=scope))
