"""One fetch from Airflow on its way.

1. DAGs, complete: what is absent is gone. Files that cannot be read and sick parts of Airflow, complete as well.
2. Runs that are not over, and the tasks of some of them in turn.
3. Runs that changed since the watermark, each ended one with its tasks and the reason why it failed.
4. The backfill, page by page, resumable.

What these miss is looked for in `missing.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.airflow.alerts import read_health, read_import_errors
from apps.connectors.providers.airflow.client import AirflowClient, Page
from apps.connectors.providers.airflow.cursor import Memory, Pass
from apps.connectors.providers.airflow.normalize import (
    OPEN,
    Reading,
    failed_first,
    read_dags,
    read_runs,
    read_tasks,
    with_tasks,
)
from apps.connectors.providers.airflow.reasons import with_reasons
from apps.connectors.records import AlertState, Kind, Listing, Record, Rejected, RunRecord, RunState, TaskRunRecord
from apps.connectors.values import object_or_empty, optional_text, stable_id

MOST_DAGS, MOST_OPEN, MOST_TASKS, MOST_ALERTS = 1_500, 500, 1_000, 500
PAGE_WITH_TASKS, PAGE_WITHOUT = 50, 100
MOST_TURNS = 15  # open runs whose tasks are asked for in one fetch
TURNS_SHARE, SHARE, HISTORY_SHARE = (
    0.4,
    0.7,
    0.8,
)  # of the fetch's time and questions; the rest is for the run under way

T = TypeVar("T")


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far."""

    http: Http
    client: AirflowClient
    reading: Reading
    patterns: Sequence[str] = ()
    has_tasks: bool = True
    has_reasons: bool = True
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    dag_ids: list[str] = field(default_factory=list)
    seen: dict[str, RunRecord] = field(default_factory=dict)  # runs of this fetch by id

    def is_spent(self, share: float = SHARE) -> bool:
        """Whether it is time to go on in another fetch."""
        return self.http.is_spent(share=share)

    def is_wanted(self, dag_id: str) -> bool:
        """Whether the source's filter lets the DAG through."""
        return not self.patterns or any(fnmatchcase(dag_id, pattern) for pattern in self.patterns)

    async def if_allowed(self, question: Awaitable[T]) -> T | None:
        """The answer, or None when the right to it is missing: the rest is read all the same."""
        try:
            return await question
        except SourceError as error:
            if error.error_class is not ErrorClass.AUTH:
                raise
            return None

    async def everything(self, page: Callable[[int], Awaitable[Page]], *, most: int) -> tuple[list[Any], bool]:
        """All items up to about `most`, and whether that is all there is."""
        found: list[Any] = []
        while True:
            got = await page(len(found))
            found += got.items
            if got.is_last:
                return found, True
            if len(found) >= most:
                return found, False

    async def read_dags(self) -> None:
        """Every DAG that is wanted."""
        items, is_complete = await self.everything(lambda at: self.client.dags(offset=at), most=MOST_DAGS)
        wanted = [item for item in items if self.is_wanted(optional_text(object_or_empty(item), "dag_id"))]
        records, rejected = read_dags(wanted, self.reading)
        self.records += records
        self.rejected += rejected
        self.dag_ids = sorted(record.external_id for record in records)
        identities = [optional_text(object_or_empty(item), "dag_id") for item in wanted]
        if is_complete and all(identities):
            self.listings.append(Listing(kind=Kind.PIPELINE, external_ids=frozenset(identities)))

    async def read_alerts(self) -> None:
        """Files that cannot be read and sick parts of Airflow, with a listing when both are known completely.

        Without it files that can be read again stay unknown, but parts that are well again are told.
        """
        health = await self.if_allowed(self.client.health())
        parts = read_health(health, ui=self.reading.ui, as_of=self.reading.as_of) if health is not None else []
        found = await self.if_allowed(
            self.everything(lambda at: self.client.import_errors(offset=at), most=MOST_ALERTS)
        )
        items, is_complete = found or ([], False)
        unread, rejected = read_import_errors(items, ui=self.reading.ui, as_of=self.reading.as_of)
        self.rejected += rejected
        firing = [*(part for part in parts if part.state is AlertState.FIRING), *unread]
        if health is not None and is_complete and not rejected:
            self.records += firing
            identities = frozenset(record.external_id for record in firing)
            self.listings.append(Listing(kind=Kind.ALERT, external_ids=identities))
        else:
            self.records += [*parts, *unread]

    async def read_open(self, memory: Memory) -> Memory:
        """Runs that are not over, and the tasks of the next few of them; returns what to remember."""
        items, _ = await self.everything(lambda at: self.client.open_runs(offset=at), most=MOST_OPEN)
        runs = [run for item in items if (run := self._run(item)) is not None]
        waiting = sorted(runs, key=lambda run: (run.state is not RunState.RUNNING, run.external_id))
        last = next((at for at, run in enumerate(waiting, start=1) if run.external_id == memory.turn), 0)
        turn = memory.turn
        for run in [*waiting[last:], *waiting[:last]][:MOST_TURNS] if self.has_tasks else []:
            if self.is_spent(TURNS_SHARE):
                break
            tasks = await self._tasks(run)
            self.records += tasks
            turn = run.external_id
        self.records += runs
        return replace(memory, turn=turn)

    async def read_news(self, memory: Memory, *, now: datetime, backfill: timedelta) -> Memory:
        """What changed since the watermark; returns what to remember, with `news` when a part is left."""
        begun, telling = memory.next_news(now=now, backfill=backfill), list(memory.telling)
        rest = await self._pass(begun, told=set(memory.told), telling=telling)
        if rest is not None:
            return replace(memory, news=rest, telling=tuple(telling))
        polls = memory.polls + 1
        return replace(memory, watermark=begun.began, news=None, told=tuple(telling), telling=(), polls=polls)

    async def read_history(self, memory: Memory, *, now: datetime, backfill: timedelta) -> Memory:
        """The next part of the backfill; returns what to remember, with `history` when a part is left."""
        begun = memory.next_history(now=now, backfill=backfill)
        if begun is None or self.is_spent(HISTORY_SHARE):
            return replace(memory, history=begun)
        rest = await self._pass(begun, told=set(memory.told), telling=[], share=HISTORY_SHARE)
        return replace(memory, history=rest, is_backfilled=rest is None)

    async def _pass(self, current: Pass, *, told: set[str], telling: list[str], share: float = SHARE) -> Pass | None:
        """Read the pass on; returns where to go on, or None when it is through.

        Ended runs whose marks are in `told` are left out; the marks of those with nothing more to say go to `telling`.
        """
        limit = PAGE_WITH_TASKS if self.has_tasks else PAGE_WITHOUT
        while True:
            page = await self.client.runs_changed(since=current.after, offset=current.offset, limit=limit)
            for count, item in enumerate(page.items):
                if count and self.is_spent(share):
                    return replace(current, offset=current.offset + count)
                if (run := self._run(item)) is None:
                    continue
                mark = _mark(run)
                if mark in told or await self.tell(run):
                    telling.append(mark)
            if page.is_last:
                return None
            current = replace(current, offset=current.offset + len(page.items))
            if self.is_spent(share):
                return current

    async def tell(self, run: RunRecord) -> bool:
        """The run as a record; an ended one with its tasks and with why they failed.

        Returns whether all is said. It is not while the run or a task goes on, nor while the log of a failure is
        empty: it may be on its way to a store.
        """
        if run.state in OPEN or run.state is RunState.UNKNOWN or not self.has_tasks:
            self.records.append(run)
            return run.state not in OPEN
        tasks = await self._tasks(run)
        wants_reason = self.has_reasons and run.state is RunState.FAILED
        if wants_reason:
            tasks = await with_reasons(self.client, self.reading.dialect, tasks)
        self.records += [with_tasks(run, tasks), *tasks]
        has_reason = any(task.error for task in tasks) or not failed_first(tasks)
        return not any(task.state in OPEN for task in tasks) and (has_reason or not wants_reason)

    def _run(self, item: Any) -> RunRecord | None:
        """The run, or None when it is not wanted or cannot be read."""
        if not self.is_wanted(optional_text(object_or_empty(item), "dag_id")):
            return None
        runs, rejected = read_runs([item], self.reading)
        self.rejected += rejected
        self.seen |= {run.external_id: run for run in runs}
        return runs[0] if runs else None

    async def _tasks(self, run: RunRecord) -> list[TaskRunRecord]:
        """The task instances of a run; none when it was deleted just now or may not be read."""
        try:
            items, is_complete = await self.everything(
                lambda at: self.client.task_instances(run.pipeline_external_id, run.name, offset=at), most=MOST_TASKS
            )
        except SourceError as error:
            if error.error_class not in (ErrorClass.AUTH, ErrorClass.NOT_FOUND):
                raise
            return []
        tasks, rejected = read_tasks(items, self.reading)
        self.rejected += rejected
        if not is_complete:
            reason = f"The run has more than {MOST_TASKS} task instances; the rest is not read"
            self.rejected.append(Rejected(kind=Kind.TASK_RUN, external_id=run.external_id, reason=reason))
        return tasks


def _mark(run: RunRecord) -> str:
    """What tells one version of a run from another: everything that Airflow said of it."""
    return stable_id("run", str(sorted(run.raw.items(), key=lambda pair: str(pair[0]))))[:16]
