"""What a GitLab source remembers between fetches: for every project, how far each of its lists is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.providers.gitlab.normalize import Project
from apps.connectors.rounds import Round
from apps.connectors.values import UnreadableError, from_iso, list_or_empty, object_or_empty, optional_text

OVERLAP = timedelta(minutes=5)  # for what became visible late
SWEEP_EVERY = timedelta(hours=6)
PROJECT_FOR = timedelta(hours=1)  # how long a project's path and schedules are believed
MOST_TOLD, MOST_OWED, MOST_OPEN = 500, 200, 50


@dataclass(slots=True)
class ListMemory:
    """A list read by the time of its changes: all before `since` is told, and of later ones what is in `told`.

    A pass under way `began` at a time of the server and goes on with page `page` of what changed after `after`.
    `told`: id -> the change that was told, for those that the overlap brings again.
    """

    since: datetime | None = None
    began: datetime | None = None
    after: datetime | None = None
    page: int = 1
    told: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RunsMemory:
    """`owed`: runs to be read in full. `open`: runs that are not over. `sweeps`: how many listings are still due."""

    changes: ListMemory = field(default_factory=ListMemory)
    owed: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    swept_at: datetime | None = None
    sweeps: int = 0


@dataclass(slots=True)
class ProjectMemory:
    """`project` as it was read last, at `read_at`."""

    project: Project | None = None
    read_at: datetime | None = None
    runs: RunsMemory = field(default_factory=RunsMemory)
    deployments: ListMemory = field(default_factory=ListMemory)
    released_since: datetime | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether something was begun that a fetch could not finish."""
        is_listing = self.runs.changes.began is not None or self.deployments.began is not None
        return is_listing or bool(self.runs.owed)


@dataclass(slots=True)
class Memory:
    """`position`: the next part of the round."""

    position: int = 0
    projects: dict[str, ProjectMemory] = field(default_factory=dict)

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means reading again."""
        position = cursor.get("position")
        projects = object_or_empty(cursor.get("projects"))
        return cls(
            position=position if isinstance(position, int) and position > 0 else 0,
            projects={name: _project(object_or_empty(item)) for name, item in projects.items()},
        )

    @property
    def is_going_on(self) -> bool:
        """Whether the round, or something in it, could not be finished."""
        return self.position > 0 or any(item.is_going_on for item in self.projects.values())

    def close(self, reading: Round, projects: Collection[str]) -> None:
        """Note how far the round got; at its end forget what is no longer configured."""
        self.position = reading.position
        if not self.position:
            self.projects = {name: item for name, item in self.projects.items() if name in projects}

    def of(self, name: str) -> ProjectMemory:
        """The memory of one project, made if this is the first sight of it."""
        return self.projects.setdefault(name, ProjectMemory())

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        return {
            "position": self.position,
            "projects": {name: _dump(item) for name, item in sorted(self.projects.items())},
        }


def _dump(item: ProjectMemory) -> dict[str, Any]:
    project = item.project
    known = ("id", "path", "url", "schedule", "is_paused")
    return {
        "project": {name: getattr(project, name) for name in known} if project else None,
        "read_at": _text(item.read_at),
        "runs": {
            "changes": _dump_list(item.runs.changes),
            "owed": item.runs.owed[:MOST_OWED],
            "open": item.runs.open[-MOST_OPEN:],
            "swept_at": _text(item.runs.swept_at),
            "sweeps": item.runs.sweeps,
        },
        "deployments": _dump_list(item.deployments),
        "released_since": _text(item.released_since),
    }


def _dump_list(item: ListMemory) -> dict[str, Any]:
    times = {name: _text(getattr(item, name)) for name in ("since", "began", "after")}
    return {**times, "page": item.page, "told": dict(list(item.told.items())[-MOST_TOLD:])}


def _project(item: Mapping[str, Any]) -> ProjectMemory:
    runs, sweeps = object_or_empty(item.get("runs")), object_or_empty(item.get("runs")).get("sweeps")
    return ProjectMemory(
        project=_known(object_or_empty(item.get("project"))),
        read_at=_time(item.get("read_at")),
        runs=RunsMemory(
            changes=_list(object_or_empty(runs.get("changes"))),
            owed=_texts(runs.get("owed")),
            open=_texts(runs.get("open")),
            swept_at=_time(runs.get("swept_at")),
            sweeps=sweeps if isinstance(sweeps, int) and 0 < sweeps <= 2 else 0,
        ),
        deployments=_list(object_or_empty(item.get("deployments"))),
        released_since=_time(item.get("released_since")),
    )


def _known(item: Mapping[str, Any]) -> Project | None:
    project_id, path = optional_text(item, "id"), optional_text(item, "path")
    if not project_id or not path:
        return None
    return Project(
        id=project_id,
        path=path,
        url=optional_text(item, "url"),
        schedule=optional_text(item, "schedule"),
        is_paused=item.get("is_paused") is True,
    )


def _list(item: Mapping[str, Any]) -> ListMemory:
    page, told = item.get("page"), object_or_empty(item.get("told"))
    began, after = _time(item.get("began")), _time(item.get("after"))
    return ListMemory(
        since=_time(item.get("since")),
        began=began if after else None,
        after=after if began else None,
        page=page if isinstance(page, int) and page > 0 else 1,
        told={key: value for key, value in told.items() if isinstance(value, str)},
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
