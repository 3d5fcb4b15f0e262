"""What a Langfuse source remembers between fetches. Times are the server's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.connectors.values import UnreadableError, list_or_empty, object_or_empty, optional_iso, optional_text

MOST_EXPERIMENTS = 1_000  # marks that are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A prompt when it was looked at last: its last update, and the versions that are still to be read."""

    at: datetime
    todo: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`until`: samples of all hours before it were read. `quiet_until`: no metrics or experiments before.

    `is_behind`: a fetch had to stop before it had looked at every prompt that changed.
    `experiments_at`: when the list of experiments was read; `marks`: what each looked like when it was read.
    """

    polls: int = 0
    project: str = ""
    prompts: Mapping[str, Seen] = field(default_factory=dict)
    is_behind: bool = False
    until: datetime | None = None
    quiet_until: datetime | None = None
    experiments_at: datetime | None = None
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def seen_until(self) -> datetime | None:
        """The latest update of any prompt that was seen."""
        return max((seen.at for seen in self.prompts.values()), default=None)

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means reading again."""
        polls = cursor.get("polls")
        told = object_or_empty(cursor.get("prompts")).items()
        marks = object_or_empty(cursor.get("marks")).items()
        return cls(
            polls=polls if isinstance(polls, int) and not isinstance(polls, bool) else 0,
            project=optional_text(cursor, "project"),
            prompts={name: seen for name, item in told if (seen := _seen(object_or_empty(item)))},
            is_behind=cursor.get("is_behind") is True,
            until=_time(cursor.get("until")),
            quiet_until=_time(cursor.get("quiet_until")),
            experiments_at=_time(cursor.get("experiments_at")),
            marks={key: mark for key, mark in marks if isinstance(mark, str)},
        )

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        return {
            "polls": self.polls,
            "project": self.project,
            "prompts": {
                name: {"at": seen.at.isoformat(), **({"todo": list(seen.todo)} if seen.todo else {})}
                for name, seen in self.prompts.items()
            },
            "is_behind": self.is_behind,
            "until": _iso(self.until),
            "quiet_until": _iso(self.quiet_until),
            "experiments_at": _iso(self.experiments_at),
            "marks": dict(list(self.marks.items())[-MOST_EXPERIMENTS:]),
        }


def _seen(item: Mapping[str, Any]) -> Seen | None:
    at = _time(item.get("at"))
    todo = [number for number in list_or_empty(item.get("todo")) if isinstance(number, int)]
    return Seen(at=at, todo=tuple(todo)) if at else None


def _time(value: Any) -> datetime | None:
    try:
        return optional_iso(value)
    except UnreadableError:
        return None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
