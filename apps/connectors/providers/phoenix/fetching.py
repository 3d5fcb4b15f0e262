"""One fetch from Phoenix on its way.

1. The outline of all prompts by one GraphQL question, complete: numbers, times and tags, because moving a tag leaves
   no other trace. The content of versions that are new by REST. Where GraphQL is refused all of it by REST, in turn.
2. Hours of the projects that are over, from the last one read with some overlap, because spans arrive late.
3. The outline of all experiments; those that look different than last time are read in full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from apps.connectors.errors import SourceError
from apps.connectors.http import Http
from apps.connectors.providers.phoenix import experiments, metrics, prompts
from apps.connectors.providers.phoenix.client import REFUSALS, PhoenixClient
from apps.connectors.providers.phoenix.cursor import Memory
from apps.connectors.providers.phoenix.prompts import Outline, Outlines
from apps.connectors.records import Kind, Listing, Record, Rejected
from apps.connectors.values import UnreadableError, object_or_empty, optional_text, reject

PROMPTS_SHARE, SHARE = 0.5, 0.8  # of the fetch's time and questions
MOST_TAGGED = 15  # versions of a prompt whose tags are asked for by REST, one question each
MOST_PROJECTS, PROJECTS_AT_ONCE = 50, 5
MOST_EXPERIMENTS = 10  # read in full in a fetch
HOUR = timedelta(hours=1)
PIECE = timedelta(days=2)  # of hours in a fetch
OVERLAP = timedelta(hours=3)  # for spans that arrive late
SETTLING = timedelta(minutes=5)  # after the end of an hour, until it is read


@dataclass(slots=True)
class Fetch:
    """What this fetch has brought so far."""

    http: Http
    client: PhoenixClient
    ui: str
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
        """Prompts and labels as they are now, and the versions that are new."""
        try:
            items = await self.client.connection(prompts.OUTLINE, "prompts")
        except SourceError as error:
            if error.error_class not in REFUSALS:
                raise
            return await self._read_prompts_by_rest(memory)
        told = self._note(prompts.read_outlines(items, ui=self.ui))
        numbers = {o.prompt.external_id: memory.numbers.get(o.prompt.external_id, 0) for o in told}
        due = [outline for outline in told if outline.newest > numbers[outline.prompt.external_id]]
        for place, outline in enumerate(due):
            if place and self.http.is_spent(share=PROMPTS_SHARE):
                self.has_more = True
                break
            found = await self.client.versions(outline.prompt.external_id)
            self._keep_versions(found, outline, numbers)
        for outline in told:
            self._keep_labels(outline)
        return replace(memory, numbers=numbers)

    async def _read_prompts_by_rest(self, memory: Memory) -> Memory:
        """The same without GraphQL: every prompt costs questions, so they have their turns."""
        told = self._note(prompts.read_rest_prompts(await self.client.prompts(), ui=self.ui))
        numbers = {o.prompt.external_id: memory.numbers.get(o.prompt.external_id, 0) for o in told}
        outlines = sorted(told, key=lambda outline: outline.prompt.external_id)
        later = [outline for outline in outlines if outline.prompt.external_id > memory.after]
        after = memory.after
        for outline in [*later, *outlines[: len(outlines) - len(later)]]:
            if self.http.is_spent(share=PROMPTS_SHARE):
                self.has_more = any(number == 0 for number in numbers.values())
                break
            await self._read_prompt_by_rest(outline, numbers)
            after = outline.prompt.external_id
        return replace(memory, numbers=numbers, after=after)

    async def _read_prompt_by_rest(self, outline: Outline, numbers: dict[str, int]) -> None:
        found = await self.client.versions(outline.prompt.external_id)
        identities = [optional_text(object_or_empty(item), "id") for item in found]
        tagged = [identity for identity in identities if identity][:MOST_TAGGED]
        tags = {identity: await self.client.tags(identity) for identity in tagged}
        editions = prompts.rest_editions(found, tags, seen_at=self.now)
        is_complete = bool(found) and len(tags) == len(found)
        outline = replace(outline, editions=editions, is_complete=is_complete)
        self._keep_versions(found, outline, numbers)
        self._keep_labels(outline)

    def _note(self, found: Outlines) -> list[Outline]:
        self.records += [outline.prompt for outline in found.outlines]
        self.rejected += found.rejected
        if found.listing is not None:
            self.listings.append(found.listing)
        return found.outlines

    def _keep_versions(self, items: Sequence[Any], outline: Outline, numbers: dict[str, int]) -> None:
        """Nothing is answered for a prompt that was deleted meanwhile, and then nothing is remembered."""
        prompt = outline.prompt.external_id
        records, rejected = prompts.read_versions(items, outline, after=numbers[prompt], ui=self.ui)
        self.records += records
        self.rejected += rejected
        if items:
            numbers[prompt] = outline.newest

    def _keep_labels(self, outline: Outline) -> None:
        self.records += outline.labels
        self.listings += outline.listings

    async def read_hours(self, memory: Memory, patterns: Sequence[str]) -> Memory:
        """The hours that are over and were not read, two days at a time."""
        target = _hour(self.now - SETTLING)
        if memory.until is not None and memory.until >= target:
            return memory
        begin = memory.until - OVERLAP if memory.until else _hour(self.now - self.backfill)
        end = min(target, begin + PIECE)
        try:
            if not await self._read_projects(patterns, begin, end):
                end = target
        except SourceError as error:
            if error.error_class not in REFUSALS:
                raise
            return replace(memory, until=target)  # a server that cannot tell is asked again in an hour
        self.has_more |= end < target
        return replace(memory, until=end)

    async def _read_projects(self, patterns: Sequence[str], begin: datetime, end: datetime) -> int:
        """The hours of the chosen projects; returns how many these are."""
        found = map(object_or_empty, await self.client.connection(metrics.PROJECTS, "projects"))
        chosen = [project for project in found if _is_chosen(project, patterns)][:MOST_PROJECTS]
        for start in range(0, len(chosen), PROJECTS_AT_ONCE):
            some = chosen[start : start + PROJECTS_AT_ONCE]
            variables: dict[str, Any] = {f"i{place}": project["id"] for place, project in enumerate(some)}
            variables["range"] = {"start": begin.isoformat(), "end": end.isoformat()}
            variables["bins"] = {"scale": "HOUR"}
            data = await self.client.ask(metrics.hours_query(len(some)), variables)
            for place, project in enumerate(some):
                hours = object_or_empty(data.get(f"p{place}"))
                self.records += metrics.read_series(project, hours, begin=begin, end=end)
        return len(chosen)

    async def read_experiments(self, memory: Memory) -> Memory:
        """The experiments that look different than last time, if they changed since the backfill begins."""
        try:
            datasets = await self.client.connection(experiments.OUTLINE, "datasets")
        except SourceError as error:
            if error.error_class not in REFUSALS:
                raise
            return memory
        marks = dict(memory.marks)
        due = [
            (dataset, experiment, mark)
            for dataset in map(object_or_empty, datasets)
            for experiment in experiments.in_dataset(dataset)
            if self._is_recent(experiment)
            and marks.get(optional_text(experiment, "id")) != (mark := experiments.mark_of(experiment))
        ]
        for place, (dataset, experiment, mark) in enumerate(due):
            if place >= MOST_EXPERIMENTS or (place and self.http.is_spent(share=SHARE)):
                self.has_more = True
                break
            experiment_id = optional_text(experiment, "id")
            await self._read_experiment(experiment_id, dataset)
            marks.pop(experiment_id, None)
            marks[experiment_id] = mark
        return replace(memory, marks=marks)

    async def _read_experiment(self, experiment_id: str, dataset: Mapping[str, Any]) -> None:
        item = object_or_empty((await self.client.ask(experiments.DETAIL, {"id": experiment_id})).get("node"))
        try:
            self.records.append(experiments.read_experiment(item, dataset=dataset, ui=self.ui))
        except UnreadableError as error:
            self.rejected.append(reject(item or {"id": experiment_id}, kind=Kind.EVALUATION, id_key="id", error=error))

    def _is_recent(self, experiment: Mapping[str, Any]) -> bool:
        try:
            return experiments.changed_at(experiment) >= self.now - self.backfill
        except UnreadableError:
            return bool(optional_text(experiment, "id"))  # it is read, and rejected with a reason


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _is_chosen(project: Mapping[str, Any], patterns: Sequence[str]) -> bool:
    """Projects without traces have no hours; without patterns all others are chosen."""
    name = optional_text(project, "name")
    if not name or not optional_text(project, "id") or project.get("hasTraces") is False:
        return False
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
