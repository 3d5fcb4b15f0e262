"""One fetch from Langfuse on its way.

1. All prompts, when one page holds them; else those that changed since the latest update seen, with some overlap, and
   all of them every SWEEP_EVERY polls, because what was deleted is in no list of changes. For a prompt that changed its
   complete list of versions and labels, and one question for each version that changed: only that tells its text and
   which labels point at it.
2. Hours that are over, from the last one read with some overlap. One window costs three questions, because
   Langfuse Cloud allows few of them.
3. Every ten minutes the list of experiments; those that look different than last time are read in full.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.providers.langfuse import experiments, metrics, prompts
from apps.connectors.providers.langfuse.client import PAGE, REFUSALS, LangfuseClient
from apps.connectors.providers.langfuse.cursor import Memory, Seen
from apps.connectors.providers.langfuse.prompts import Meta
from apps.connectors.records import Kind, Listing, Record, Rejected
from apps.connectors.values import UnreadableError, object_or_empty, optional_text, reject

SHARE = 0.5  # of the fetch's time and questions; what is begun may use the rest
SWEEP_EVERY = 10  # polls
SEEN_OVERLAP = timedelta(minutes=2)
HOUR = timedelta(hours=1)
PIECE = timedelta(days=2)  # of hours in a fetch
OVERLAP = timedelta(hours=3)  # for observations that arrive late
SETTLING = timedelta(minutes=15)  # after the end of an hour, until it is read; some ways in take ten minutes
QUIET = timedelta(minutes=15)  # when the server has had enough and does not say until when
MOST_DATASETS = 20  # whose runs are read on servers that are older than experiments
EXPERIMENTS_EVERY = timedelta(minutes=10)


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far. `pages` is the URL of the project."""

    http: Http
    client: LangfuseClient
    pages: str
    backfill: timedelta
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    has_more: bool = False

    @property
    def now(self) -> datetime:
        """The server's clock, or ours when it does not tell."""
        return self.http.server_time or datetime.now(UTC)

    async def read_prompts(self, memory: Memory) -> Memory:
        """Prompts that changed, and versions that are still to be read from earlier fetches."""
        since = memory.seen_until
        is_small = len(memory.prompts) < PAGE
        is_sweep = since is None or is_small or memory.is_behind or memory.polls % SWEEP_EVERY == 0
        filters = {} if since is None or is_sweep else {"fromUpdatedAt": _iso(since - SEEN_OVERLAP)}
        items = await self.client.prompts(**filters)
        metas, rejected = prompts.read_metas(items, pages=self.pages)
        self.rejected += rejected
        known = dict(memory.prompts)
        if is_sweep:
            self._note_all(items, metas)
            names = {meta.name for meta in metas}
            known = {name: seen for name, seen in known.items() if name in names}
        is_behind = False
        for meta in metas:
            seen = known.get(meta.name)
            if seen is None or meta.updated_at > seen.at:
                if is_behind := self.http.is_spent(share=SHARE):
                    self.has_more = True
                    break
                await self._look(meta, known, is_whole=is_sweep)
        await self._read_versions(known)
        return replace(memory, prompts=known, is_behind=is_behind)

    def _note_all(self, items: list[Any], metas: list[Meta]) -> None:
        self.records += [meta.record for meta in metas]
        names = [optional_text(object_or_empty(item), "name") for item in items]
        if all(names):
            self.listings.append(Listing(kind=Kind.PROMPT, external_ids=frozenset(names)))
        for meta in metas:
            self.listings += meta.listings

    async def _look(self, meta: Meta, known: dict[str, Seen], *, is_whole: bool) -> None:
        """Note which versions of a changed prompt are to be read: all of one that is new."""
        seen = known.get(meta.name)
        whole = meta if is_whole else await self._only(meta.name)
        if whole is None:
            return  # it was deleted meanwhile; the next sweep says so
        changed: Meta | None = meta
        if seen is None:
            changed = whole
        elif is_whole:
            changed = await self._only(meta.name, fromUpdatedAt=_iso(seen.at))
        if not is_whole:
            self.records.append(whole.record)
            self.listings += whole.listings
        todo = {*(seen.todo if seen else ()), *(changed.versions if changed else ())} & whole.versions
        known[meta.name] = Seen(at=whole.updated_at, todo=tuple(sorted(todo, reverse=True)))

    async def _only(self, name: str, **filters: str) -> Meta | None:
        metas, _ = prompts.read_metas(await self.client.prompts(name=name, **filters), pages=self.pages)
        return next((meta for meta in metas if meta.name == name), None)

    async def _read_versions(self, known: dict[str, Seen]) -> None:
        """What is to be read, newest first, while there is room."""
        for name, seen in sorted(known.items()):
            todo = list(seen.todo)
            while todo and not self.http.is_spent(share=SHARE):
                await self._read_version(name, todo.pop(0), seen.at)
            known[name] = replace(seen, todo=tuple(todo))
            self.has_more |= bool(todo)

    async def _read_version(self, name: str, number: int, meta_at: datetime) -> None:
        item = await self.client.prompt(name, number)
        if item is not None:
            versions, labels, rejected = prompts.read_version(item, meta_at, pages=self.pages)
            self.records += [*versions, *labels]
            self.rejected += rejected

    async def unless_limited(self, read: Callable[[Memory], Awaitable[Memory]], memory: Memory) -> Memory:
        """Read something that has a limit of its own: when that is reached, everything else goes on."""
        if memory.quiet_until and self.now < memory.quiet_until:
            return memory
        if self.http.is_spent(share=SHARE):
            self.has_more = True
            return memory
        try:
            return await read(memory)
        except SourceError as error:
            if error.error_class is not ErrorClass.RATE_LIMIT:
                raise
            quiet = timedelta(seconds=error.retry_after) if error.retry_after else QUIET
            return replace(memory, quiet_until=self.now + quiet)

    async def read_hours(self, memory: Memory) -> Memory:
        """The hours that are over and were not read, two days at a time."""
        target = _hour(self.now - SETTLING)
        if memory.until is not None and memory.until >= target:
            return memory
        begin = memory.until - OVERLAP if memory.until else _hour(self.now - self.backfill)
        for path in (metrics.V2, metrics.V1):
            try:
                end = await self._read_window(path, begin, min(target, begin + PIECE), memory.until or begin)
            except SourceError as error:
                if error.error_class not in REFUSALS:
                    raise
                continue
            self.has_more |= end < target
            return replace(memory, until=end)
        await self._read_days(begin, target)
        return replace(memory, until=target)

    async def _read_window(self, path: str, begin: datetime, end: datetime, known_until: datetime) -> datetime:
        """Read hours up to `end`, or fewer when their rows do not fit into an answer; returns up to where."""
        while True:
            answers = [await self.client.metrics(query, path=path) for query in metrics.questions(path, begin, end)]
            is_cut = any(len(rows) >= metrics.MOST_ROWS for rows in answers)
            if not is_cut or end - begin <= HOUR:
                self.records += metrics.read_rows(answers, begin=begin, end=end)
                return end
            end = begin + max((end - begin) // HOUR // 2, 1) * HOUR
            if end <= known_until:
                begin, end = known_until, known_until + HOUR

    async def _read_days(self, begin: datetime, target: datetime) -> None:
        begin, end = _day(begin), _day(target)
        try:
            days = await self.client.daily(fromTimestamp=_iso(begin), toTimestamp=_iso(target))
        except SourceError as error:
            if error.error_class not in REFUSALS:
                raise
            return  # a server that tells no metrics is asked again in an hour
        self.records += metrics.read_days(days, begin=begin, end=end)

    async def read_experiments(self, memory: Memory) -> Memory:
        """The experiments that look different than last time."""
        now = self.now
        if memory.experiments_at is not None and now - memory.experiments_at < EXPERIMENTS_EVERY:
            return memory
        since = _iso(now - self.backfill)
        found = await self._experiments(since)
        marks = dict(memory.marks)
        due = [(item, mark) for item in map(object_or_empty, found) if (mark := self._changed(item, marks, now))]
        datasets = await self._datasets() if due else {}
        for item, mark in due:
            if self.http.is_spent(share=SHARE):
                self.has_more = True
                return replace(memory, marks=marks)
            experiment_id = optional_text(item, "id")
            await self._read_experiment(item, datasets, since=since)
            marks.pop(experiment_id, None)
            marks[experiment_id] = mark
        return replace(memory, marks=marks, experiments_at=now)

    async def _experiments(self, since: str) -> list[Any]:
        """The experiments of the backfill, or the dataset runs of servers that are older than experiments."""
        try:
            return await self.client.experiments(fields="core,metadata,scores", fromStartTime=since)
        except SourceError as error:
            if error.error_class not in REFUSALS:
                raise
        try:
            found = map(object_or_empty, await self.client.datasets())
            datasets = sorted(found, key=lambda item: optional_text(item, "updatedAt"), reverse=True)
            names = [name for item in datasets[:MOST_DATASETS] if (name := optional_text(item, "name"))]
            runs = [run for name in names for run in await self.client.runs(name)]
        except SourceError as error:
            if error.error_class not in REFUSALS:
                raise
            return []
        told = [experiments.from_run(object_or_empty(run)) for run in runs]
        return [item for item in told if optional_text(item, "endTime") >= since]

    def _changed(self, item: Mapping[str, Any], marks: Mapping[str, str], now: datetime) -> str:
        """What the experiment looks like, or "" when it looks as before or cannot be read."""
        try:
            mark = experiments.mark_of(item, now=now)
        except UnreadableError as error:
            self.rejected.append(reject(item, kind=Kind.EVALUATION, id_key="id", error=error))
            return ""
        return "" if marks.get(optional_text(item, "id")) == mark else mark

    async def _read_experiment(self, item: Mapping[str, Any], datasets: Mapping[str, str], *, since: str) -> None:
        experiment_id = optional_text(item, "id")
        items: list[Any] = []
        if experiments.is_run(item):
            item = {**item, "scores": await self.client.scores_of_run(experiment_id)}
        else:
            items = await self.client.items(experimentId=experiment_id, fields="core,scores", fromStartTime=since)
        try:
            record = experiments.read_experiment(item, items, datasets=datasets, pages=self.pages, now=self.now)
        except UnreadableError as error:
            self.rejected.append(reject(item, kind=Kind.EVALUATION, id_key="id", error=error))
        else:
            self.records.append(record)

    async def _datasets(self) -> dict[str, str]:
        found = map(object_or_empty, await self.client.datasets())
        return {optional_text(item, "id"): optional_text(item, "name") for item in found}


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _day(at: datetime) -> datetime:
    return _hour(at).replace(hour=0)
