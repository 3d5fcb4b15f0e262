"""Goal 7: the latest run of every pipeline out of kept columns, beside searching history; and what keeping costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from django.db import connection, transaction

from apps.pipelines.models import Pipeline
from apps.pipelines.services import runs as service
from apps.pipelines.services.last_runs import move_last_runs
from apps.sources.models import Source
from bench.results import Result
from bench.rows import world
from bench.stage import Stage
from bench.timing import Options, alternate

BATCH = 500
SPREADS = (50, 500)  # pipelines that the runs of a batch belong to
KEPT = "SELECT id, last_run_id, last_state, last_run_at FROM pipelines_pipeline"
DISTINCT = (
    "SELECT DISTINCT ON (pipeline_id) pipeline_id, id, state, at FROM pipelines_run"
    " ORDER BY pipeline_id, at DESC, id DESC"
)
LATERAL = (
    "SELECT p.id, run.id, run.state, run.at FROM pipelines_pipeline p CROSS JOIN LATERAL (SELECT id, state, at"
    " FROM pipelines_run r WHERE r.pipeline_id = p.id ORDER BY at DESC, id DESC LIMIT 1) run"
)


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """Reading, then a batch of new runs written with and without moving `last_*`."""
    world(stage, pipelines=options.pipelines, runs=options.runs)
    sides = {name: _reader(sql) for name, sql in (("kept", KEPT), ("distinct", DISTINCT), ("lateral", LATERAL))}
    costs = alternate(sides, pairs=options.pairs, calls=2, database_pid=stage.database_pid)
    for name, against, goal in (("distinct", "DISTINCT ON", 300.0), ("lateral", "lateral, limit 1", None)):
        yield Result(
            what=f"latest run of {options.pipelines:,} pipelines, {options.runs:,} runs: database CPU",
            ours=costs["kept"].database * 1e3,
            against=against,
            theirs=costs[name].database * 1e3,
            unit="ms",
            # DISTINCT ON grows with the runs and the kept columns with the pipelines: the goal is put for ten million
            # runs of a thousand
            goal=goal and goal * options.runs / 10_000_000 * 1_000 / options.pipelines,
            is_speedup=True,
        )
    for spread in SPREADS:
        yield from _upserts(stage, options, spread)


def _reader(sql: str) -> Callable[[], int]:
    def read() -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return len(cursor.fetchall())

    return read


def _upserts(stage: Stage, options: Options, spread: int) -> Iterator[Result]:
    batches = _batches(spread)

    def plain() -> None:
        with transaction.atomic():
            service._RUNS.run(next(batches), now=datetime.now(UTC))

    def moving() -> None:
        at = datetime.now(UTC)
        with transaction.atomic():
            move_last_runs(runs=service._RUNS.run(next(batches), now=at), at=at)

    costs = alternate({"moving": moving, "plain": plain}, pairs=options.pairs, calls=8, database_pid=stage.database_pid)
    yield Result(
        what=f"upsert of {BATCH} new runs of {spread} pipelines, moving last_*: CPU",
        ours=costs["moving"].all_cpu * 1e3,
        against="without moving",
        theirs=costs["plain"].all_cpu * 1e3,
        unit="ms",
        goal=1.25,
    )


def _batches(spread: int) -> Iterator[list[dict[str, Any]]]:
    """Batches of new runs, each newer than the one before, in turn over `spread` pipelines."""
    source_id = Source.objects.values_list("pk", flat=True).get(slug="bench")
    pipelines = list(Pipeline.objects.order_by("pk").values_list("pk", flat=True)[:spread])
    blank: dict[str, Any] = dict.fromkeys(service._RUNS.columns, "") | {"parameters": "{}", "labels": "{}"}
    blank |= dict.fromkeys(("rows_in", "rows_out", "cost", "scheduled_for"), None)
    blank |= {"source_id": source_id, "state": "succeeded", "raw_state": "X", "trigger": "schedule", "attempts": 1}
    begun, numbers = datetime.now(UTC), count()
    while True:
        batch = []
        for number in islice(numbers, BATCH):
            at = begun + timedelta(milliseconds=number)
            batch.append(
                blank
                | {"pipeline_id": pipelines[number % spread], "external_id": f"new-{spread}-{number}", "name": "new"}
                | {"at": at, "started_at": at, "finished_at": at, "upstream_at": at}
            )
        yield batch
