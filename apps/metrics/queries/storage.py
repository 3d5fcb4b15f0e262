"""How the store of samples is doing: partitions, sizes, and how far the summaries have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import connection

# Sizes and counts as the planner knows them: nothing is scanned. Days come out of the names of the partitions.
_PARTITIONS: Final = """
SELECT count(*), min(right(child.relname, 8)), max(right(child.relname, 8)),
       coalesce(sum(pg_total_relation_size(child.oid)), 0), coalesce(sum(greatest(child.reltuples, 0)), 0)::bigint
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'metrics_sample'::regclass AND child.relname ~ '^metrics_sample_[0-9]{8}$'
"""
_REST: Final = """
SELECT pg_total_relation_size('metrics_hour') + pg_total_relation_size('metrics_day'),
       (SELECT count(*) FROM (SELECT FROM metrics_sample_default LIMIT 1000) AS strays),
       (SELECT min(rolled_until) FROM metrics_series WHERE kind = 'gauge' AND last_at > %s),
       (SELECT count(*) FROM metrics_series),
       (SELECT pg_total_relation_size(oid) FROM pg_class WHERE oid = 'metrics_packed'::regclass),
       (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'metrics_packed'::regclass)
         * (SELECT avg(count)::float8 FROM (SELECT count FROM metrics_packed LIMIT 1000) AS sampled),
       (SELECT min(day) FROM metrics_packed), (SELECT max(day) FROM metrics_packed)
"""


@dataclass(frozen=True, slots=True)
class Packed:
    """The days that are over for good; `samples` is an estimate."""

    bytes: int
    samples: int
    first_day: date | None
    last_day: date | None

    @property
    def bytes_a_sample(self) -> float | None:
        """With its index and what the table needs."""
        return self.bytes / self.samples if self.samples else None


@dataclass(frozen=True, slots=True)
class Storage:
    """`samples` is an estimate; `strays` lie in no day's partition, 1,000 at most are counted."""

    days: int
    first_day: date | None
    last_day: date | None
    bytes: int
    samples: int
    summary_bytes: int
    strays: int
    rolled_until: datetime | None
    series: int
    packed: Packed
    at: datetime

    @property
    def bytes_a_sample(self) -> float | None:
        """With its index."""
        return self.bytes / self.samples if self.samples else None

    @property
    def times_smaller(self) -> float | None:
        """How many times less room a packed sample takes."""
        rows, packed = self.bytes_a_sample, self.packed.bytes_a_sample
        return rows / packed if rows and packed else None

    @property
    def is_ready(self) -> bool:
        """Whether today's partition is there, or nothing was ever stored."""
        return self.last_day is None or self.last_day >= self.at.astimezone(UTC).date()

    @property
    def is_behind(self) -> bool:
        """Whether summaries are more than three hours old; charts read samples until they are there."""
        return self.rolled_until is not None and self.at - self.rolled_until > timedelta(hours=4)


def storage(*, at: datetime) -> Storage:
    """The state of the store, in two cheap queries."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        days, first, last, size, samples = cursor.fetchone()
        cursor.execute(_REST, [at - timedelta(days=1)])
        summaries, strays, rolled, series, packed_size, packed_samples, *packed_days = cursor.fetchone()
    return Storage(
        days=days,
        first_day=_day(first),
        last_day=_day(last),
        bytes=int(size),
        samples=int(samples),
        summary_bytes=int(summaries),
        strays=int(strays),
        rolled_until=rolled,
        series=int(series),
        packed=Packed(int(packed_size), int(packed_samples or 0), *packed_days),
        at=at,
    )


def _day(digits: str | None) -> date | None:
    return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).date() if digits else None
