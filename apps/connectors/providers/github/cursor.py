"""What a GitHub source remembers between fetches: for every repository, how far each of its lists is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.records import Kind, Listing
from apps.connectors.rounds import Round
from apps.connectors.values import UnreadableError, from_iso, list_or_empty, object_or_empty, optional_text

OVERLAP = timedelta(minutes=5)  # for what became visible late
LOOK_BACK = timedelta(hours=3)  # runs created since then are listed again in every poll
SWEEP_EVERY = timedelta(hours=6)
SWEEP_DAYS = timedelta(days=31)  # a run can be run again for 30 days
MOST_OPEN, MOST_OWED, MOST_WORKFLOWS = 100, 200, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Reading the runs created since `floor`, newest piece first: now those from `after` to `before` (None: no end).

    `began` is the server's time at the start; runs that changed before `told` were told before. `swept` is the time of
    the last sweep when this is one. `page` is the query of the page to go on with, empty for the first.
    """

    floor: datetime
    after: datetime
    began: datetime
    before: datetime | None = None
    told: datetime | None = None
    swept: datetime | None = None
    page: Mapping[str, str] = field(default_factory=dict)

    @property
    def length(self) -> timedelta:
        """How much time the piece under way covers."""
        return (self.before or self.began) - self.after

    @property
    def share(self) -> float:
        """How much of it was read, from 0 to 1: what lies after the piece under way."""
        whole = (self.began - self.floor).total_seconds()
        read = (self.began - (self.before or self.began)).total_seconds()
        return min(max(read / whole, 0.0), 1.0) if whole > 0 else 1.0


@dataclass(slots=True)
class RunsMemory:
    """`open`: run id -> [workflow id, created at]. `owed`: runs whose jobs are still to be read. `suspects`: workflows
    that lost a run -> how many more times their runs are listed, because gone means missing twice."""

    since: datetime | None = None
    span: Span | None = None
    open: dict[str, list[str]] = field(default_factory=dict)
    owed: list[str] = field(default_factory=list)
    suspects: dict[str, int] = field(default_factory=dict)
    swept_at: datetime | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether a span or the jobs of its runs are not through."""
        return self.span is not None or bool(self.owed)


@dataclass(slots=True)
class ListMemory:
    """A list read newest first: `below` is the last item of a pass that is not through, `page` where it stood."""

    since: datetime | None = None
    began: datetime | None = None
    below: int | None = None
    page: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RepositoryMemory:
    """`workflows`: their ids in the last complete list. `etags`: address -> ETag, at most one for each list."""

    workflows: list[str] = field(default_factory=list)
    runs: RunsMemory = field(default_factory=RunsMemory)
    deployments: ListMemory = field(default_factory=ListMemory)
    releases: ListMemory = field(default_factory=ListMemory)
    etags: dict[str, str] = field(default_factory=dict)

    @property
    def is_going_on(self) -> bool:
        """Whether something was begun that a fetch could not finish."""
        return self.runs.is_going_on or self.deployments.began is not None


@dataclass(slots=True)
class Memory:
    """`position`: the next part of the round; `is_listed`: every list of workflows in this round was complete."""

    position: int = 0
    is_listed: bool = True
    repositories: dict[str, RepositoryMemory] = field(default_factory=dict)

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means reading again."""
        position = cursor.get("position")
        repositories = object_or_empty(cursor.get("repositories"))
        return cls(
            position=position if isinstance(position, int) and position > 0 else 0,
            is_listed=cursor.get("is_listed") is not False,
            repositories={name: _repository(object_or_empty(item)) for name, item in repositories.items()},
        )

    @property
    def is_going_on(self) -> bool:
        """Whether the round, or something in it, could not be finished."""
        return self.position > 0 or any(item.is_going_on for item in self.repositories.values())

    def close(self, reading: Round, repositories: Collection[str]) -> tuple[Listing, ...]:
        """Note how far the round got; at its end tell all workflows, and forget what is no longer configured."""
        self.position = reading.position
        if any(part.kind is Kind.PIPELINE for part in reading.refused):
            self.is_listed = False
        if self.position:
            return ()
        self.repositories = {name: item for name, item in self.repositories.items() if name in repositories}
        workflows = [workflow for item in self.repositories.values() for workflow in item.workflows]
        is_listed, self.is_listed = self.is_listed, True
        return (Listing(kind=Kind.PIPELINE, external_ids=frozenset(workflows)),) if is_listed and workflows else ()

    def of(self, repository: str) -> RepositoryMemory:
        """The memory of one repository, made if this is the first sight of it."""
        return self.repositories.setdefault(repository, RepositoryMemory())

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        return {
            "position": self.position,
            "is_listed": self.is_listed,
            "repositories": {name: _dump(item) for name, item in sorted(self.repositories.items())},
        }


