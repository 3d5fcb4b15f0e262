"""The day partitions of the sample table: made before they are needed, dropped when their day is no longer kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg import sql

from apps.metrics.retention import sample_days

TABLE: Final = "metrics_sample"
DAYS_AHEAD: Final = 3
_LOCK: Final = 7_320_114  # advisory: one maker of partitions at a time


@dataclass(frozen=True, slots=True)
class Kept:
    """What one round of housekeeping did."""

    made: int
    dropped: int
    left: str = ""  # why something could not be dropped this time

    def __str__(self) -> str:
        return f"{self.made} day partitions made, {self.dropped} dropped{f'; {self.left}' if self.left else ''}"


def partition_name(day: date) -> str:
    """The table that holds one UTC day."""
    return f"{TABLE}_{day:%Y%m%d}"


def ensure_partitions(*, days: Iterable[date]) -> int:
    """Make the day partitions that are missing; returns how many were. Safe beside other makers.

    Samples of such a day that wait in the default partition move into the new one.
    """
    missing = _missing(set(days))
    if not missing:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        missing = _missing(missing)  # somebody else may have made them while we waited
        for day in sorted(missing):
            cursor.execute(_creation(day))
    return len(missing)


def keep_partitions(*, at: datetime) -> Kept:
    """Make the partitions of the next days and drop those whose day is no longer kept."""
    today = at.astimezone(UTC).date()
    made = ensure_partitions(days=[today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD + 1)])
    oldest = today - timedelta(days=sample_days())
    dropped, left = 0, ""
    for day in sorted(day for day in existing_days() if day < oldest):
        if not _drop(day):
            left = f"{partition_name(day)} was in use and waits for the next round"
            break
        dropped += 1
    _forget(oldest)
    return Kept(made, dropped, left)


def _missing(days: set[date]) -> set[date]:
    names = {partition_name(day): day for day in days}
    if not names:
        return set()
    with (
        connection.cursor() as cursor
    ):  # asks the table: to_regclass() would answer from a cache while we wait for a lock
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE NOT EXISTS"
            " (SELECT FROM pg_class WHERE relname = name AND relnamespace = current_schema()::regnamespace)",
            [list(names)],
        )
        return {names[name] for (name,) in cursor.fetchall()}


def existing_days() -> set[date]:
    """The days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(child.relname, 8) FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
            " WHERE inhparent = %s::regclass AND child.relname ~ %s",
            [TABLE, rf"^{TABLE}_\d{{8}}$"],
        )
        return {datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).date() for (digits,) in cursor.fetchall()}


def _creation(day: date) -> sql.Composed:
    """Built beside the table and attached, so that readers and writers of other days are not kept waiting."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return sql.SQL(
        "CREATE TABLE {name} (LIKE {table} INCLUDING ALL);"
        "WITH moved AS (DELETE FROM {default} WHERE at >= {begin} AND at < {end} RETURNING *)"
        " INSERT INTO {name} SELECT * FROM moved;"
        "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"
    ).format(
        name=sql.Identifier(partition_name(day)),
        table=sql.Identifier(TABLE),
        default=sql.Identifier(f"{TABLE}_default"),
        begin=sql.Literal(begin.isoformat()),
        end=sql.Literal((begin + timedelta(days=1)).isoformat()),
    )


def _drop(day: date) -> bool:
    """Whether the day is gone; a partition that a long query reads is left for the next round."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition_name(day))))
    except OperationalError:
        return False
    return True


def _forget(oldest: date) -> None:
    """What lies in no partition of a day."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM metrics_packed WHERE day < %s", [oldest])
        cursor.execute(f"DELETE FROM {TABLE}_default WHERE at < %s", [oldest])  # noqa: S608 - a constant name
