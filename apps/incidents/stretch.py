"""The stretch of time that a timeline shows, out of its address: a width around a moment, or two ends. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

WIDTHS: Final = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
}
NAMES: Final = {"15m": "15 min", "1h": "1 h", "6h": "6 h", "24h": "24 h"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """`key` is one of WIDTHS, "" for a stretch that was drawn by hand."""

    start: datetime
    end: datetime
    key: str = ""

    @property
    def middle(self) -> datetime:
        """Halfway."""
        return self.start + (self.end - self.start) / 2

    @property
    def query(self) -> str:
        """How an address says it."""
        if self.key:
            return f"span={self.key}&at={self.middle.timestamp():.0f}"
        return f"from={self.start.timestamp():.0f}&to={self.end.timestamp():.0f}"

    def moved(self, share: float) -> Stretch:
        """So much of its own width later; earlier with a negative share."""
        by = (self.end - self.start) * share
        return replace(self, start=self.start + by, end=self.end + by)

    def place(self, at: datetime) -> float | None:
        """Where a moment lies in it, from 0 to 1; None outside."""
        share = (at - self.start) / (self.end - self.start)
        return share if 0 <= share <= 1 else None


def stretch_of(*, span: str, at: str, begin: str, end: str, onset: datetime) -> Stretch | None:
    """What the address asks for; None for the whole incident, and for what cannot be read."""
    first, last = _moment(begin, onset), _moment(end, onset)
    if first and last and timedelta(0) < last - first <= timedelta(days=60):
        return Stretch(first, last)
    if span not in WIDTHS:
        return None
    middle = _moment(at, onset) or onset
    return Stretch(middle - WIDTHS[span] / 2, middle + WIDTHS[span] / 2, span)


def ticks(stretch: Stretch, *, most: int = 6) -> Sequence[tuple[float, datetime]]:
    """Round moments to write below the axis, with their places."""
    width = (stretch.end - stretch.start).total_seconds()
    steps = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800)
    step = next((one for one in steps if width / one <= most), steps[-1])
    first = -(-stretch.start.timestamp() // step) * step
    count = int((stretch.end.timestamp() - first) // step) + 1
    moments = [datetime.fromtimestamp(first + number * step, stretch.start.tzinfo) for number in range(count)]
    return [((one - stretch.start) / (stretch.end - stretch.start), one) for one in moments]


def _moment(text: str, onset: datetime) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(text), onset.tzinfo)
    except (ValueError, OverflowError, OSError):
        return None
