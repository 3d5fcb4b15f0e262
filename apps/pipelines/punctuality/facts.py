"""What is known of a pipeline when it is judged, and what a judgement says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

_OVER: Final = frozenset({"succeeded", "failed", "crashed", "cancelled", "skipped"})
_PARTITION: Final = re.compile(r"^(\d{4})-(\d\d)(?:-(\d\d)(?:[-T ](\d\d)(?::\d\d){0,2})?)?(?:Z|[+-]\d\d:\d\d)?$")


class State(StrEnum):
    """Of a pipeline, and of a slot; the values are those of `status.PunctualityState`."""

    ON_TIME = "on_time"
    LATE = "late"
    MISSED = "missed"
    RUNNING_LONG = "running_long"
    RECOVERED = "recovered"
    WAITING = "waiting"
    PAUSED = "paused"
    UNKNOWN = "unknown"


TROUBLE: Final = frozenset({State.LATE, State.MISSED, State.RUNNING_LONG})
GOOD: Final = frozenset({State.ON_TIME, State.RECOVERED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One run, by the clock of its source."""

    id: int = 0
    state: str = "succeeded"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    scheduled_for: datetime | None = None
    trigger: str = "schedule"
    partition_key: str = ""

    @property
    def came_at(self) -> datetime | None:
        """When it started; one that ended without ever starting came when it ended. None while it only waits."""
        if self.started_at is not None:
            return self.started_at
        return (self.finished_at or self.scheduled_for) if self.state in _OVER else None

    @property
    def ready_at(self) -> datetime | None:
        """When it succeeded."""
        return (self.finished_at or self.started_at) if self.state == "succeeded" else None

    @property
    def counts(self) -> bool:
        """A backfill never does: it fills the past."""
        return self.trigger != "backfill"

    @property
    def is_by_hand(self) -> bool:
        return self.trigger == "manual"

    @property
    def planned_at(self) -> datetime | None:
        """Which slot it belongs to: when it was scheduled for, unless somebody started it by hand."""
        return self.came_at if self.is_by_hand or self.scheduled_for is None else self.scheduled_for

    def is_of_old_interval(self, since: datetime) -> bool:
        """Whether its partition lies more than a day before `since`; a scheduler may lag on purpose."""
        found = _PARTITION.match(self.partition_key)
        if found is None or self.trigger == "schedule":
            return False
        year, month, day, hour = (int(part) if part else None for part in found.groups())
        try:
            begin = datetime(year or 1, month or 1, day or 1, hour or 0, tzinfo=UTC)
        except ValueError:
            return False
        length = timedelta(days=31) if day is None else timedelta(days=1)
        return begin + length < since - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is expected from `start` to `end`; without an end it goes on."""

    start: datetime
    end: datetime | None = None

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start <= end and (self.end is None or self.end > start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything a judgement needs beside the expectation. Runs and upstream times are by the source's clock.

    since: when the expectation began; nothing is expected before. heard_at: the last good news from the source: what
    is due later cannot be judged yet. skew: the source's clock minus ours. silence: why nothing is known, in words.
    upstream: when runs of the pipeline before it succeeded. last_came_at: the newest run, however long ago.
    """

    since: datetime
    at: datetime
    heard_at: datetime | None
    runs: Sequence[Seen] = ()
    pauses: Sequence[Pause] = ()
    upstream: Sequence[datetime] = ()
    skew: timedelta = timedelta(0)
    silence: str = ""
    last_came_at: datetime | None = None

    @property
    def now(self) -> datetime:
        """The newest time we know of, by the source's clock."""
        return (min(self.at, self.heard_at) if self.heard_at else self.at) + self.skew

    @property
    def open_pause(self) -> Pause | None:
        return next((pause for pause in self.pauses if pause.end is None), None)

    @property
    def resumed_at(self) -> datetime:
        """When it was last resumed, else when the expectation began."""
        return max([self.since, *(pause.end for pause in self.pauses if pause.end)])

    def is_paused_within(self, start: datetime, end: datetime) -> bool:
        return any(pause.overlaps(start, end) for pause in self.pauses)

    @property
    def last_run_at(self) -> datetime | None:
        came = [run.came_at for run in self.runs if run.came_at and run.came_at <= self.now + timedelta(minutes=1)]
        return max([*came, *([self.last_came_at] if self.last_came_at else [])], default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSlot:
    """What became of one expected run. PAUSED: excused. `deadline`: due with grace."""

    due_at: datetime
    deadline: datetime
    state: State
    met_at: datetime | None = None
    run_id: int | None = None
    run_state: str = ""
    missed_at: datetime | None = None  # from when on a late one counts as missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The state of a pipeline. `due_at`: of the slot it is about; `decide_at`: when it may change by time alone."""

    state: State
    since: datetime
    sentence: str
    slots: tuple[JudgedSlot, ...] = ()
    due_at: datetime | None = None
    next_due_at: datetime | None = None
    decide_at: datetime | None = None
