"""Keeping what a pipeline's row says of its newest runs, so that no page and no rule searches history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from apps.core import bulk
from apps.pipelines.marks import data_mark
from apps.pipelines.status import FAILED_STATES, RunState

_MOVE_LAST_RUNS = sql.SQL(
    """
    UPDATE pipelines_pipeline AS pipeline
    SET last_run_id = newest.id,
        last_run_at = newest.at,
        last_state = COALESCE(newest.state, ''),
        active_at = COALESCE(newest.at, pipeline.first_seen_at),
        last_succeeded_at = GREATEST(pipeline.last_succeeded_at, touched.succeeded_at),
        last_failed_at = GREATEST(pipeline.last_failed_at, touched.failed_at),
        data_as_of = GREATEST(pipeline.data_as_of, touched.good_mark),
        data_failed_at = CASE WHEN touched.bad_mark > COALESCE(pipeline.data_failed_as_of, '-infinity')
                              THEN touched.bad_at ELSE pipeline.data_failed_at END,
        data_failed_as_of = GREATEST(pipeline.data_failed_as_of, touched.bad_mark)
    FROM unnest(%(pipeline_ids)b::bigint[], %(succeeded_at)b::timestamptz[], %(failed_at)b::timestamptz[],
                %(good_mark)b::timestamptz[], %(bad_mark)b::timestamptz[], %(bad_at)b::timestamptz[])
         AS touched(pipeline_id, succeeded_at, failed_at, good_mark, bad_mark, bad_at)
    LEFT JOIN LATERAL (
        SELECT run.id, run.at, run.state FROM pipelines_run AS run
        WHERE run.pipeline_id = touched.pipeline_id
          AND (run.state <> 'queued' OR run.at <= %(now)s)
          AND (run.gone_at IS NULL OR run.state NOT IN ('queued', 'running'))
        ORDER BY run.at DESC, run.id DESC LIMIT 1
    ) AS newest ON true
    WHERE pipeline.id = touched.pipeline_id
      AND (pipeline.last_run_id, pipeline.last_run_at, pipeline.last_state, pipeline.last_succeeded_at,
           pipeline.last_failed_at, pipeline.data_as_of, pipeline.data_failed_as_of)
          IS DISTINCT FROM
          (newest.id, newest.at, COALESCE(newest.state, ''), GREATEST(pipeline.last_succeeded_at, touched.succeeded_at),
           GREATEST(pipeline.last_failed_at, touched.failed_at), GREATEST(pipeline.data_as_of, touched.good_mark),
           GREATEST(pipeline.data_failed_as_of, touched.bad_mark))
    """
)


@dataclass(slots=True)
class _Ends:
    """What a batch tells of one pipeline: when it last succeeded and failed, and how new its data are or would be."""

    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    good_mark: datetime | None = None
    bad_mark: datetime | None = None
    bad_at: datetime | None = None

    def add(self, run: Mapping[str, Any], at: datetime) -> None:
        """Take one run in; a run that has not ended, or of which only the pipeline is known, says nothing."""
        ended = run.get("finished_at") or run.get("upstream_at")
        if ended is None:
            return
        mark = _mark(run, at)
        if run["state"] == RunState.SUCCEEDED:
            self.succeeded_at = max(self.succeeded_at or ended, ended)
            self.good_mark = max(filter(None, (self.good_mark, mark)), default=None)
        elif run["state"] in FAILED_STATES:
            self.failed_at = max(self.failed_at or ended, ended)
            if mark is not None and (self.bad_mark is None or mark > self.bad_mark):
                self.bad_mark, self.bad_at = mark, ended


def move_last_runs(*, runs: Iterable[Mapping[str, Any]], at: datetime) -> None:
    """Make `last_*` and `data_*` of the pipelines of `runs` follow; one statement for all."""
    touched: dict[int, _Ends] = {}
    for run in runs:
        for pipeline_id in (run["pipeline_id"], run.get("old_pipeline_id")):
            if pipeline_id is not None:
                touched.setdefault(pipeline_id, _Ends()).add(run, at)
    columns = {name: [getattr(ends, name) for ends in touched.values()] for name in _Ends.__slots__}
    bulk.fetch(_MOVE_LAST_RUNS, columns | {"pipeline_ids": list(touched), "now": at})


def _mark(run: Mapping[str, Any], at: datetime) -> datetime | None:
    """How new its data can be; never newer than now, whatever the clock of its source says."""
    mark = data_mark(
        trigger=run["trigger"],
        partition_key=run["partition_key"],
        started_at=run["started_at"],
        scheduled_for=run["scheduled_for"],
        finished_at=run["finished_at"],
    )
    return min(mark, at) if mark else None
