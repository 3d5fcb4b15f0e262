"""Reliability: the list costs the same however long history is, and what keeping it costs a batch of runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from django.db import transaction

from apps.pipelines import services
from apps.pipelines.services import runs as service
from apps.pipelines.services.reliability import mark_days
from bench.last_run import BATCH, _batches
from bench.pages import Visitor
from bench.results import Result
from bench.rows import connection, world
from bench.stage import Stage
from bench.timing import Options, alternate

PATH = "/pipelines/reliability/"
SMALLER = 10  # times fewer runs
MARK = """
INSERT INTO pipelines_runday (pipeline_id, day, is_due, succeeded, retried, failed, greens)
SELECT DISTINCT pipeline_id, (at AT TIME ZONE 'UTC')::date, true, 0, 0, 0, '{}'::integer[] FROM pipelines_run
ORDER BY 2, 1
ON CONFLICT DO NOTHING
"""  # day by day, as they come in life


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """Rolling up all of history, the list with a tenth of the runs and with all, and a batch with and without marks."""
    visitor, touched, took = Visitor(stage.session_key), {}, {}
    names = [world(stage, pipelines=options.pipelines, runs=runs) for runs in (options.runs // SMALLER, options.runs)]
    for name in names:
        stage.use(name)
        took[name] = _roll_up_all()
        touched[name], _ = visitor.buffers(PATH)
    small, large = names
    yield Result(
        what=f"rolling up {options.runs:,} runs of 30 days: seconds",
        ours=took[large],
        against=f"{options.runs // SMALLER:,} runs",
        theirs=took[small],
        unit="s",
    )
    yield Result(
        what=f"reliability, {options.runs:,} runs: buffers",
        ours=touched[large],
        against=f"{options.runs // SMALLER:,} runs",
        theirs=touched[small],
        unit="",
        goal=1.3,
    )
    get = partial(visitor.get_anew, PATH)
    costs = alternate(
        {small: get, large: get}, pairs=options.pairs, calls=5, before=stage.use, database_pid=stage.database_pid
    )
    yield Result(
        what=f"reliability, {options.runs:,} runs: CPU",
        ours=costs[large].all_cpu * 1e3,
        against=f"{options.runs // SMALLER:,} runs",
        theirs=costs[small].all_cpu * 1e3,
        unit="ms",
        goal=1.3,
    )
    stage.use(large)
    yield from _marks(stage, options)


def _roll_up_all() -> float:
    connection().execute(MARK)
    connection().execute("VACUUM ANALYZE pipelines_runday")
    began = time.perf_counter()
    while services.roll_up(at=datetime.now(UTC)):
        pass
    took = time.perf_counter() - began
    connection().execute("VACUUM ANALYZE pipelines_runday, pipelines_reliability")
    return took


def _marks(stage: Stage, options: Options) -> Iterator[Result]:
    batches = _batches(500)

    def plain() -> None:
        with transaction.atomic():
            service._RUNS.run(next(batches), now=datetime.now(UTC))

    def marking() -> None:
        with transaction.atomic():
            mark_days(runs=service._RUNS.run(next(batches), now=datetime.now(UTC)))

    costs = alternate(
        {"marking": marking, "plain": plain}, pairs=options.pairs, calls=8, database_pid=stage.database_pid
    )
    yield Result(
        what=f"upsert of {BATCH} new runs of 500 pipelines, marking their days: CPU",
        ours=costs["marking"].all_cpu * 1e3,
        against="without marking",
        theirs=costs["plain"].all_cpu * 1e3,
        unit="ms",
        goal=1.25,
    )
