"""Workflows, their runs and the jobs of these, of one repository.

GitHub filters runs by when they were created, not by when they changed. So every poll lists those of the last hours
again, follows the open ones by their id, and every few hours a sweep lists as far back as a run can be run again.
What did not change since it was told is left out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.github.client import PAGE, Page
from apps.connectors.providers.github.cursor import (
    LOOK_BACK,
    MOST_OPEN,
    MOST_OWED,
    OVERLAP,
    SWEEP_DAYS,
    SWEEP_EVERY,
    RepositoryMemory,
    RunsMemory,
    Span,
)
from apps.connectors.providers.github.fetching import Fetch, changed_at, identity, is_since, path_of
from apps.connectors.providers.github.normalize import OPEN, read_jobs, read_runs, read_workflows
from apps.connectors.records import Kind, Listing, Rejected, RunState
from apps.connectors.values import from_iso

MOST_FOUND = 1000  # a filtered list gives no more; a span with more is halved
SHORTEST = timedelta(seconds=2)
MOST_PAGES = 10  # of workflows, of one run's jobs, and of one workflow's runs


async def read_workflow_list(fetch: Fetch, repository: str, memory: RepositoryMemory) -> None:
    """Every workflow; one that GitHub calls deleted is left out, so that it is gone here too."""
    path = path_of(repository, "actions", "workflows")
    page = await fetch.client.page(path, {"per_page": PAGE}, key="workflows", etags=memory.etags)
    if page.is_unchanged:
        return
    items, is_complete = page.items, page.following is None
    if page.following is not None:
        more, is_complete = await fetch.client.everything(path, page.following, key="workflows", most_pages=MOST_PAGES)
        items += more
    items = [item for item in items if not (isinstance(item, dict) and item.get("state") == "deleted")]
    fetch.add(read_workflows(items, repository=repository, web=fetch.web))
    identities = [identity(item) for item in items]
    memory.workflows = (
        identities if is_complete and all(identities) else sorted({*memory.workflows, *identities} - {""})
    )


def give_up_workflows(memory: RepositoryMemory) -> None:
    """What is not known cannot be called gone."""
    memory.workflows = []


async def read_run_list(fetch: Fetch, repository: str, memory: RepositoryMemory) -> None:
    """The jobs still owed, the runs of the span under way or a new one, and then what became of the open ones."""
    runs, unchanged_since = memory.runs, None
    seen: set[str] = set()
    if not await _read_owed(fetch, repository, runs):
        return
    span: Span | None = runs.span or _next_span(runs, now=fetch.now, backfill=fetch.backfill)
    while span is not None:
        page, rest = await _read_page(fetch, repository, memory, span)
        seen |= {identity(item) for item in page.items}
        unchanged_since = span.floor if page.is_unchanged else None
        runs.span = span = rest
        if not await _read_owed(fetch, repository, runs) or (span is not None and fetch.must_stop):
            return
    await _follow(fetch, repository, runs, seen=seen, unchanged_since=unchanged_since)
    await _list_suspects(fetch, repository, runs)


def give_up_runs(memory: RepositoryMemory) -> None:
    """Begin again with the next poll."""
    memory.runs.span, memory.runs.owed = None, []


def _next_span(runs: RunsMemory, *, now: datetime, backfill: timedelta) -> Span:
    """From the full hour, so that the question, and with it the ETag, stays the same for a while."""
    floor = (runs.since - LOOK_BACK) if runs.since else now - backfill
    swept = runs.swept_at if runs.swept_at is not None and now - runs.swept_at >= SWEEP_EVERY else None
    if swept is not None:
        floor = min(floor, now - SWEEP_DAYS)
    floor = floor.replace(minute=0, second=0, microsecond=0)
    return Span(floor=floor, after=floor, began=now, told=runs.since, swept=swept)


async def _read_page(fetch: Fetch, repository: str, memory: RepositoryMemory, span: Span) -> tuple[Page, Span | None]:
    """The next page of the span, and what is left of the span."""
    is_top = span.before is None and not span.page
    page = await fetch.client.page(
        path_of(repository, "actions", "runs"),
        span.page or {"created": _created(span), "exclude_pull_requests": "true", "per_page": PAGE},
        key="workflow_runs",
        etags=memory.etags if is_top and memory.runs.since else None,
    )
    if is_top:
        span = replace(span, began=fetch.now)
    if not span.page and page.total > MOST_FOUND and span.length >= SHORTEST:
        return page, replace(span, after=(span.after + span.length / 2).replace(microsecond=0))
    news = [item for item in page.items if identity(item) in memory.runs.open or _is_news(item, span)]
    _keep(fetch, repository, memory.runs, news)
    if page.following is not None:
        return page, replace(span, page={name: str(value) for name, value in page.following.items()})
    if span.after > span.floor:
        return page, replace(span, before=span.after, after=span.floor, page={})
    _finish(memory.runs, span)
    return page, None


def _finish(runs: RunsMemory, span: Span) -> None:
    runs.since = span.began
    runs.swept_at = span.began if span.swept is not None or runs.swept_at is None else runs.swept_at


def _created(span: Span) -> str:
    after = _stamp(span.after)
    return f">={after}" if span.before is None else f"{after}..{_stamp(span.before)}"


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_news(item: Any, span: Span) -> bool:
    """Whether no poll can have told it: of what a sweep finds, only what was too old for the lists of the polls."""
    changed, created = changed_at(item, "updated_at"), changed_at(item, "created_at")
    if is_since(changed, span.told):
        return True
    if span.swept is None or not is_since(changed, span.swept):
        return False
    return changed is None or created is None or changed - created > LOOK_BACK - OVERLAP


def _keep(fetch: Fetch, repository: str, runs: RunsMemory, items: list[Any]) -> None:
    """These runs as records; their jobs are owed, and those that are not over are followed."""
    records, rejected = read_runs(items, repository=repository, web=fetch.web)
    fetch.add((records, rejected))
    for record in records:
        run_id = record.external_id
        if record.state in OPEN:
            created_at = changed_at(record.raw, "created_at") or record.updated_at
            runs.open[run_id] = [record.pipeline_external_id, created_at.isoformat()]
        else:
            runs.open.pop(run_id, None)
        if record.state is not RunState.QUEUED:
            _owe(fetch, runs, run_id)
    for run_id in sorted(runs.open, key=lambda run_id: runs.open[run_id][1])[:-MOST_OPEN]:
        del runs.open[run_id]


def _owe(fetch: Fetch, runs: RunsMemory, run_id: str) -> None:
    if fetch.with_jobs and run_id not in runs.owed and len(runs.owed) < MOST_OWED:
        runs.owed.append(run_id)


async def _read_owed(fetch: Fetch, repository: str, runs: RunsMemory) -> bool:
    """The jobs of the runs that wait for it; False when the fetch is spent before."""
    while runs.owed:
        if fetch.must_stop:
            return False
        await _read_jobs(fetch, repository, runs.owed[0])
        runs.owed.pop(0)
    return True


async def _read_jobs(fetch: Fetch, repository: str, run_id: str) -> None:
    path = path_of(repository, "actions", "runs", run_id, "jobs")
    try:
        items, is_complete = await fetch.client.everything(
            path, {"filter": "all", "per_page": PAGE}, key="jobs", most_pages=MOST_PAGES
        )
    except SourceError as error:
        if error.error_class is not ErrorClass.NOT_FOUND:
            raise
        return  # the run was deleted meanwhile
    fetch.add(read_jobs(items, run_id=run_id))
    if not is_complete:
        reason = f"Run {run_id} has more than {MOST_PAGES * PAGE} jobs; the rest is not read."
        fetch.rejected.append(Rejected(kind=Kind.TASK_RUN, external_id=run_id, reason=reason))


async def _follow(
    fetch: Fetch, repository: str, runs: RunsMemory, *, seen: set[str], unchanged_since: datetime | None
) -> None:
    """Look up the open runs that no list has shown: too old for it, or deleted."""
    for run_id, (workflow_id, created_at) in list(runs.open.items()):
        if run_id in seen:
            continue
        if fetch.must_stop:
            return
        if unchanged_since is not None and from_iso(created_at) >= unchanged_since:
            await _read_jobs(fetch, repository, run_id) if fetch.with_jobs else None
            continue
        try:
            item = await fetch.client.item(path_of(repository, "actions", "runs", run_id))
        except SourceError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            del runs.open[run_id]
            runs.suspects[workflow_id] = 2
            continue
        _keep(fetch, repository, runs, [item])
    await _read_owed(fetch, repository, runs)


async def _list_suspects(fetch: Fetch, repository: str, runs: RunsMemory) -> None:
    """List all runs of the workflows that lost one, if there are not too many, in this poll and the next."""
    for workflow_id in list(runs.suspects):
        if fetch.must_stop:
            return
        runs.suspects[workflow_id] -= 1
        if not runs.suspects[workflow_id]:
            del runs.suspects[workflow_id]
        path = path_of(repository, "actions", "workflows", workflow_id, "runs")
        try:
            items, is_complete = await fetch.client.everything(
                path, {"per_page": PAGE}, key="workflow_runs", most_pages=MOST_PAGES
            )
        except SourceError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            continue  # the workflow is gone with its runs
        identities = frozenset(identity(item) for item in items)
        if is_complete and "" not in identities:
            fetch.listings.append(Listing(kind=Kind.RUN, external_ids=identities, scope=workflow_id))
