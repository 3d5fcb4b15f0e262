"""How new the data of a run can be: no newer than its start, its logical date and the end of its partition. Pure.

A backfill, a run by hand of an old date, a catch-up: each moves the mark only as far as what it worked on.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_ISO: Final = re.compile(r"^\d{4}-\d\d-\d\dT\d\d(:\d\d){1,2}(\.\d+)?(Z|[+-]\d\d:?\d\d)?$")
_HOUR: Final = re.compile(r"^(\d{4}-\d\d-\d\d)[- ](\d\d):(\d\d)$")
_DAY: Final = re.compile(r"^\d{4}-\d\d-\d\d$")
_MONTH: Final = re.compile(r"^(\d{4})-(\d\d)$")


def data_mark(
    *,
    trigger: str,
    partition_key: str = "",
    started_at: datetime | None = None,
    scheduled_for: datetime | None = None,
    finished_at: datetime | None = None,
) -> datetime | None:
    """Up to when the data of a run goes at most, if it succeeds.

    None where nobody can tell: a run without any time, and a backfill whose partition is no time.
    """
    end = partition_end(partition_key)
    if trigger == "backfill":
        return min(end, started_at or end) if end else None
    known = [one for one in (started_at or finished_at, scheduled_for, end) if one is not None]
    return min(known, default=None)


def partition_end(key: str) -> datetime | None:
    """When the time that a partition key names is over (UTC where it names no zone); None for a key that is no time.

    `2026-11-24` · `2026-11` · `2026-11-24-05:00` (an hour) · `2026-11-24T05:00:00Z` (an instant) · `<begin>/<end>` ·
    `<first>...<last>` · `eu|2026-11-24`: the part that is a time. Where nobody tells a length, it is a day.
    """
    for separator in ("...", "/"):
        if separator in key:
            return _end_of(key.rpartition(separator)[2].strip())
    ends = [end for part in key.split("|") if (end := _end_of(part.strip()))]
    return min(ends, default=None)


def _end_of(text: str) -> datetime | None:
    try:
        if _ISO.match(text):
            return _in_utc(datetime.fromisoformat(text))
        if found := _HOUR.match(text):
            return _in_utc(datetime.fromisoformat(f"{found[1]}T{found[2]}:{found[3]}")) + timedelta(hours=1)
        if _DAY.match(text):
            return _in_utc(datetime.fromisoformat(text)) + timedelta(days=1)
        if found := _MONTH.match(text):
            year, month = int(found[1]), int(found[2])
            return datetime(year, month, 1, tzinfo=UTC).replace(year=year + month // 12, month=month % 12 + 1)
    except (ValueError, OverflowError):
        return None
    return None


def _in_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
