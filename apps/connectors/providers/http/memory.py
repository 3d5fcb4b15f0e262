"""What a generic source remembers between fetches: how far it is read, and the round that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.providers.http.paging import Position
from apps.connectors.values import UnreadableError, from_iso, latest, object_or_empty, optional_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One reading of the whole list. `clock` is the source's when it began, `newest` the latest time that was read.

    `pages` were read, the last with the fingerprint `seen`; `is_split` when it began in an earlier fetch.
    """

    since: datetime | None = None
    clock: datetime | None = None
    newest: datetime | None = None
    position: Position = None
    pages: int = 0
    seen: str = ""
    is_split: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`watermark`: everything up to here was read. `going_on`: a round that a fetch could not finish."""

    watermark: datetime | None = None
    going_on: Round | None = None

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> Memory:
        """The memory in a stored cursor; unreadable parts are forgotten, which only means reading again."""
        return cls(watermark=_time(cursor.get("watermark")), going_on=_round(object_or_empty(cursor.get("round"))))

    def begin(self, *, config: Mapping[str, Any], now: datetime) -> Round:
        """The round under way, or a new one from the watermark.

        `now` is our clock: before its first answer the source's is unknown, and only the backfill begins by it.
        """
        if self.going_on is not None:
            return self.going_on
        if not config["since_parameter"]:
            return Round()
        if self.watermark is None:
            return Round(since=now - timedelta(days=config["backfill_days"]))
        return Round(since=self.watermark - timedelta(minutes=config["overlap_minutes"]))

    def after(self, ended: Round, *, config: Mapping[str, Any]) -> Memory:
        """The memory after a round that came to its end: the watermark moves on and never back.

        A time ahead of the source's own clock (a planned run) must not make it skip what lies between.
        """
        by_records = latest([ended.newest])
        if by_records and ended.clock:
            by_records = min(by_records, ended.clock)
        reached = by_records if config["since_from"] == "records" or ended.clock is None else ended.clock
        return Memory(watermark=latest([self.watermark, reached]) if config["since_parameter"] else None)

    def dump(self) -> dict[str, Any]:
        """JSON types for the cursor."""
        return {"watermark": _text(self.watermark), "round": _dumped(self.going_on)}


def written(at: datetime, style: str) -> str:
    """A time as the source wants it in its since parameter, in UTC."""
    match style:
        case "date":
            return at.strftime("%Y-%m-%d")
        case "seconds":
            return str(int(at.timestamp()))
        case "millis":
            return str(int(at.timestamp() * 1000))
        case _:
            return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _dumped(one: Round | None) -> dict[str, Any] | None:
    if one is None:
        return None
    times = {"since": _text(one.since), "clock": _text(one.clock), "newest": _text(one.newest)}
    return {**times, "position": one.position, "pages": one.pages, "seen": one.seen}


def _round(item: Mapping[str, Any]) -> Round | None:
    pages, position = item.get("pages"), item.get("position")
    if not isinstance(pages, int) or not isinstance(position, int | str):
        return None
    return Round(
        since=_time(item.get("since")),
        clock=_time(item.get("clock")),
        newest=_time(item.get("newest")),
        position=position,
        pages=pages,
        seen=optional_text(item, "seen"),
        is_split=True,
    )


def _time(value: Any) -> datetime | None:
    try:
        return from_iso(value)
    except UnreadableError:
        return None


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
