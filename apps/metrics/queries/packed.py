"""Samples wherever they lie: statements are written for the table of samples, and packed days are read into them.

A day of a series lies either in the table or packed, never in both. Packed days are unpacked here and handed to the
statement as three arrays that stand beside the table. Hot days are never packed, so most statements run as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from psycopg.rows import dict_row

from apps.core import bulk
from apps.metrics import binding
from apps.metrics.packing import unpack
from apps.metrics.retention import packed_before

_TABLE: Final = "metrics_sample"
_WITH: Final = f"""
WITH sample_or_packed AS NOT MATERIALIZED (
    SELECT series_id, at, value FROM {_TABLE}
    UNION ALL
    SELECT series_id, at, value FROM unnest(%(packed_series)s::bigint[], %(packed_at)s::timestamptz[],
           %(packed_value)s::float8[]) AS packed (series_id, at, value)
)
"""  # noqa: S608 - a constant name
_PACKED: Final = """
SELECT packed.series_id, packed.body FROM metrics_packed packed
WHERE (packed.series_id, packed.day) IN (
    SELECT reach.series_id, known.day
    FROM unnest(%b::bigint[], %b::date[], %b::date[]) AS reach (series_id, first, last)
    JOIN metrics_packed known ON known.series_id = reach.series_id AND known.day BETWEEN reach.first AND reach.last
)
"""
# The day of `until` may begin after it.
_NEWEST: Final = "SELECT body FROM metrics_packed WHERE series_id = %s AND day <= %s ORDER BY day DESC LIMIT 2"


class Reach(NamedTuple):
    """What a statement reads of one series, both ends included."""

    series_id: int
    start: datetime
    end: datetime


def rows(
    statement: str, values: Mapping[str, Any], *, since: datetime, reach: Iterable[Reach]
) -> list[tuple[Any, ...]]:
    """What a statement over `metrics_sample` answers, packed days included.

    since: before it nothing is read. reach: looked at only where packed days may lie.
    """
    with _unpacked(since, reach) as packed:
        if not packed:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall()) if cursor.description else []
        with connection.wrap_database_errors, binding.server_cursor() as own:
            own.execute(_beside(statement), {**values, **packed})
            return list(own.fetchall()) if own.description else []


def fetch(statement: bytes, values: Mapping[str, Any], *, since: datetime, reach: Iterable[Reach]) -> list[bulk.Row]:
    """The same for a statement that is bound on the server; rows are dicts."""
    with _unpacked(since, reach) as packed:
        if not packed:
            return bulk.fetch(statement, values)
        with connection.wrap_database_errors, binding.server_cursor() as own:
            own.row_factory = dict_row
            own.execute(_beside(statement.decode()), {**values, **packed})
            return list(own.fetchall())


def newest_packed(*, series_id: int, until: datetime) -> datetime | None:
    """When the newest packed sample up to `until` was."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [series_id, until.astimezone(UTC).date()])
        bodies = [body for (body,) in cursor.fetchall()]
    most = binding.microseconds(until)
    times = [times[times <= most] for times, _ in map(unpack, bodies)]
    newest = max((int(one[-1]) for one in times if one.size), default=None)
    return None if newest is None else binding.time_of(newest)


def _beside(statement: str) -> bytes:
    return (_WITH + statement.replace(_TABLE, "sample_or_packed")).encode()


@contextmanager
def _unpacked(since: datetime, reach: Iterable[Reach]) -> Iterator[dict[str, Any]]:
    """The parameters that hold the packed samples, none where nothing is packed.

    Until the end of the transaction nobody can pack a day: whoever packs waits for the readers of `metrics_packed`.
    """
    if since >= packed_before(timezone.now()):
        yield {}
        return
    with transaction.atomic(savepoint=False):
        yield _arrays(list(reach))


def _arrays(reach: list[Reach]) -> dict[str, Any]:
    if not reach:
        return {}
    series = [one.series_id for one in reach]
    days = [[at.astimezone(UTC).date() for at in ends] for _, *ends in reach]
    with connection.wrap_database_errors, binding.server_cursor() as cursor:
        cursor.execute(_PACKED, [series, [first for first, _ in days], [last for _, last in days]], binary=True)
        wanted: dict[int, list[Reach]] = {}
        for one in reach:
            wanted.setdefault(one.series_id, []).append(one)
        found = [_within(series_id, body, wanted[series_id]) for series_id, body in cursor]
    if not found:
        return {}
    ids, times, values = (np.concatenate(column) for column in zip(*found, strict=True))
    return {
        "packed_series": binding.array(ids, binding.BIGINTS),
        "packed_at": binding.array(times, binding.TIMESTAMPS),
        "packed_value": binding.array(values, binding.FLOATS),
    }


def _within(series_id: int, body: bytes, reach: list[Reach]) -> tuple[Any, Any, Any]:
    """The samples of one day that somebody wants."""
    times, values = unpack(body)
    wanted = np.zeros(len(times), bool)
    for one in reach:
        wanted |= (times >= binding.microseconds(one.start)) & (times <= binding.microseconds(one.end))
    return np.full(int(wanted.sum()), series_id), times[wanted], values[wanted]