def _dump(item: RepositoryMemory) -> dict[str, Any]:
    runs = item.runs
    return {
        "workflows": item.workflows[:MOST_WORKFLOWS],
        "runs": {
            "since": _text(runs.since),
            "span": _dump_span(runs.span),
            "open": dict(sorted(runs.open.items(), key=lambda pair: pair[1][1], reverse=True)[:MOST_OPEN]),
            "owed": runs.owed[:MOST_OWED],
            "suspects": runs.suspects,
            "swept_at": _text(runs.swept_at),
        },
        "deployments": _dump_list(item.deployments),
        "releases": _dump_list(item.releases),
        "etags": item.etags,
    }


def _dump_span(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    times = {name: _text(getattr(span, name)) for name in ("floor", "after", "began", "before", "told", "swept")}
    return {**times, "page": dict(span.page)}


def _dump_list(item: ListMemory) -> dict[str, Any]:
    return {
        "since": _text(item.since),
        "began": _text(item.began),
        "below": item.below,
        "page": item.page,
        "open": item.open[-MOST_OPEN:],
    }


def _repository(item: Mapping[str, Any]) -> RepositoryMemory:
    return RepositoryMemory(
        workflows=_texts(item.get("workflows")),
        runs=_runs(object_or_empty(item.get("runs"))),
        deployments=_list(object_or_empty(item.get("deployments"))),
        releases=_list(object_or_empty(item.get("releases"))),
        etags=_mapping(item.get("etags")),
    )


def _runs(item: Mapping[str, Any]) -> RunsMemory:
    opened = {key: _texts(value) for key, value in object_or_empty(item.get("open")).items()}
    suspects = object_or_empty(item.get("suspects"))
    return RunsMemory(
        since=_time(item.get("since")),
        span=_span(object_or_empty(item.get("span"))),
        open={key: value for key, value in opened.items() if len(value) == 2 and _time(value[1])},
        owed=_texts(item.get("owed")),
        suspects={key: min(value, 2) for key, value in suspects.items() if isinstance(value, int) and value > 0},
        swept_at=_time(item.get("swept_at")),
    )


def _span(item: Mapping[str, Any]) -> Span | None:
    floor, after, began = (_time(item.get(name)) for name in ("floor", "after", "began"))
    if floor is None or after is None or began is None:
        return None
    return Span(
        floor=floor,
        after=after,
        began=began,
        before=_time(item.get("before")),
        told=_time(item.get("told")),
        swept=_time(item.get("swept")),
        page=_mapping(item.get("page")),
    )


def _list(item: Mapping[str, Any]) -> ListMemory:
    below = item.get("below")
    return ListMemory(
        since=_time(item.get("since")),
        began=_time(item.get("began")),
        below=below if isinstance(below, int) and not isinstance(below, bool) else None,
        page=_mapping(item.get("page")),
        open=_texts(item.get("open")),
    )


def _time(value: Any) -> datetime | None:
    try:
        return from_iso(value)
    except UnreadableError:
        return None


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _texts(value: Any) -> list[str]:
    return [item for item in list_or_empty(value) if isinstance(item, str)]


def _mapping(value: Any) -> dict[str, str]:
    item = object_or_empty(value)
    return {key: optional_text(item, key) for key in item if isinstance(item[key], str)}
