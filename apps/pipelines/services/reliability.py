"""Reliability, rolled up: runs mark their day as due, and a sweep works due days out anew from the runs themselves.

A mark is part of the transaction that writes a run; it waits for a sweep that holds the day, and a sweep leaves days
alone that a writer holds. So no news is lost, and a day is never right only for a while.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from psycopg import sql

from apps.core import bulk
from apps.pipelines.models import Reliability, RunDay
from apps.pipelines.reliability import LOOK_BACK, Day, summary
from apps.pipelines.rolled import PERIODS
from apps.pipelines.status import FAILED_STATES, RunState

COUNTED: Final = FAILED_STATES | {RunState.SUCCEEDED}
A_ROUND: Final = 200  # days, or pipelines, in one transaction; a writer that meets one of them waits for it
MOST_ROUNDS: Final = 100

_MARK = sql.SQL(
    """
    INSERT INTO pipelines_runday AS kept (pipeline_id, day, is_due, succeeded, retried, failed, greens)
    SELECT DISTINCT pipeline_id, (at AT TIME ZONE 'UTC')::date, true, 0, 0, 0, '{}'::integer[]
    FROM unnest(%(pipeline_ids)b::bigint[], %(at)b::timestamptz[]) AS touched(pipeline_id, at)
    ORDER BY 1, 2
    ON CONFLICT (pipeline_id, day) DO UPDATE SET is_due = true WHERE NOT kept.is_due
    """
)
# `stretch` numbers the successes before a run: a stretch is some failures and the success that ends them.
_ROLL_UP = sql.SQL(
    """
    WITH due AS MATERIALIZED (
        SELECT id, pipeline_id, day FROM pipelines_runday WHERE is_due
        ORDER BY pipeline_id, day LIMIT %(most)s
        FOR UPDATE SKIP LOCKED
    ),
    ended AS (
        SELECT due.id AS day_id, run.id, run.at, run.state = 'succeeded' AS is_good,
               COALESCE(run.finished_at, run.at) AS ended_at,
               EXTRACT(EPOCH FROM run.finished_at - run.started_at) AS seconds,
               run.state = 'succeeded' AND (run.attempts > 1 OR EXISTS (
                   SELECT FROM pipelines_taskrun AS step WHERE step.run_id = run.id AND step.attempts > 1
               )) AS is_retried,
               count(*) FILTER (WHERE run.state = 'succeeded') OVER (
                   PARTITION BY due.id ORDER BY run.at, run.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
               ) AS stretch
        FROM due JOIN pipelines_run AS run
          ON run.pipeline_id = due.pipeline_id
         AND run.at >= due.day::timestamp AT TIME ZONE 'UTC' AND run.at < (due.day + 1)::timestamp AT TIME ZONE 'UTC'
        WHERE run.state IN ('succeeded', 'failed', 'crashed')
    ),
    stretch AS (
        SELECT day_id, stretch AS number, max(ended_at) FILTER (WHERE is_good) AS good_at,
               (array_agg(ended_at ORDER BY at, id) FILTER (WHERE NOT is_good))[1] AS bad_at
        FROM ended GROUP BY day_id, stretch
    ),
    red AS (
        SELECT day_id, max(bad_at) FILTER (WHERE number = 0) AS first_bad_at,
               max(good_at) FILTER (WHERE number = 0) AS first_good_at,
               max(bad_at) FILTER (WHERE good_at IS NULL) AS red_since,
               array_agg(GREATEST(0, EXTRACT(EPOCH FROM good_at - bad_at))::integer ORDER BY number)
                   FILTER (WHERE number > 0 AND good_at IS NOT NULL AND bad_at IS NOT NULL) AS greens
        FROM stretch GROUP BY day_id
    ),
    counted AS (
        SELECT day_id, count(*) FILTER (WHERE is_good) AS succeeded, count(*) FILTER (WHERE is_retried) AS retried,
               count(*) FILTER (WHERE NOT is_good) AS failed,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE is_good AND seconds >= 0) AS median,
               percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE is_good AND seconds >= 0) AS p95
        FROM ended GROUP BY day_id
    )
    UPDATE pipelines_runday AS kept
    SET is_due = false, succeeded = COALESCE(counted.succeeded, 0), retried = COALESCE(counted.retried, 0),
        failed = COALESCE(counted.failed, 0), took_median = counted.median, took_p95 = counted.p95,
        first_bad_at = red.first_bad_at, first_good_at = red.first_good_at, red_since = red.red_since,
        greens = COALESCE(red.greens, '{}')
    FROM due LEFT JOIN counted ON counted.day_id = due.id LEFT JOIN red ON red.day_id = due.id
    WHERE kept.id = due.id
    RETURNING kept.pipeline_id
    """
)


def mark_days(*, runs: Iterable[Mapping[str, Any]]) -> None:
    """Have the days of these runs (`pipeline_id`, `at` and both as `old_…`) worked out anew by the next sweep."""
    touched = {
        (run[f"{prefix}pipeline_id"], run[f"{prefix}at"])
        for run in runs
        for prefix in ("", "old_")
        if run.get(f"{prefix}pipeline_id") is not None
    }
    if touched:
        bulk.fetch(_MARK, {"pipeline_ids": [pk for pk, _ in touched], "at": [at for _, at in touched]})


def counted_runs(runs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that are, or were until now, counted: a run that only begins changes no day."""
    return [run for run in runs if run["state"] in COUNTED or run.get("old_state") in COUNTED]


