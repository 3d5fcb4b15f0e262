"""What the judgement of many pipelines needs, read in a handful of queries however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import sql

from apps.core import bulk
from apps.pipelines.models import PauseSpan, Punctuality
from apps.pipelines.punctuality.facts import Known, Pause, Seen
from apps.sources.freshness import judge_freshness
from apps.sources.models import Source

MOST_RUNS: Final = 150  # of one pipeline in one judgement
LEARNT_FROM: Final = 30  # good runs
HEARD_MARGIN: Final = timedelta(seconds=30)  # a poll tells what was true when it began; it takes 25 s at most
_RUN: Final = "run.id, run.state, run.started_at, run.finished_at, run.scheduled_for, run.trigger, run.partition_key"
_RUNS = sql.SQL(
    """
    SELECT run.pipeline_id, {columns} FROM unnest(%(ids)b::bigint[], %(since)b::timestamptz[]) AS wanted(id, since)
    CROSS JOIN LATERAL (
        SELECT run.* FROM pipelines_run AS run
        WHERE run.pipeline_id = wanted.id AND run.at >= wanted.since AND run.at <= %(until)s
          AND (run.gone_at IS NULL OR run.state NOT IN ('queued', 'running'))
        ORDER BY run.at DESC, run.id DESC LIMIT %(most)s
    ) AS run
    """
).format(columns=sql.SQL(_RUN))
_GOOD = sql.SQL(
    """
    SELECT run.pipeline_id, {columns} FROM unnest(%(ids)b::bigint[]) AS wanted(id)
    CROSS JOIN LATERAL (
        SELECT run.* FROM pipelines_run AS run
        WHERE run.pipeline_id = wanted.id AND run.state = 'succeeded' AND run.trigger <> 'backfill'
        ORDER BY run.at DESC, run.id DESC LIMIT %(most)s
    ) AS run
    """
).format(columns=sql.SQL(_RUN))


def runs_since(since: Mapping[int, datetime], *, at: datetime, most: int = MOST_RUNS) -> dict[int, list[Seen]]:
    """pipeline -> its newest runs since a time of its own."""
    params = {"ids": list(since), "since": list(since.values()), "until": at + timedelta(days=1), "most": most}
    return _by_pipeline(bulk.fetch(_RUNS, params)) if since else {}


def good_runs(pipeline_ids: Sequence[int], *, most: int = LEARNT_FROM) -> dict[int, list[Seen]]:
    """pipeline -> its last runs that succeeded."""
    return _by_pipeline(bulk.fetch(_GOOD, {"ids": list(pipeline_ids), "most": most})) if pipeline_ids else {}


def pauses_since(pipeline_ids: Sequence[int], *, since: datetime) -> dict[int, list[Pause]]:
    """pipeline -> its pauses that ended after `since` or go on."""
    found: dict[int, list[Pause]] = defaultdict(list)
    spans = PauseSpan.objects.filter(pipeline__in=pipeline_ids).exclude(ended_at__lt=since)
    for span in spans:
        found[span.pipeline_id].append(Pause(span.started_at, span.ended_at))
    return found


def known_of(
    row: Punctuality,
    *,
    runs: Sequence[Seen],
    pauses: Sequence[Pause],
    upstream: Sequence[Seen],
    since: datetime,
    at: datetime,
) -> Known:
    """Everything known of one pipeline; pauses are moved to the clock of its source, as runs are."""
    pipeline, state = row.pipeline, getattr(row.pipeline.source, "state", None)
    skew = timedelta(seconds=(state.skew_seconds or 0.0) if state else 0.0)
    heard = state.last_success_at if state else None
    moved = [Pause(pause.start + skew, pause.end + skew if pause.end else None) for pause in pauses]
    return Known(
        since=since + skew,
        at=at,
        heard_at=heard - HEARD_MARGIN if heard else None,
        runs=runs,
        pauses=moved,
        upstream=[run.ready_at for run in upstream if run.ready_at and run.counts],
        skew=skew,
        silence=silence_of(pipeline.source, at),
        last_came_at=pipeline.last_run_at,
    )


def silence_of(source: Source, at: datetime) -> str:
    """Why nothing can be said about the pipelines of a source now; "" while it is heard."""
    state = getattr(source, "state", None)
    if not source.is_enabled:
        return f"{source.name} is paused, so nothing new is heard."
    if state is None or state.last_success_at is None:
        return f"{source.name} has never been heard."
    age = judge_freshness(last_success_at=state.last_success_at, interval_seconds=source.interval_seconds, at=at)
    if age.is_stale:
        return f"{source.name} does not answer, so nobody knows whether a run came."
    if state.has_backlog:
        return f"The past of {source.name} is still being read."
    return ""


def _by_pipeline(rows: Sequence[dict[str, Any]]) -> dict[int, list[Seen]]:
    found: dict[int, list[Seen]] = defaultdict(list)
    for row in rows:
        found[row.pop("pipeline_id")].append(Seen(**row))
    return found
