"""When a weekly digest is due, and the week as numbers and words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from apps.core.ui.formats import duration
from apps.health.strips import Span

WEEK: Final = timedelta(days=7)
SENT_FROM: Final = time(7)  # on Monday, where the person is
LATEST: Final = timedelta(days=2)  # a digest that could not be sent until then is no news any more
TROUBLE: Final = (("down", "down"), ("degraded", "degraded"), ("stale", "without news"))


def monday_of(at: datetime, zone: tzinfo) -> date:
    """The Monday of the week that a person lives in."""
    today = at.astimezone(zone).date()
    return today - timedelta(days=today.weekday())


def due_week(at: datetime, zone: tzinfo) -> date | None:
    """The Monday whose digest should be sent now; None from Wednesday morning on, and before Monday at seven."""
    monday = monday_of(at, zone)
    start = datetime.combine(monday, SENT_FROM, zone)
    return monday if start <= at < start + LATEST else None


def week_before(monday: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """From when to when the week went that ended before a Monday; an hour more or less where clocks changed."""
    return datetime.combine(monday - WEEK, time(0), zone), datetime.combine(monday, time(0), zone)


def status_words(spans: Sequence[Span], *, start: datetime, end: datetime) -> str:
    """ "Healthy 98.2% of the time; 2 h degraded, 15 min down", of the time about which something is known."""
    lasted: dict[str, float] = {}
    for span in spans:
        seconds = (min(span.end, end) - max(span.start, start)).total_seconds()
        lasted[str(span.status)] = lasted.get(str(span.status), 0.0) + max(0.0, seconds)
    known = sum(seconds for status, seconds in lasted.items() if status in ("healthy", "degraded", "down"))
    trouble = [f"{duration(lasted[status])} {word}" for status, word in TROUBLE if lasted.get(status, 0) >= 1]
    if not known:
        return "Nothing is known about this week" + (f"; {', '.join(trouble)}" if trouble else "")
    share = lasted.get("healthy", 0.0) / known
    text = "all" if share == 1 else f"{min(share, 0.999):.1%}"
    return f"Healthy {text} of the time" + (f"; {', '.join(trouble)}" if trouble else "")
