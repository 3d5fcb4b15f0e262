"""The old system that no connector knows, read by its ready mapping."""

from __future__ import annotations

import pytest

from apps.connectors.records import PipelineRecord, RunRecord, RunState, SeriesRecord
from apps.demo.world.dice import DAY, World
from apps.demo.world.kontor import JOBS, TRANSFERS, kontor_runs
from tests.demo.polling import Town

STATE, NIGHT = "Kontor state", "Kontor night transfers"


def test_the_document_tells_jobs_runs_and_queues(town: Town, world: World, now: int) -> None:
    told = town.poll(STATE)
    assert set(told.of(PipelineRecord)) == {job.name for job in JOBS}
    runs = kontor_runs(world, JOBS, now - 21 * DAY, now)
    assert len(told.of(RunRecord)) == len(runs)
    assert {run.starts_at for run in runs} == {
        int(run.started_at.timestamp()) for run in told.of(RunRecord).values() if run.started_at
    }
    assert {one.name for one in told.of(SeriesRecord).values()} == {"queue depth letters", "queue depth labels"}


def test_the_file_tells_transfers(town: Town, world: World, now: int) -> None:
    runs = kontor_runs(world, TRANSFERS, now - 21 * DAY, now)
    told = town.poll(NIGHT).of(RunRecord).values()
    assert sorted(run.pipeline_external_id for run in told) == sorted(run.job.name for run in runs)
    assert sum(run.rows_out or 0 for run in told) == sum(run.rows for run in runs)


def test_a_return_code_is_a_failure(town: Town, world: World, now: int) -> None:
    bad = next(run for run in kontor_runs(world, (*JOBS, *TRANSFERS), now - 60 * DAY, now) if run.code)
    town.at = bad.ends_at + 60
    name = STATE if bad.job in JOBS else NIGHT
    failed = [run for run in town.poll(name).of(RunRecord).values() if run.state is RunState.FAILED]
    assert bad.job.name in {run.pipeline_external_id for run in failed}


@pytest.mark.parametrize("name", [STATE, NIGHT])
def test_a_run_under_way_ends_under_the_same_id(town: Town, world: World, now: int, name: str) -> None:
    jobs = JOBS if name == STATE else TRANSFERS
    run = [run for run in kontor_runs(world, jobs, now - 5 * DAY, now) if not run.code][-1]
    town.at = run.starts_at + 20
    first = town.poll(name)
    going = next(
        one
        for one in first.of(RunRecord).values()
        if one.state is RunState.RUNNING and one.pipeline_external_id == run.job.name
    )
    town.at = run.ends_at + 20
    ended = town.poll(name, first.cursor).of(RunRecord)[going.external_id]
    assert ended.state is RunState.SUCCEEDED


@pytest.mark.parametrize("name", [STATE, NIGHT])
def test_the_same_time_tells_the_same(town: Town, name: str) -> None:
    assert town.poll(name).records == town.poll(name).records
