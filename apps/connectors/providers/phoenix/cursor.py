"""What a Phoenix source remembers between fetches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.connectors.values import UnreadableError, object_or_empty, optional_iso

MOST_EXPERIMENTS = 1_000  # marks that are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`numbers`: prompt id -> highest version read; `marks`: experiment id -> what it looked like when it was read.

    `until`: samples of all hours before it were read. `after`: the prompt after which the next round by REST begins.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None
    after: str = ""

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means reading again."""
        try:
            until = optional_iso(cursor.get("until"))
        except UnreadableError:
            until = None
        numbers = object_or_empty(cursor.get("numbers")).items()
        marks = object_or_empty(cursor.get("marks")).items()
        after = cursor.get("after")
        return cls(
            numbers={key: value for key, value in numbers if isinstance(value, int) and not isinstance(value, bool)},
            marks={key: value for key, value in marks if isinstance(value, str)},
            until=until,
            after=after if isinstance(after, str) else "",
        )

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        return {
            "numbers": dict(self.numbers),
            "marks": dict(list(self.marks.items())[-MOST_EXPERIMENTS:]),
            "until": self.until.isoformat() if self.until else None,
            "after": self.after,
        }