def roll_up(*, at: datetime) -> int:
    """Work out what is due, and every period once its days have moved on; returns the pipelines touched."""
    until, touched = at.astimezone(UTC).date(), 0
    for _ in range(MOST_ROUNDS):
        with transaction.atomic():
            rows = bulk.fetch(_ROLL_UP, {"most": A_ROUND})
            found = {row["pipeline_id"] for row in rows}
            refresh_reliability(pipeline_ids=found, until=until, at=at)
        touched += len(found)
        if len(rows) < A_ROUND:
            break
    return touched + _move_on(until, at)


def refresh_reliability(*, pipeline_ids: Collection[int], until: date, at: datetime) -> None:
    """Put the periods of these pipelines right from their days."""
    if not pipeline_ids:
        return
    bulk.lock(space="reliability", number=0)  # two sweeps would meet in the same rows
    days = _days(pipeline_ids, until)
    rows, empty = [], []
    for pk in sorted(pipeline_ids):
        for number in PERIODS:
            found = summary(days.get(pk, ()), until=until, number=number)
            if found is None:
                empty.append((pk, number))
            else:
                rows.append(Reliability(pipeline_id=pk, days=number, until=until, rolled_at=at, **asdict(found)))
    Reliability.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["pipeline", "days"],
        update_fields=[name for name in _written() if name not in ("pipeline", "days")],
    )
    for number in PERIODS:
        gone = [pk for pk, of in empty if of == number]
        Reliability.objects.filter(pipeline_id__in=gone, days=number).delete()


def _move_on(until: date, at: datetime) -> int:
    """After midnight every period lies a day later."""
    touched = 0
    for _ in range(MOST_ROUNDS):
        old = Reliability.objects.order_by().filter(until__lt=until).values_list("pipeline_id", flat=True)
        found = set(old[: A_ROUND * len(PERIODS)])
        if not found:
            break
        with transaction.atomic():
            refresh_reliability(pipeline_ids=found, until=until, at=at)
        touched += len(found)
    return touched


def _days(pipeline_ids: Collection[int], until: date) -> dict[int, list[Day]]:
    names = [name for name in Day.__dataclass_fields__ if name != "day"]
    since = until - timedelta(days=LOOK_BACK)
    rows = RunDay.objects.filter(pipeline_id__in=pipeline_ids, day__gte=since, day__lte=until)
    found: dict[int, list[Day]] = defaultdict(list)
    for pk, *values in rows.order_by("pipeline_id", "day").values_list("pipeline_id", "day", *names):
        found[pk].append(Day(*values))
    return found


def _written() -> list[str]:
    return [field.name for field in Reliability._meta.concrete_fields if not field.primary_key]
