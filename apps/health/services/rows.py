"""The judgements of many features in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from psycopg import sql

from apps.core import bulk
from apps.health.models import FeatureHealth

_COLUMNS: Final = {
    "feature_id": "bigint",
    "status": "text",
    "sentence": "text",
    "since": "timestamptz",
    "reasons": "text",
    "oldest_input_at": "timestamptz",
    "evaluated_at": "timestamptz",
    "stale_at": "timestamptz",
    "version": "bigint",
    "history_from": "timestamptz",
    "data_because": "text",
    "data_as_of": "timestamptz",
    "data_since": "timestamptz",
}
_UPSERT: Final = sql.SQL(
    "INSERT INTO health_featurehealth ({columns}) SELECT {values} FROM {news}"
    " ON CONFLICT (feature_id) DO UPDATE SET {changes}"
).format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
    values=sql.SQL(", ").join(
        sql.SQL("reasons::jsonb") if name == "reasons" else sql.Identifier(name) for name in _COLUMNS
    ),
    news=bulk.unnest(_COLUMNS),
    changes=sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _COLUMNS if name != "feature_id"
    ),
)


def write(rows: Sequence[FeatureHealth]) -> None:
    """Store the rows, new ones and old ones alike; the caller holds their locks."""
    if not rows:
        return
    columns = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
    columns["reasons"] = [orjson.dumps(row.reasons).decode() for row in rows]
    bulk.fetch(_UPSERT, columns)
