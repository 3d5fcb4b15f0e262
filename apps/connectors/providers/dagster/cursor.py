"""What a Dagster source remembers between fetches: how far changes are read, which runs were open, what is swept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.values import UnreadableError, from_iso, list_or_empty, object_or_empty, optional_text

OVERLAP = timedelta(minutes=2)  # run workers write the time of an update by their own clocks
SWEEP_EVERY = 20  # polls
MOST_REMEMBERED = 300  # open runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Reading the runs that changed after a time, newest first; `cursor` is the run id where the next page begins."""

    after: datetime
    began: datetime
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`watermark`: every change up to here was read. `going_on`: a pass that a fetch could not finish.

    `open_runs`: run id -> pipeline id of those that were not over. `suspects`: pipelines that lost a run, to be listed
    again. `sweep_after` is the last job name of a sweep under way, None when none is.
    """

    watermark: datetime | None = None
    going_on: Pass | None = None
    polls: int = 0
    open_runs: Mapping[str, str] = field(default_factory=dict)
    suspects: tuple[str, ...] = ()
    sweep_after: str | None = None

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means reading again."""
        polls, sweep_after = cursor.get("polls"), cursor.get("sweep_after")
        open_runs = object_or_empty(cursor.get("open_runs"))
        return cls(
            watermark=_time(cursor.get("watermark")),
            going_on=_pass(object_or_empty(cursor.get("pass"))),
            polls=polls if isinstance(polls, int) else 0,
            open_runs={run_id: pipeline for run_id, pipeline in open_runs.items() if isinstance(pipeline, str)},
            suspects=tuple(item for item in list_or_empty(cursor.get("suspects")) if isinstance(item, str)),
            sweep_after=sweep_after if isinstance(sweep_after, str) else None,
        )

    def next_pass(self, *, now: datetime, backfill: timedelta) -> Pass:
        """The pass under way, or a new one from the watermark (at first: from the backfill's begin)."""
        if self.going_on is not None:
            return self.going_on
        after = self.watermark - OVERLAP if self.watermark else now - backfill
        return Pass(after=min(after, now), began=now)

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        going_on = None
        if self.going_on is not None:
            span = {"after": self.going_on.after.isoformat(), "began": self.going_on.began.isoformat()}
            going_on = {**span, "cursor": self.going_on.cursor}
        return {
            "watermark": self.watermark.isoformat() if self.watermark else None,
            "pass": going_on,
            "polls": self.polls,
            "open_runs": dict(sorted(self.open_runs.items())[:MOST_REMEMBERED]),
            "suspects": list(self.suspects),
            "sweep_after": self.sweep_after,
        }


def _time(value: Any) -> datetime | None:
    try:
        return from_iso(value)
    except UnreadableError:
        return None


def _pass(item: Mapping[str, Any]) -> Pass | None:
    after, began = _time(item.get("after")), _time(item.get("began"))
    if after is None or began is None:
        return None
    return Pass(after=after, began=began, cursor=optional_text(item, "cursor") or None)
