"""What an Airflow source remembers between fetches: how far it read, what was told last, which runs were open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.values import UnreadableError, from_iso, list_or_empty, object_or_empty, optional_text

OVERLAP = timedelta(minutes=2)  # for transactions that end after the time they wrote
RECENT = timedelta(days=1)  # read before the rest of the history
SWEEP_EVERY = 60  # polls
MOST_REMEMBERED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Reading every run that changed after `after`, latest first, page by page; it began at `began`."""

    after: datetime
    began: datetime
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`watermark`: news up to here was read. `news`: a pass over news that a fetch could not finish. `history`: the
    backfill under way; `is_backfilled` once it is through.

    `told`: marks of ended runs told lately, so that the overlap tells none twice; `telling` those of the pass under
    way. `open_runs`: run -> DAG of those that were not over. `suspects`: DAGs that lost a run, to be listed again.
    `turn`: the open run whose tasks were read last. `sweep_after`: the last DAG of a sweep under way.
    """

    watermark: datetime | None = None
    news: Pass | None = None
    history: Pass | None = None
    is_backfilled: bool = False
    told: tuple[str, ...] = ()
    telling: tuple[str, ...] = ()
    open_runs: Mapping[str, str] = field(default_factory=dict)
    suspects: tuple[str, ...] = ()
    turn: str = ""
    polls: int = 0
    sweep_after: str | None = None

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means reading again."""
        polls, sweep_after = cursor.get("polls"), cursor.get("sweep_after")
        return cls(
            watermark=_time(cursor.get("watermark")),
            news=_pass(cursor.get("news")),
            history=_pass(cursor.get("history")),
            is_backfilled=cursor.get("is_backfilled") is True,
            told=_texts(cursor.get("told")),
            telling=_texts(cursor.get("telling")),
            open_runs={
                key: dag for key, dag in object_or_empty(cursor.get("open_runs")).items() if isinstance(dag, str)
            },
            suspects=_texts(cursor.get("suspects")),
            turn=optional_text(cursor, "turn"),
            polls=polls if isinstance(polls, int) and not isinstance(polls, bool) else 0,
            sweep_after=sweep_after if isinstance(sweep_after, str) else None,
        )

    def next_news(self, *, now: datetime, backfill: timedelta) -> Pass:
        """The pass under way, or a new one from the watermark, at first over the last day."""
        if self.news is not None:
            return self.news
        after = self.watermark - OVERLAP if self.watermark else now - min(RECENT, backfill)
        return Pass(after=min(after, now), began=now)

    def next_history(self, *, now: datetime, backfill: timedelta) -> Pass | None:
        """The backfill under way or to begin, or None when there is nothing to read."""
        if self.is_backfilled or backfill <= RECENT:
            return None
        return self.history or Pass(after=now - backfill, began=now)

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        return {
            "watermark": self.watermark.isoformat() if self.watermark else None,
            "news": _dumped(self.news),
            "history": _dumped(self.history),
            "is_backfilled": self.is_backfilled,
            "told": list(self.told[:MOST_REMEMBERED]),
            "telling": list(self.telling[:MOST_REMEMBERED]),
            "open_runs": dict(sorted(self.open_runs.items())[:MOST_REMEMBERED]),
            "suspects": list(self.suspects),
            "turn": self.turn,
            "polls": self.polls,
            "sweep_after": self.sweep_after,
        }


def _time(value: Any) -> datetime | None:
    try:
        return from_iso(value)
    except UnreadableError:
        return None


def _pass(value: Any) -> Pass | None:
    stored = object_or_empty(value)
    after, began, offset = _time(stored.get("after")), _time(stored.get("began")), stored.get("offset")
    if after is None or began is None or not isinstance(offset, int) or isinstance(offset, bool):
        return None
    return Pass(after=after, began=began, offset=max(offset, 0))


def _dumped(value: Pass | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"after": value.after.isoformat(), "began": value.began.isoformat(), "offset": value.offset}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in list_or_empty(value)[:MOST_REMEMBERED] if isinstance(item, str))
