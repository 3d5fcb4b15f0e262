"""One fetch from Dagster on its way.

1. The workspace: jobs, complete only when every code location is loaded; with the daemons, what is broken.
2. Runs that are not over, with their steps: a step changes no time of its run.
3. Runs that changed since the watermark, newest first, page by page, resumable.

What these miss is looked for in `missing.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.dagster.alerts import read_alerts
from apps.connectors.providers.dagster.client import PAGE, DagsterClient, open_runs, updated_after
from apps.connectors.providers.dagster.cursor import Memory, Pass
from apps.connectors.providers.dagster.failures import Failure, read_failure
from apps.connectors.providers.dagster.jobs import homes, is_whole, read_jobs
from apps.connectors.providers.dagster.runs import is_open, read_runs, read_steps
from apps.connectors.records import Kind, Listing, Record, Rejected, RunRecord
from apps.connectors.values import list_or_empty, object_or_empty, optional_text

PAGE_WITH_STEPS = 50
RUNS_A_QUESTION = 25  # whose steps are asked for together
FAILURES_A_QUESTION = 10  # whose events are asked for together
MOST_EVENT_PAGES = 4  # of one failed run, after the first
SHARE = 0.5  # of the fetch's time and questions; a slow page may take as long again
_SMALLER = {ErrorClass.TOO_LARGE, ErrorClass.TIMEOUT}  # what a smaller question may help against


def open_among(runs: Sequence[RunRecord]) -> dict[str, str]:
    """Run id -> pipeline id of the runs that are not over."""
    return {run.external_id: run.pipeline_external_id for run in runs if is_open(run.state)}


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far."""

    http: Http
    client: DagsterClient
    ui: str
    with_steps: bool
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    pipeline_ids: set[str] = field(default_factory=set)
    open_runs: dict[str, str] = field(default_factory=dict)  # run id -> pipeline id
    run_ids: dict[str, set[str]] = field(default_factory=dict)  # by pipeline
    steps_read: set[str] = field(default_factory=set)  # runs whose steps are already here
    failures: dict[str, Failure] = field(default_factory=dict)  # by run id

    async def read_workspace(self, *, with_alerts: bool) -> datetime:
        """Jobs and, if wanted, alerts as they are now; returns the server's time."""
        locations = await self.client.locations()
        now = self.http.server_time or datetime.now(UTC)
        records, rejected = read_jobs(locations, ui=self.ui)
        self.records += records
        self.rejected += rejected
        self.pipeline_ids = {record.external_id for record in records}
        if is_whole(locations) and not rejected:
            self.listings.append(Listing(kind=Kind.PIPELINE, external_ids=frozenset(self.pipeline_ids)))
        if with_alerts:
            alerts, unreadable, listings = read_alerts(locations, await self.client.daemons(), ui=self.ui, now=now)
            self.records += alerts
            self.rejected += unreadable
            self.listings += listings
        return now

    async def read_runs(self, memory: Memory, *, now: datetime, backfill: timedelta) -> Memory:
        """Open runs, then the pass; returns what to remember."""
        async for items, _, is_last in self.client.pages(open_runs(), limit=PAGE):
            self.open_runs |= open_among(await self.keep(items, may_skip_steps=True))
            if not is_last and self.http.is_spent(share=SHARE / 2):
                break
        memory = replace(memory, open_runs={**memory.open_runs, **self.open_runs})
        begun = memory.next_pass(now=now, backfill=backfill)
        rest = await self._pass(begun)
        if rest is not None:
            return replace(memory, going_on=rest)
        return replace(memory, watermark=begun.began, going_on=None, polls=memory.polls + 1)

    async def _pass(self, current: Pass) -> Pass | None:
        """Read the pass on; returns where to go on, or None when it is through."""
        limit = PAGE_WITH_STEPS if self.with_steps else PAGE
        filters = updated_after(current.after)
        async for items, cursor, is_last in self.client.pages(filters, cursor=current.cursor, limit=limit):
            await self.keep(items)
            if not is_last and self.http.is_spent(share=SHARE):
                return replace(current, cursor=cursor)
        return None

    async def keep(self, items: Sequence[Any], *, may_skip_steps: bool = False) -> list[RunRecord]:
        """The runs as records, with their steps and failures; steps of open runs may wait for a poll with more room."""
        await self._read_failures(items)
        runs, rejected = read_runs(items, ui=self.ui, failures=self.failures, homes=homes(self.pipeline_ids))
        self.records += runs
        self.rejected += rejected
        for run in runs:
            self.run_ids.setdefault(run.pipeline_external_id, set()).add(run.external_id)
        if self.with_steps:
            await self._read_steps(runs, may_skip=may_skip_steps)
        return runs

    async def _read_steps(self, runs: Sequence[RunRecord], *, may_skip: bool) -> None:
        """The steps of the runs that have begun, each run once a fetch."""
        begun = [run.external_id for run in runs if run.started_at and run.external_id not in self.steps_read]
        waiting = [begun[start : start + RUNS_A_QUESTION] for start in range(0, len(begun), RUNS_A_QUESTION)]
        while waiting and not (may_skip and self.http.is_spent(share=SHARE / 2)):
            group = waiting.pop(0)
            self.steps_read.update(group)
            try:
                items = await self.client.steps(group)
            except SourceError as error:
                if error.error_class in _SMALLER and len(group) > 1 and not self.http.is_spent(share=0.9):
                    waiting[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
                    continue
                self._unreadable(group, "steps", error)
                continue
            records, rejected = read_steps(items, ui=self.ui, failures=self.failures)
            self.records += records
            self.rejected += rejected

    async def _read_failures(self, items: Sequence[Any]) -> None:
        """Why the failed ones among the runs failed: Dagster tells it only in the events of each run."""
        failed = [optional_text(run, "runId") for run in map(object_or_empty, items) if run.get("status") == "FAILURE"]
        wanted = [run_id for run_id in failed if run_id and run_id not in self.failures]
        for start in range(0, len(wanted), FAILURES_A_QUESTION):
            group = wanted[start : start + FAILURES_A_QUESTION]
            try:
                runs = await self.client.first_events(group)
            except SourceError as error:
                self._unreadable(group, "events", error)
                continue
            for run in map(object_or_empty, runs):
                run_id = optional_text(run, "runId")
                self.failures[run_id] = read_failure(await self._events(run_id, run))

    async def _events(self, run_id: str, run: Any) -> list[Any]:
        """The events of a failed run until its failure, within reason: a long run's failure may lie too far behind."""
        connection = object_or_empty(run.get("eventConnection"))
        events = list_or_empty(connection.get("events"))
        for _ in range(MOST_EVENT_PAGES):
            if connection.get("hasMore") is not True or self.http.is_spent(share=SHARE):
                break
            after = optional_text(connection, "cursor", limit=2000)
            connection = object_or_empty((await self.client.more_events(run_id, after=after)).get("eventConnection"))
            events = events + list_or_empty(connection.get("events"))
        return events

    def _unreadable(self, group: Sequence[str], what: str, error: SourceError) -> None:
        """Note that the details of these runs cannot be had, if it is their own fault; else raise the error."""
        if error.error_class not in (ErrorClass.UPSTREAM, ErrorClass.TOO_LARGE) or error.retry_after is not None:
            raise error
        reason = f"the {what} of {len(group)} runs cannot be read: {error.message}"
        self.rejected.append(Rejected(kind=Kind.TASK_RUN, external_id=group[0], reason=reason[:500]))
