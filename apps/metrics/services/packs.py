"""Days that are over leave the table of samples: one row a series and day, a small part of the room; see packing.py.

A day of a series lies either in the table or packed. Whoever moves one or writes into an old day takes a lock first:
packers alone, writers of late samples together, so neither loses what the other has in hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic, sleep
from typing import Any, Final

import numpy as np
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg import sql

from apps.metrics.binding import copied_samples, microseconds, server_cursor
from apps.metrics.packing import pack, unpack
from apps.metrics.retention import hot_days, packed_before
from apps.metrics.services.partitions import existing_days, partition_name
from apps.metrics.services.samples import Rows

_LOCK: Final = 7_320_115  # advisory
_ROWS_AT_ONCE: Final = 500_000  # in memory, 38 bytes each
_TRIES: Final = 20  # to drop a partition between two readers
_PAUSE: Final = 0.1  # seconds
_LATE = """
SELECT packed.series_id, packed.day, packed.body
FROM metrics_packed packed
JOIN (SELECT DISTINCT * FROM unnest(%b::bigint[], %b::date[])) AS late (series_id, day) USING (series_id, day)
ORDER BY 1, 2 FOR UPDATE OF packed
"""
_REPACK = "UPDATE metrics_packed SET count = %b, body = %b WHERE series_id = %b AND day = %b"
_INSIDE = "SELECT series_id, body FROM metrics_packed WHERE day = %b AND series_id = ANY(%b)"

Samples = tuple[Any, Any]  # times and values


@dataclass(frozen=True, slots=True)
class Packed:
    """What one round of packing did."""

    days: int = 0
    samples: int = 0
    left: str = ""  # why a day stayed as it was

    def __str__(self) -> str:
        return f"{self.days} days with {self.samples} samples packed{f'; {self.left}' if self.left else ''}"


class UnfaithfulError(Exception):
    """What was packed does not come out as it went in; nothing was dropped."""


def pack_days(*, at: datetime, seconds: float = 120.0) -> Packed:
    """Pack the days that are no longer hot, oldest first, for about so many seconds; readers and writers go on."""
    ends, days, samples = monotonic() + seconds, 0, 0
    oldest_hot = at.astimezone(UTC).date() - timedelta(days=hot_days())
    for day in sorted(day for day in existing_days() if day < oldest_hot):
        if monotonic() > ends:
            return Packed(days, samples, "the rest waits for the next round")
        try:
            count = _pack_day(day)
        except OperationalError:
            return Packed(days, samples, f"{day:%d %b %Y} was in use and waits for the next round")
        days, samples = days + 1, samples + count
    if days:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE metrics_packed")
    return Packed(days, samples)


def merge_late(rows: Rows) -> tuple[Rows, Counter[int]]:
    """Write the samples whose day is packed into it; returns the others, and series -> how many samples changed.

    In the caller's transaction, and before it writes other samples: until it ends nobody packs a day.
    """
    changed: Counter[int] = Counter()
    old = packed_before(timezone.now())
    if not rows[1] or min(rows[1]) >= old:
        return rows, changed
    late: dict[tuple[int, date], dict[int, float]] = {}
    for series_id, at, value in zip(*rows, strict=True):
        if at < old:
            late.setdefault((series_id, at.astimezone(UTC).date()), {})[microseconds(at)] = value
    with connection.wrap_database_errors, server_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])
        cursor.execute(_LATE, [[series_id for series_id, _ in late], [day for _, day in late]], binary=True)
        found = cursor.fetchall()
        for series_id, day, body in found:
            samples, count = _merged(unpack(body), late[series_id, day])
            if count:
                cursor.execute(_REPACK, [len(samples[0]), pack(*samples), series_id, day])
                changed[series_id] += count
    return _without(rows, {(series_id, day) for series_id, day, _ in found}), changed


def _merged(known: Samples, news: dict[int, float]) -> tuple[Samples, int]:
    """Both together, news hold; and how many of them say something new."""
    both = dict(zip(known[0].tolist(), known[1].tolist(), strict=True))
    count = sum(both.get(at) != value for at, value in news.items())
    ordered = sorted((both | news).items())
    return (np.array([at for at, _ in ordered], "<i8"), np.array([value for _, value in ordered], "<f8")), count


def _without(rows: Rows, days: set[tuple[int, date]]) -> Rows:
    if not days:
        return rows
    kept = [row for row in zip(*rows, strict=True) if (row[0], row[1].astimezone(UTC).date()) not in days]
    return ([row[0] for row in kept], [row[1] for row in kept], [row[2] for row in kept])


def _pack_day(day: date) -> int:
    """How many samples left the table; all or none of the day.

    Writers of the partition wait; readers go on until the moment in which it is dropped.
    """
    table = sql.Identifier(partition_name(day))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(table))
        cursor.execute(sql.SQL("SELECT series_id, count(*) FROM {} GROUP BY 1 ORDER BY 1").format(table))
        sizes = cursor.fetchall()
        for series_ids in _batches(sizes):
            _move(day, table, series_ids)
        _drop(table)
        return sum(count for _, count in sizes)


def _batches(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    total = 0
    for series_id, count in sizes:
        if batch and total + count > _ROWS_AT_ONCE:
            yield batch
            batch, total = [], 0
        batch.append(series_id)
        total += count
    if batch:
        yield batch


def _move(day: date, table: sql.Identifier, series_ids: list[int]) -> None:
    """Write the packed rows of some series, and look at what was written."""
    wanted = _in_rows(table, series_ids)
    for series_id, samples in _in_packs(day, series_ids).items():  # a writer that was past the lock: rows are newer
        rows = dict(zip(*(column.tolist() for column in wanted[series_id]), strict=True))
        wanted[series_id], _ = _merged(samples, rows)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM metrics_packed WHERE day = %s AND series_id = ANY(%s)", [day, series_ids])
    with server_cursor() as own, own.copy("COPY metrics_packed FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int8", "date", "int4", "bytea"])
        for series_id, samples in wanted.items():
            copy.write_row((series_id, day, len(samples[0]), pack(*samples)))
    written = _in_packs(day, series_ids)
    if written.keys() != wanted.keys() or not all(_are_same(written[key], wanted[key]) for key in wanted):
        raise UnfaithfulError(f"{day} came out of its packs otherwise than it went in")


def _are_same(one: Samples, other: Samples) -> bool:
    """Bit by bit."""
    return all(np.array_equal(a.view("<i8"), b.view("<i8")) for a, b in zip(one, other, strict=True))


def _in_rows(table: sql.Identifier, series_ids: list[int]) -> dict[int, Samples]:
    statement = sql.SQL(
        "COPY (SELECT series_id, at, value FROM {} WHERE series_id BETWEEN {} AND {} ORDER BY series_id, at)"
        " TO STDOUT (FORMAT BINARY)"
    ).format(table, sql.Literal(series_ids[0]), sql.Literal(series_ids[-1]))
    with server_cursor() as cursor, cursor.copy(statement) as copy:
        samples = copied_samples(b"".join(copy))
    ids, starts = np.unique(samples["series"], return_index=True)
    ends = [*starts[1:].tolist(), len(samples)]
    columns = samples["at"].astype("<i8"), samples["value"].astype("<f8")
    return {
        int(series_id): (columns[0][start:end], columns[1][start:end])
        for series_id, start, end in zip(ids, starts, ends, strict=True)
    }


def _in_packs(day: date, series_ids: list[int]) -> dict[int, Samples]:
    with server_cursor() as cursor:
        cursor.execute(_INSIDE, [day, series_ids], binary=True)
        return {series_id: unpack(body) for series_id, body in cursor}


def _drop(table: sql.Identifier) -> None:
    """Wait for a moment without readers, never so long that new ones queue; so nobody sees a day twice or never.

    Readers hold `metrics_packed` from before they look for packed days until they have read the rows beside them.
    """
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
                cursor.execute("LOCK TABLE metrics_packed, ONLY metrics_sample IN ACCESS EXCLUSIVE MODE")
                cursor.execute(sql.SQL("DROP TABLE {}").format(table))
            return
        except OperationalError:
            if not left:
                raise
            sleep(_PAUSE)
