"""The stretch of time a chart shows, out of an address: `?range=24h`, or `?from=…&to=…` after zooming. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from apps.core.ui import formats

WEEK: Final = timedelta(days=7)
RANGES: Final = {
    "1h": ("1 h", timedelta(hours=1)),
    "24h": ("24 h", timedelta(hours=24)),
    "7d": ("7 days", WEEK),
    "30d": ("30 days", timedelta(days=30)),
}
COMPARISONS: Final = {"week": "Same time last week", "previous": "The stretch before", "off": "Nothing"}
USUAL: Final = "24h"
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`; `key` is "" for a stretch somebody zoomed to. `label` reads after "last" or alone.

    `compare` is a key of COMPARISONS.
    """

    key: str
    label: str
    start: datetime
    end: datetime
    compare: str = "week"

    def is_closed(self, at: datetime) -> bool:
        """Whether the same address asks for the same stretch later on, all of it over at `at`."""
        return not self.key and self.end <= at

    @property
    def shift(self) -> timedelta:
        """How far back the stretch to compare with lies: a week, or its own length if that is longer or asked for."""
        length = self.end - self.start
        return length if self.compare == "previous" else max(WEEK, length)

    @property
    def than(self) -> str:
        """What the earlier stretch is called."""
        if self.shift == WEEK:
            return "Same time last week"
        return (
            f"The {formats.duration(self.shift.total_seconds())} before"
            if self.shift.days < 2
            else (f"The {self.shift.days} days before")
        )

    @property
    def is_compared(self) -> bool:
        """Whether an earlier stretch is shown at all."""
        return self.compare != "off"


def read_span(params: Mapping[str, str], *, at: datetime, zone: tzinfo) -> Span:
    """The stretch an address asks for, seen from `at`; what cannot be read is the usual day."""
    compare = params.get("compare", "")
    compare = compare if compare in COMPARISONS else "week"
    zoomed = _zoomed(params.get("from", ""), params.get("to", ""), zone)
    if zoomed:
        start, end = zoomed
        now = at.astimezone(zone)
        return Span("", f"{formats.when(start, now)} to {formats.when(end, now)}", start, end, compare)
    key = params.get("range", "")
    label, length = RANGES.get(key, RANGES[USUAL])
    return Span(key if key in RANGES else USUAL, f"last {label}", at - length, at, compare)


def _zoomed(start: str, end: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """Wall-clock times of the reader, or times with their own zone; None unless they make a stretch."""
    try:
        first, last = (datetime.fromisoformat(text) for text in (start, end))
        first, last = (at if at.tzinfo else at.replace(tzinfo=zone) for at in (first, last))
        return (first, last) if _SHORTEST <= last - first <= _LONGEST else None
    except (ValueError, OverflowError):
        return None
