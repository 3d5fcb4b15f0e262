"""Marking pipelines whose punctuality is to be judged anew, and recording their pauses: one statement each a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from psycopg import sql

from apps.core import bulk
from apps.core.bulk import Row

_MARK = sql.SQL(
    """
    INSERT INTO pipelines_punctuality
        (pipeline_id, state, sentence, basis, expected, reason, judge_at)
    SELECT pipeline_id, '', '', '', '', '', %(now)s FROM (
        SELECT unnest(%(ids)b::bigint[]) AS pipeline_id
        UNION
        SELECT pipeline_id FROM pipelines_expectation WHERE upstream_id = ANY(%(ids)b::bigint[])
    ) AS touched
    ORDER BY pipeline_id
    ON CONFLICT (pipeline_id) DO UPDATE SET judge_at = excluded.judge_at
    WHERE pipelines_punctuality.judge_at IS NULL OR pipelines_punctuality.judge_at > excluded.judge_at
    """
)
_PAUSE = sql.SQL(
    """
    INSERT INTO pipelines_pausespan (pipeline_id, started_at)
    SELECT unnest(%(ids)b::bigint[]), %(now)s
    ON CONFLICT DO NOTHING
    """
)
_RESUME = sql.SQL(
    """
    UPDATE pipelines_pausespan SET ended_at = GREATEST(%(now)s, started_at)
    WHERE pipeline_id = ANY(%(ids)b::bigint[]) AND ended_at IS NULL
    """
)


def mark_due(*, pipeline_ids: Collection[int], at: datetime) -> None:
    """Have these pipelines, and those that follow them, judged at the next sweep."""
    if pipeline_ids:
        bulk.fetch(_MARK, {"ids": sorted(pipeline_ids), "now": at})


def record_pauses(*, pipelines: Sequence[Row], at: datetime) -> None:
    """Begin and end the pauses of what an upsert wrote (`id`, `is_paused`, `old_is_paused`)."""
    turned = [row for row in pipelines if bool(row["is_paused"]) != bool(row["old_is_paused"])]
    if begun := [row["id"] for row in turned if row["is_paused"]]:
        bulk.fetch(_PAUSE, {"ids": begun, "now": at})
    if ended := [row["id"] for row in turned if not row["is_paused"]]:
        bulk.fetch(_RESUME, {"ids": ended, "now": at})
