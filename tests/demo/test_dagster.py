"""The demo's Dagster as the connector reads it."""

from __future__ import annotations

from apps.connectors.records import Kind, PipelineRecord, RunRecord, RunState, TaskRunRecord
from apps.demo.servers.pages import KEY
from apps.demo.world.dice import DAY, World
from apps.demo.world.systems import plans_of
from tests.demo.asking import ask
from tests.demo.polling import Town

NAME = "Fernway Dagster"


def test_jobs_runs_and_steps(town: Town, world: World, now: int) -> None:
    probe, told = town.probe(NAME), town.poll(NAME, backfill_days=2)
    assert all(scope.is_granted for scope in probe.scopes)
    jobs = {pipeline.name: pipeline.schedule for pipeline in told.of(PipelineRecord).values()}
    assert jobs == {
        "embeddings_sync": "*/30 * * * * (Europe/Berlin)", "invoice_import": "*/15 * * * * (Europe/Berlin)",
        "warehouse_smoke_test": "",
    }  # fmt: skip
    runs = told.of(RunRecord)
    assert {plan.id for plan in plans_of(world, "dagster", now - 2 * DAY + 900, now)} <= set(runs)
    assert {step.run_external_id for step in told.of(TaskRunRecord).values()} <= set(runs)
    assert told.kinds[Kind.TASK_RUN] > 2.5 * len(runs)
    assert told.listed(Kind.ALERT) == frozenset()


def test_a_failure_tells_its_reason_and_its_step(town: Town, world: World, now: int) -> None:
    plan = [plan for plan in plans_of(world, "dagster", now - 20 * DAY, now) if plan.outcome == "FAILED"][-1]
    town.at = int(plan.ends_at) + 5
    told = town.poll(NAME, backfill_days=1)
    assert told.of(RunRecord)[plan.id].state is RunState.FAILED
    assert told.of(RunRecord)[plan.id].error == plan.message
    steps = [step for step in told.of(TaskRunRecord).values() if step.run_external_id == plan.id]
    assert [step.error for step in steps if step.state is RunState.FAILED] == [plan.message]


def test_a_second_poll_tells_only_what_is_new(town: Town, world: World, now: int) -> None:
    first = town.poll(NAME, backfill_days=1)
    town.at += 30
    assert not town.poll(NAME, first.cursor, backfill_days=1).of(RunRecord)
    plan = plans_of(world, "dagster", now, now + 3600)[0]
    town.at = int(plan.starts_at) + 20
    assert plan.id in town.poll(NAME, first.cursor, backfill_days=1).of(RunRecord)


def test_the_same_time_tells_the_same(town: Town) -> None:
    assert town.poll(NAME, backfill_days=1).records == town.poll(NAME, backfill_days=1).records


def test_an_unknown_question_is_refused(town: Town) -> None:
    answer = ask(town.app, "/dagster/graphql", payload={"query": "{ weather }"}, key=KEY)
    assert answer.data["errors"]
