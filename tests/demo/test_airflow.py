"""The demo's Airflow as the connector reads it."""

from __future__ import annotations

from collections import Counter

from apps.connectors.records import AlertRecord, Kind, PipelineRecord, RunRecord, RunState, TaskRunRecord, Trigger
from apps.demo.servers.airflow import VERSION
from apps.demo.servers.pages import KEY
from apps.demo.world.dice import DAY, World
from apps.demo.world.runs import Plan
from apps.demo.world.systems import plans_of
from tests.demo.asking import ask
from tests.demo.polling import Town

NAME = "Fernway Airflow"


def failed(world: World, now: int) -> Plan:
    """The latest run that failed by itself."""
    return [plan for plan in plans_of(world, "airflow", now - 20 * DAY, now) if plan.outcome == "FAILED"][-1]


def test_every_run_comes_with_its_tasks(town: Town, world: World, now: int) -> None:
    probe, told = town.probe(NAME), town.poll(NAME)
    assert VERSION in probe.sentence
    assert all(scope.is_granted for scope in probe.scopes)
    assert {pipeline.name for pipeline in told.of(PipelineRecord).values()} == {
        "catalog_feed", "drift_check", "gdpr_erasure",
    }  # fmt: skip
    assert told.listed(Kind.PIPELINE) == set(told.of(PipelineRecord))
    runs = told.of(RunRecord)
    plans = plans_of(world, "airflow", now - 10 * DAY, now)
    assert len(runs) >= len(plans) > 250
    tasks = Counter(task.run_external_id for task in told.of(TaskRunRecord).values())
    assert set(tasks) == set(runs)
    assert {run.trigger for run in runs.values()} >= {Trigger.SCHEDULE}


def test_a_failure_tells_its_reason(town: Town, world: World, now: int) -> None:
    plan = failed(world, now)
    town.at = int(plan.ends_at) + 5
    runs = town.poll(NAME, backfill_days=1).of(RunRecord).values()
    run = next(run for run in runs if run.state is RunState.FAILED)
    assert plan.message in run.error
    assert run.finished_at
    assert abs(run.finished_at.timestamp() - plan.ends_at) < 1


def test_a_second_poll_tells_only_what_is_new(town: Town, world: World, now: int) -> None:
    first = town.poll(NAME, backfill_days=1)
    town.at += 60
    assert not town.poll(NAME, first.cursor, backfill_days=1).of(RunRecord)
    town.at = next(plan.due_at for plan in plans_of(world, "airflow", now, now + DAY)) + 40
    news = town.poll(NAME, first.cursor, backfill_days=1).of(RunRecord)
    assert [run.state for run in news.values()] == [RunState.RUNNING]


def test_the_same_time_tells_the_same(town: Town) -> None:
    assert town.poll(NAME, backfill_days=2).records == town.poll(NAME, backfill_days=2).records


def test_a_draft_that_cannot_be_read_is_an_alert_for_a_while(town: Town, now: int) -> None:
    seen = set[str]()
    for ago in range(0, 14 * DAY, 1500):
        town.at = now - ago
        data = ask(town.app, "/airflow/api/v2/importErrors", key=KEY).data
        seen |= {error["filename"] for error in data["import_errors"]}
        if data["import_errors"]:
            alerts = town.poll(NAME, backfill_days=0, include_task_runs=False).of(AlertRecord).values()
            assert [alert.summary for alert in alerts] == ["ModuleNotFoundError: No module named 'playwright'"]
            break
    assert seen


def test_nobody_is_served_without_the_key(town: Town) -> None:
    assert ask(town.app, "/airflow/api/v2/dags").status == 401
    payload = {"username": "opsportal", "password": "guess"}
    assert ask(town.app, "/airflow/auth/token", payload=payload).status == 401


def _app(town: Town) -> object:
    return town.app
