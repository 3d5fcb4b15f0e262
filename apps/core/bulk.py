"""Set-based SQL on the server-side binding cursor: one statement and one round trip for a whole batch of rows.

Django's own cursors bind on the client, which costs twice the time of a batch and six times the client's CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from time import monotonic
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.rows import dict_row

from apps.core import asked
from apps.core.arrays import pack_arrays
from apps.core.fitting import is_storable

Row = dict[str, Any]


def fetch(statement: sql.Composable | bytes, params: Mapping[str, Any]) -> list[Row]:
    """The rows that `statement` returns, as dicts; inside the caller's transaction."""
    connection.ensure_connection()
    asked.lose_sight()
    text = statement if isinstance(statement, bytes) else statement.as_bytes(None)
    started = monotonic()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection, row_factory=dict_row) as cursor:
        pack_arrays(cursor)
        cursor.execute(text, params)
        rows = cursor.fetchall() if cursor.description else []
    if connection.queries_logged:  # so that tests which count queries count these as well
        connection.queries_log.append({"sql": text.decode(), "time": f"{monotonic() - started:.3f}"})
    return rows


def lock(*, space: str, number: int) -> None:
    """Wait until this transaction is the only one that writes `number` in `space`; released when it ends.

    Two pollers of one source are rare, but without this their batches could take row locks in different orders.
    """
    fetch(
        sql.SQL("SELECT pg_advisory_xact_lock(hashtextextended(%(space)s, %(number)s))"),
        {"space": space, "number": number},
    )


def count_absences(*, table: str, scope: str, listed: Iterable[str], now: datetime, **params: Any) -> list[Row]:
    """Rows of `scope` (SQL) that a complete listing lacks, gone at the second time, and those that came back.

    Returns `id` and `is_gone` of each row written. The table has external_id, absences and gone_at.
    """
    statement = _ABSENCES.format(table=sql.Identifier(table), scope=_raw(scope))
    return fetch(statement, params | {"listed": sorted(filter(is_storable, listed)), "now": now})


_ABSENCES = sql.SQL(
    """
    UPDATE {table} AS kept
    SET absences = CASE WHEN seen.is_listed THEN 0 ELSE kept.absences + 1 END,
        gone_at = CASE WHEN NOT seen.is_listed AND kept.absences >= 1 THEN %(now)s::timestamptz END
    FROM (
        SELECT kept.id, listed.external_id IS NOT NULL AS is_listed
        FROM {table} AS kept
        LEFT JOIN unnest(%(listed)b::text[]) AS listed(external_id) ON listed.external_id = kept.external_id
        WHERE {scope}
    ) AS seen
    WHERE kept.id = seen.id
      AND CASE WHEN seen.is_listed THEN kept.absences > 0 OR kept.gone_at IS NOT NULL ELSE kept.gone_at IS NULL END
    RETURNING kept.id, kept.gone_at IS NOT NULL AS is_gone
    """
)


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """The rows turned into one list a column, as `unnest` wants them."""
    return {name: [row[name] for row in rows] for name in names}


def unnest(columns: Mapping[str, str]) -> sql.Composed:
    """`unnest(%(a)b::bigint[], …) AS news(a, …)` for columns given as name -> PostgreSQL type of one element."""
    arrays = [_raw(f"%({name})b::{'text' if type_.endswith('[]') else type_}[]") for name, type_ in columns.items()]
    return sql.SQL("unnest({}) AS news({})").format(_comma(arrays), _names(columns))


def array_literal(items: Sequence[str]) -> str:
    """One array as PostgreSQL writes it, for a column whose type ends in []: `unnest` would flatten a real one."""
    quoted = [item.replace("\\", "\\\\").replace('"', '\\"') for item in items]
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"


