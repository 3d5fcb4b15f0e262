"""Samples into the table, set by set: an unchanged sample writes no row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from apps.metrics.binding import server_cursor

STAGED_FROM: Final = 10_000  # rows; from here on a copy into a staging table beats arrays

Rows = tuple[Sequence[int], Sequence[datetime], Sequence[float]]  # series, times and values, side by side

_UPSERT = """
WITH written AS (
    INSERT INTO metrics_sample AS known (series_id, at, value) {rows}
    ON CONFLICT (series_id, at) DO UPDATE SET value = excluded.value WHERE known.value IS DISTINCT FROM excluded.value
    RETURNING series_id
)
SELECT series_id, count(*) FROM written GROUP BY series_id
"""
_FROM_ARRAYS = _UPSERT.format(rows="SELECT * FROM unnest(%b::bigint[], %b::timestamptz[], %b::float8[])")
_FROM_STAGE = _UPSERT.format(rows="SELECT series_id, at, value FROM metrics_stage")
_STAGE = "CREATE TEMPORARY TABLE metrics_stage (series_id bigint, at timestamptz, value float8) ON COMMIT DROP"


def write_samples(rows: Rows) -> dict[int, int]:
    """Store `rows`, unique by series and time, inside the caller's transaction; series -> how many rows changed."""
    if not rows[0]:
        return {}
    with server_cursor() as cursor:
        if len(rows[0]) < STAGED_FROM:
            cursor.execute(_FROM_ARRAYS, rows)
            return dict(cursor.fetchall())
        cursor.execute(_STAGE)
        with cursor.copy("COPY metrics_stage FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "timestamptz", "float8"])
            for row in zip(*rows, strict=True):
                copy.write_row(row)
        cursor.execute(_FROM_STAGE)
        changed = dict(cursor.fetchall())
        cursor.execute("DROP TABLE metrics_stage")
        return changed
