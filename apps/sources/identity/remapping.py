"""Healing what is stored: every row of a table is put where the rules say now, without asking its source again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg import sql

from apps.core import bulk
from apps.core.bulk import Row
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

CHUNK = 2_000  # rows read at once


def _as_they_are(row: Row) -> Mapping[str, str]:
    found: Mapping[str, str] = row["labels"]
    return found


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of one kind of record. `name` is SQL over the row `kept`; `extra` columns are read for `known_as`."""

    table: str
    kind: str
    name: str = "kept.name"
    has_labels: bool = True
    has_environment: bool = True
    has_items: bool = True  # the source's own items are kept under its external_id
    extra: Mapping[str, str] = field(default_factory=dict)  # column name -> SQL
    known_as: Callable[[Row], Mapping[str, str]] = _as_they_are


def remap_table(table: Table, *, source: Source, mapper: Mapper) -> list[Row]:
    """The rows that moved: `id`, the new and the `old_` feature_id, component_id and environment_id."""
    moved: list[Row] = []
    for rows in _chunks(table, source, table.has_items and mapper.looks_into_items(table.kind)):
        changed = [row for row in (_placed(table, row, mapper) for row in rows) if row is not None]
        if changed:
            _move(table, changed)
            moved += changed
    return moved


def moved(rows: Sequence[Row], *, topics: Iterable[str] = ()) -> Stored:
    """What the caller is told of rows that moved: how many, and which features gained or lost one."""
    found = {row[name] for row in rows for name in ("feature_id", "old_feature_id") if row[name]}
    return Stored(changed=len(rows), feature_ids=found, set_ids=set(found), topics=set(topics) if rows else set())


def _placed(table: Table, row: Row, mapper: Mapper) -> Row | None:
    """The row with its new place, or None when it stays where it is."""
    place = mapper.resolve(
        kind=table.kind, name=row["name"], labels=table.known_as(row), raw=row["payload"], is_noted=False
    )
    new: dict[str, Any] = {"feature_id": place.feature_id, "component_id": place.component_id}
    new["environment_id"] = place.environment_id if table.has_environment else None
    old = {f"old_{name}": row[name] for name in new}
    return None if list(new.values()) == list(old.values()) else {"id": row["id"], **new, **old}


def _chunks(table: Table, source: Source, with_items: bool) -> Iterator[list[Row]]:
    statement = _READ.format(
        table=sql.Identifier(table.table),
        name=sql.SQL(table.name),
        labels=sql.SQL("kept.labels" if table.has_labels else "'{}'::jsonb AS labels"),
        environment=sql.SQL("kept.environment_id" if table.has_environment else "NULL::bigint AS environment_id"),
        extra=sql.SQL("").join(sql.SQL(f", {text} AS {name}") for name, text in table.extra.items()),
        payload=sql.SQL("raw.payload" if with_items else "NULL::jsonb AS payload"),
        join=_JOIN if with_items else sql.SQL(""),
    )
    last = 0
    while rows := bulk.fetch(statement, {"source": source.pk, "kind": table.kind, "after": last, "most": CHUNK}):
        for row in rows:
            row["labels"] = orjson.loads(row["labels"])  # Django leaves jsonb a text
            row["payload"] = None if row["payload"] is None else orjson.loads(row["payload"])
        yield rows
        last = rows[-1]["id"]


def _move(table: Table, rows: Sequence[Row]) -> None:
    sets = "feature_id = news.feature_id, component_id = news.component_id"
    if table.has_environment:
        sets += ", environment_id = news.environment_id"
    columns = {"id": "bigint", "feature_id": "bigint", "component_id": "bigint", "environment_id": "bigint"}
    statement = _MOVE.format(table=sql.Identifier(table.table), sets=sql.SQL(sets), news=bulk.unnest(columns))
    bulk.fetch(statement, bulk.columns_of(rows, list(columns)))


_JOIN = sql.SQL(
    "LEFT JOIN sources_rawrecord AS raw ON raw.source_id = kept.source_id AND raw.kind = %(kind)s"
    " AND raw.external_id = kept.external_id"
)
_READ = sql.SQL(
    """
    SELECT kept.id, {name} AS name, {labels}, kept.feature_id, kept.component_id, {environment}, {payload}{extra}
    FROM {table} AS kept {join}
    WHERE kept.source_id = %(source)s AND kept.id > %(after)s ORDER BY kept.id LIMIT %(most)s
    """
)
_MOVE = sql.SQL("UPDATE {table} AS kept SET {sets} FROM {news} WHERE kept.id = news.id")