@dataclass(kw_only=True)
class Upsert:
    """INSERT … ON CONFLICT DO UPDATE of a batch, where a row that says nothing new is not written.

    columns: name -> PostgreSQL type of what news may change; compared with what is stored.
    key: name -> type of the columns of the conflict; key_where: the predicate of a partial unique index.
    fixed: news of a new row that later news never changes.
    quiet: written when they differ, yet no change for people (the time of the news).
    fresh: name -> SQL, only for a new row; `%(name)s` parameters are allowed.
    also_set: name -> SQL, at every update; also_when: SQL that asks for an update though no column differs.
    guard: SQL that must hold for an update. `kept` is the stored row, `excluded` the news.
    """

    table: str
    columns: Mapping[str, str]
    key: Mapping[str, str]
    key_where: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    quiet: Mapping[str, str] = field(default_factory=dict)
    fresh: Mapping[str, str] = field(default_factory=dict)
    also_set: Mapping[str, str] = field(default_factory=dict)
    also_when: str = "false"
    guard: str = "true"
    returning: Sequence[str] = ()

    def run(self, rows: Sequence[Mapping[str, Any]], **params: Any) -> list[Row]:
        """The rows truly written: `returning`, the same as `old_…` (None for a new row), `is_new`, `is_changed`.

        `is_changed` is false where only quiet columns moved. `rows` hold one row a key.
        """
        if not rows:
            return []
        return fetch(self._statement, columns_of(rows, list(self._arrays)) | params)

    @cached_property
    def _arrays(self) -> dict[str, str]:
        return {**self.key, **self.columns, **self.fixed, **self.quiet}

    @cached_property
    def _statement(self) -> bytes:
        updated = [*(name for name in self.columns if name not in self.also_set), *self.quiet]
        shown = list(dict.fromkeys(["id", *self.returning]))
        composed = _TEXT.format(
            table=sql.Identifier(self.table),
            news=unnest(self._arrays),
            inserted=_names([*self._arrays, *self.fresh]),
            values=_comma([*(_value(*column) for column in self._arrays.items()), *map(_raw, self.fresh.values())]),
            order=_of("news", list(self.key)),
            key=_names(self.key),
            same_key=sql.SQL(" AND ").join(sql.SQL("kept.{0} = news.{0}").format(sql.Identifier(n)) for n in self.key),
            key_where=_raw(f"WHERE {self.key_where}" if self.key_where else ""),
            kept_where=_raw(f"AND kept.{self.key_where}" if self.key_where else ""),
            sets=_comma([*map(_take, updated), *(_raw(f"{name} = {text}") for name, text in self.also_set.items())]),
            guard=_raw(self.guard),
            also_when=_raw(self.also_when),
            stored=_of("kept", updated),
            told=_of("excluded", updated),
            before=_of("before", list(self.columns)),
            after=_of("written", list(self.columns)),
            shown=_of("written", shown),
            old_shown=_comma([_raw(f"before.{name} AS old_{name}") for name in shown]),
        )
        return composed.as_bytes(None)


_TEXT = sql.SQL(
    """
    WITH news AS (SELECT * FROM {news}),
    before AS (SELECT kept.* FROM {table} AS kept JOIN news ON {same_key} {kept_where}),
    written AS (
        INSERT INTO {table} AS kept ({inserted}) SELECT {values} FROM news ORDER BY {order}
        ON CONFLICT ({key}) {key_where} DO UPDATE SET {sets}
        WHERE ({guard}) AND (({stored}) IS DISTINCT FROM ({told}) OR ({also_when}))
        RETURNING kept.*
    )
    SELECT {shown}, {old_shown}, before.id IS NULL AS is_new,
           before.id IS NULL OR ({before}) IS DISTINCT FROM ({after}) AS is_changed
    FROM written LEFT JOIN before ON before.id = written.id
    ORDER BY written.id
    """
)


def _raw(text: str) -> sql.SQL:
    """SQL out of this code base's own constants, never out of data."""
    return sql.SQL(text)


def _value(name: str, type_: str) -> sql.SQL:
    return _raw(f"news.{name}::{type_}" if type_.endswith("[]") else f"news.{name}")


def _take(name: str) -> sql.SQL:
    return _raw(f"{name} = excluded.{name}")


def _comma(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _names(names: Mapping[str, Any] | Sequence[str]) -> sql.Composed:
    return _comma([sql.Identifier(name) for name in names])


def _of(alias: str, names: Sequence[str]) -> sql.Composed:
    return _comma([sql.Identifier(alias, name) for name in names])
