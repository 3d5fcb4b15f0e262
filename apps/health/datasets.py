"""How old the data of one component are, against what people allow: what feeds it and a time in, a state out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from apps.core.ui.formats import duration
from apps.pipelines.punctuality.expectation import Clock
from apps.pipelines.punctuality.slots import next_slots

_A_MOMENT: Final = timedelta(microseconds=1)


class DataState(StrEnum):
    """The values are those of `status.DataStatus`."""

    FRESH = "fresh"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How old data may be. With `due`, ages count from a due time that passed in vain, else from the last refresh."""

    warn: timedelta | None = None
    fail: timedelta | None = None
    due: Clock | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A pipeline that refreshes the data. `as_of`: how new it made them; `trouble`: "failed", "is late", "" for none.

    `silence`: why nothing is heard of it now, "" while it is.
    """

    id: int
    name: str
    as_of: datetime | None = None
    trouble: str = ""
    silence: str = ""

    @property
    def because(self) -> str:
        """ "the pipeline “Nightly index” failed", "" without trouble."""
        return f"the pipeline “{self.name}” {self.trouble}" if self.trouble else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The build of an index that is live. After a return to an older one, only what came since counts for it."""

    as_of: datetime
    live_since: datetime
    is_rollback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedData:
    """The answer. `judge_at`: when time alone may change it; `cause`: the feed that is in trouble."""

    state: DataState
    text: str
    as_of: datetime | None = None
    since: datetime | None = None
    judge_at: datetime | None = None
    cause: Feed | None = None


def judge(limits: Limits, *, feeds: Sequence[Feed], build: Build | None = None, at: datetime) -> JudgedData:
    """The state at one time.

    1. Never refreshed: unknown, never fresh.
    2. Too old by its limits: but only if something that feeds it is heard of, else nobody knows.
    3. Otherwise fresh.
    """
    cause = min((feed for feed in feeds if feed.trouble), key=_oldest, default=None)
    as_of = refreshed_at(feeds, build)
    if as_of is None:
        return JudgedData(state=DataState.UNKNOWN, text=_never(feeds), cause=cause)
    warn_at, fail_at = deadlines(limits, as_of)
    state, since = _state(warn_at, fail_at, at)
    judge_at = min((one for one in (warn_at, fail_at) if one and one > at), default=None)
    if state is not DataState.FRESH and feeds and all(feed.silence for feed in feeds):
        return JudgedData(state=DataState.UNKNOWN, text=feeds[0].silence.rstrip("."), as_of=as_of, judge_at=judge_at)
    text = _text(state, limits, cause)
    return JudgedData(state=state, text=text, as_of=as_of, since=since or as_of, judge_at=judge_at, cause=cause)


def refreshed_at(feeds: Sequence[Feed], build: Build | None = None) -> datetime | None:
    """Up to when the data go: the newest of what fed them and of the build that is live."""
    marks = [feed.as_of for feed in feeds if feed.as_of]
    if build is None:
        return max(marks, default=None)
    if build.is_rollback:
        marks = [mark for mark in marks if mark > build.live_since]
    return max([build.as_of, *marks])


def deadlines(limits: Limits, as_of: datetime) -> tuple[datetime | None, datetime | None]:
    """When data from `as_of` begin to be old, and to be too old; None for never.

    A due time is met by whatever came after the one before it, so data run out at the second due time from them on.
    """
    start: datetime | None = as_of
    if limits.due is not None:
        ahead = next_slots(limits.due, as_of - _A_MOMENT, 2)
        start = ahead[1].due_at + ahead[1].slack if len(ahead) == 2 else None
    if start is None:
        return None, None
    return (start + limits.warn if limits.warn is not None else None), (
        start + limits.fail if limits.fail is not None else None
    )


def too_old(
    limits: Limits, came: Iterable[tuple[datetime, datetime]], *, end: datetime
) -> list[tuple[datetime, datetime]]:
    """The stretches up to `end` in which data were too old; `came`: (when data arrived, up to when they go).

    Before the first arrival nothing is known. Data that are no newer than what was there change nothing.
    """
    found: list[tuple[datetime, datetime]] = []
    newest: datetime | None = None
    runs_out: datetime | None = None
    for arrived, as_of in [*sorted(came), (end, datetime.max.replace(tzinfo=UTC))]:
        if newest is not None and as_of <= newest:
            continue
        if runs_out is not None and runs_out < arrived:
            found.append((runs_out, min(arrived, end)))
        newest = as_of
        fails_at = deadlines(limits, as_of)[1] if arrived < end else None
        runs_out = max(fails_at, arrived) if fails_at else None
    return found


def _state(warn_at: datetime | None, fail_at: datetime | None, at: datetime) -> tuple[DataState, datetime | None]:
    if fail_at and at >= fail_at:
        return DataState.FAIL, fail_at
    if warn_at and at >= warn_at:
        return DataState.WARN, warn_at
    return DataState.FRESH, None


def _oldest(feed: Feed) -> tuple[bool, float, str]:
    return feed.as_of is None, feed.as_of.timestamp() if feed.as_of else 0.0, feed.name


def _never(feeds: Sequence[Feed]) -> str:
    if not feeds:
        return "no pipeline that feeds it is known"
    return feeds[0].silence.rstrip(".") or f"the pipeline “{feeds[0].name}” has not refreshed it yet"


def _text(state: DataState, limits: Limits, cause: Feed | None) -> str:
    why = f", because {cause.because}" if cause else ""
    if state is DataState.FRESH:
        return f"refreshed in time, but {cause.because}" if cause else "refreshed in time"
    allowed = (limits.fail if state is DataState.FAIL else limits.warn) or timedelta(0)
    if limits.due is None:
        return f"not refreshed for more than {duration(allowed.total_seconds())}{why}"
    late = f"even {duration(allowed.total_seconds())} after" if allowed else "by"
    return f"not refreshed {late} the time it was due{why}"
