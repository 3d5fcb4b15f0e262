"""Runs that left without a word: Dagster deletes them for good, and no question about changes tells it.

1. A run that was open and came neither as open nor as changed is looked up by its id. One that is not found was
   deleted: the runs of its job are listed now and at the next poll, because gone means missing twice.
2. Every SWEEP_EVERY polls the run ids of all jobs are listed, in pieces if need be.

Ids are asked for by the name of the job alone: where two code locations have a job of one name, each of the two
listings holds the runs of both, which can only keep a run and never lose one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from apps.connectors.providers.dagster.client import ID_PAGE, PAGE
from apps.connectors.providers.dagster.cursor import SWEEP_EVERY, Memory
from apps.connectors.providers.dagster.fetching import SHARE, Fetch, open_among
from apps.connectors.providers.dagster.jobs import job_name
from apps.connectors.records import Kind, Listing
from apps.connectors.values import object_or_empty, optional_text

MOST_SWEPT = 10 * ID_PAGE  # runs of one job


async def look_up_lost(fetch: Fetch, memory: Memory) -> Memory:
    """Ask for the runs that were open and are missing; list the jobs that lost some. Returns what to remember."""
    seen = set[str]().union(*fetch.run_ids.values())
    lost = sorted(set(memory.open_runs) - seen)
    deleted: set[str] = set()
    still_open: dict[str, str] = {}
    if lost and not fetch.http.is_spent(share=SHARE):
        asked, lost = lost[:PAGE], lost[PAGE:]
        items = await fetch.client.runs({"runIds": asked}, limit=len(asked))
        still_open = open_among(await fetch.keep(items))
        found = {optional_text(object_or_empty(item), "runId") for item in items}
        deleted = {memory.open_runs[run_id] for run_id in asked if run_id not in found}
    waiting = {run_id: memory.open_runs[run_id] for run_id in lost}
    unlisted = await _list_suspects(fetch, {*memory.suspects, *deleted})
    return replace(
        memory,
        open_runs={**fetch.open_runs, **still_open, **waiting},
        suspects=tuple(sorted(deleted | unlisted)),
    )


async def _list_suspects(fetch: Fetch, pipeline_ids: Iterable[str]) -> set[str]:
    """List the runs of these pipelines; returns those for which there was no room."""
    unlisted = set()
    for pipeline_id in sorted(pipeline_ids):
        if fetch.http.is_spent(share=SHARE):
            unlisted.add(pipeline_id)
        else:
            await _list_runs(fetch, job_name(pipeline_id), [pipeline_id])
    return unlisted


async def sweep(fetch: Fetch, memory: Memory) -> Memory:
    """List the runs of the next jobs, if a sweep is due or under way; returns what to remember."""
    after = memory.sweep_after
    if after is None:
        if memory.polls % SWEEP_EVERY:
            return memory
        after = ""
    by_name: dict[str, list[str]] = {}
    for pipeline_id in sorted(fetch.pipeline_ids):
        by_name.setdefault(job_name(pipeline_id), []).append(pipeline_id)
    for name in sorted(name for name in by_name if name > after):
        if fetch.http.is_spent(share=SHARE):
            return replace(memory, sweep_after=after)
        await _list_runs(fetch, name, by_name[name])
        after = name
    return replace(memory, sweep_after=None)


async def _list_runs(fetch: Fetch, name: str, pipeline_ids: Iterable[str]) -> None:
    """The listing of the runs of the pipelines of this name, at most one a fetch each; none when there are too many."""
    found = await _all_run_ids(fetch, name)
    listed = {listing.scope for listing in fetch.listings if listing.kind is Kind.RUN}
    if found is None:
        return
    for pipeline_id in pipeline_ids:
        if pipeline_id not in listed:
            identities = frozenset(found | fetch.run_ids.get(pipeline_id, set()))
            fetch.listings.append(Listing(kind=Kind.RUN, external_ids=identities, scope=pipeline_id))


async def _all_run_ids(fetch: Fetch, name: str) -> set[str] | None:
    """Every run id of the jobs of this name, or None when they are too many for a sweep."""
    found: set[str] = set()
    cursor = None
    while len(found) < MOST_SWEPT:
        page = await fetch.client.run_ids({"pipelineName": name}, most=ID_PAGE, after=cursor)
        if not page and cursor and not await fetch.client.run_ids({"runIds": [cursor]}, most=1):
            return None  # the run that marked the place was deleted: after it, the server finds nothing
        found.update(page)
        if len(page) < ID_PAGE:
            return found
        cursor = page[-1]
    return None
