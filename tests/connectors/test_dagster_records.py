"""Dagster's vocabulary: states, triggers, schedules, steps and errors, from JSON to records."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.providers.dagster.alerts import read_alerts
from apps.connectors.providers.dagster.cursor import Memory
from apps.connectors.providers.dagster.failures import error_text, read_failure
from apps.connectors.providers.dagster.jobs import read_jobs
from apps.connectors.providers.dagster.runs import map_state, read_runs, read_steps
from apps.connectors.records import PipelineRecord, RunRecord, RunState, TaskRunRecord, Trigger
from tests.connectors.conftest import patient
from tests.connectors.dagster_world import DagsterWorld, failure_events, python_error
from tests.connectors.test_prometheus import JSON

UI = "https://dagster.example.com"


def read_run(status: str = "SUCCESS", *, tags: dict[str, str] | None = None, **changes: Any) -> RunRecord:
    run = DagsterWorld().add_run("0123456789", status, **changes)
    run["tags"] = [{"key": key, "value": value} for key, value in (tags or {}).items()]
    (record,), rejected = read_runs([run], ui=UI, failures={}, homes={})
    assert rejected == []
    return record


def read_job(**repository: Any) -> PipelineRecord:
    world = DagsterWorld()
    world.add_location("data/team", "etl", **repository)
    (record,), rejected = read_jobs(world.locations, ui=UI)
    assert rejected == []
    return record


def schedule(cron: str, *, status: str = "RUNNING", zone: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "name": "nightly", "pipelineName": "etl", "cronSchedule": cron, "executionTimezone": zone, "canReset": False,
        "scheduleState": {"status": status}, **more,
    }  # fmt: skip


def sensor(status: str, *targets: str, can_reset: bool = False) -> dict[str, Any]:
    found = [{"pipelineName": target} for target in targets]
    return {"name": "new_files", "targets": found, "canReset": can_reset, "sensorState": {"status": status}}


NEVER_STARTED = schedule("@daily", status="STOPPED", zone="UTC")
STOPPED_BY_HAND = {**NEVER_STARTED, "canReset": True}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("QUEUED", RunState.QUEUED),
        ("NOT_STARTED", RunState.QUEUED),
        ("MANAGED", RunState.QUEUED),
        ("STARTING", RunState.QUEUED),
        ("STARTED", RunState.RUNNING),
        ("SUSPENDED", RunState.RUNNING),
        ("CANCELING", RunState.RUNNING),
        ("SUCCESS", RunState.SUCCEEDED),
        ("FAILURE", RunState.FAILED),
        ("CANCELED", RunState.CANCELLED),
        ("DREAMING", RunState.UNKNOWN),
        ("", RunState.UNKNOWN),
    ],
)
def test_every_status_has_its_state(status: str, state: RunState) -> None:
    record = read_run(status)
    assert (record.state, record.raw_state) == (state, status)


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("STEP_FAILURE", RunState.FAILED),
        ("RUN_EXCEPTION", RunState.FAILED),
        ("JOB_INITIALIZATION_FAILURE", RunState.FAILED),
        ("UNKNOWN", RunState.FAILED),
        ("UNEXPECTED_TERMINATION", RunState.CRASHED),
        ("START_TIMEOUT", RunState.CRASHED),
        ("RUN_WORKER_RESTART", RunState.CRASHED),
    ],
)
def test_a_run_that_its_infrastructure_lost_is_crashed(reason: str, state: RunState) -> None:
    assert map_state("FAILURE", reason) is state
    assert map_state("SUCCESS", reason) is RunState.SUCCEEDED


def test_an_open_run_has_not_ended_and_was_due_when_it_was_made() -> None:
    record = read_run("QUEUED")
    assert (record.started_at, record.finished_at) == (None, None)
    assert record.scheduled_for is not None


@pytest.mark.parametrize(
    ("tags", "trigger", "by"),
    [
        ({"dagster/schedule_name": "nightly"}, Trigger.SCHEDULE, "nightly"),
        ({"dagster/sensor_name": "new_files"}, Trigger.EVENT, "new_files"),
        ({"dagster/backfill": "abcdef", "dagster/schedule_name": "n"}, Trigger.BACKFILL, "abcdef"),
        ({"dagster/backfill": "abcdef", "user": "ann@example.com"}, Trigger.BACKFILL, "ann@example.com"),
        ({"dagster/auto_materialize": "true"}, Trigger.EVENT, "automation"),
        ({"dagster/from_automation_condition": "true"}, Trigger.EVENT, "automation"),
        ({"user": "ann@example.com"}, Trigger.MANUAL, "ann@example.com"),
        ({}, Trigger.MANUAL, ""),
    ],
)
def test_why_a_run_started(tags: dict[str, str], trigger: Trigger, by: str) -> None:
    record = read_run(tags=tags)
    assert (record.trigger, record.triggered_by) == (trigger, by)


@pytest.mark.parametrize(
    ("tags", "partition"),
    [
        ({"dagster/partition": "2026-11-20"}, "2026-11-20"),
        ({"dagster/partition": "2026-11-20|de", "dagster/partition/date": "2026-11-20"}, "2026-11-20|de"),
        (
            {
                "dagster/asset_partition_range_start": "2026-11-01",
                "dagster/asset_partition_range_end": "2026-11-05",
            },
            "2026-11-01...2026-11-05",
        ),
        ({"dagster/asset_partition_range_start": "2026-11-01"}, ""),
    ],
)
def test_the_partition_of_a_run(tags: dict[str, str], partition: str) -> None:
    assert read_run(tags=tags).partition_key == partition


def test_a_run_carries_its_tags_assets_revision_and_retries() -> None:
    assets = [{"path": ["core", f"a{number}"]} for number in range(12)]
    tags = {"team": "data", "dagster/retry_number": "2", "dagster/image": "etl:7", "dagster/git_commit_hash": "c0ffee"}
    record = read_run(tags=tags, assetSelection=assets)
    assert record.labels["team"] == "data"
    assert (record.labels["code_location"], record.labels["repository"]) == ("main", "__repository__")
    assert record.labels["assets"].startswith("core/a0, core/a1, core/a10")
    assert record.labels["assets"].endswith("and 2 more")
    assert (record.revision, record.attempts, record.name) == ("c0ffee", 3, "01234567")
    assert (record.parameters, record.url) == ({"ops": {"n": 2}}, f"{UI}/runs/0123456789")
    assert read_run(tags={"dagster/image": "etl:7"}).revision == "etl:7"
    assert read_run(tags={"dagster/retry_number": "many"}).attempts == 1


def test_a_job_tells_its_schedules_with_time_zone_and_its_sensors() -> None:
    schedules = [
        schedule("0 2 * * *", zone="Europe/Berlin"),
        schedule("*/5 * * * *", status="STOPPED", zone="UTC", name="often"),
        {**schedule("9 9 * * *"), "pipelineName": "another"},
    ]
    record = read_job(schedules=schedules, sensors=[sensor("STOPPED", "etl", "another")])
    assert (record.schedule, record.is_paused) == ("0 2 * * * (Europe/Berlin)", False)
    assert record.labels["schedules"] == "nightly (running), often (stopped)"
    assert record.labels["sensors"] == "new_files (stopped)"
    assert record.external_id == "__repository__@data/team/etl"
    assert record.url == f"{UI}/locations/__repository__@data%2Fteam/jobs/etl"


def test_several_cron_expressions_of_one_schedule_are_told_apart() -> None:
    record = read_job(schedules=[schedule("['0 3 * * *', '0 15 * * *']", zone="UTC")])
    assert record.schedule == "0 15 * * * (UTC); 0 3 * * * (UTC)"


@pytest.mark.parametrize(
    ("automations", "is_paused"),
    [
        ({}, False),
        ({"schedules": [NEVER_STARTED]}, False),
        ({"schedules": [STOPPED_BY_HAND]}, True),
        ({"schedules": [STOPPED_BY_HAND, NEVER_STARTED]}, True),
        ({"schedules": [STOPPED_BY_HAND], "sensors": [sensor("RUNNING", "etl")]}, False),
        ({"sensors": [sensor("STOPPED", "etl", can_reset=True)]}, True),
        ({"sensors": [sensor("RUNNING", "etl", can_reset=True)]}, False),
    ],
)
def test_a_job_is_paused_when_somebody_stopped_all_that_would_start_it(
    automations: dict[str, Any], is_paused: bool
) -> None:
    assert read_job(**automations).is_paused is is_paused


def test_a_schedule_that_does_not_run_is_told_only_of_a_paused_job() -> None:
    assert read_job(schedules=[STOPPED_BY_HAND]).schedule == "@daily (UTC)"
    idle = read_job(schedules=[NEVER_STARTED])
    assert (idle.schedule, idle.labels["schedules"]) == ("", "nightly (stopped)")


def test_a_job_carries_its_tags_and_what_its_location_says_of_the_code() -> None:
    jobs = [{"name": "etl", "isAssetJob": True, "description": "Loads.", "tags": [{"key": "component", "value": "c"}]}]
    world = DagsterWorld()
    location = world.add_location("main", jobs=jobs)
    location["displayMetadata"].append({"key": "commit_hash", "value": "c0ffee"})
    (record,), _ = read_jobs(world.locations, ui=UI)
    assert (record.vendor_kind, record.description) == ("asset job", "Loads.")
    assert record.labels == {
        "component": "c",
        "code_location": "main",
        "repository": "__repository__",
        "commit_hash": "c0ffee",
    }


def read_steps_of(world: DagsterWorld, status: str = "SUCCESS") -> dict[str, TaskRunRecord]:
    plan = {"steps": [{"key": "load", "inputs": [{"dependsOn": [{"key": "extract"}, {"key": "never"}]}]}]}
    run = {"runId": "r1", "status": status, "stepStats": world.steps["r1"], "executionPlan": plan}
    records, rejected = read_steps([run], ui=UI, failures={})
    assert rejected == []
    return {record.name: record for record in records}


def test_steps_are_numbered_by_start_and_know_what_they_wait_for() -> None:
    world = DagsterWorld()
    world.add_step("r1", "load", tries=3, startTime=1_795_000_009.5, endTime=1_795_000_010)
    world.add_step("r1", "extract", startTime=1_795_000_001.25)
    world.add_step("r1", "to_come", None, startTime=None, tries=0)
    found = read_steps_of(world)
    assert {name: (step.position, step.attempts) for name, step in found.items()} == {"extract": (0, 1), "load": (1, 3)}
    assert found["load"].upstream == ("r1/extract",)
    assert found["load"].url == f"{UI}/runs/r1?selection=load&logs=step%3Aload"
    assert (found["load"].run_external_id, found["load"].external_id) == ("r1", "r1/load")


@pytest.mark.parametrize(
    ("status", "run_status", "state"),
    [
        ("SUCCESS", "STARTED", RunState.SUCCEEDED),
        ("FAILURE", "FAILURE", RunState.FAILED),
        ("SKIPPED", "SUCCESS", RunState.SKIPPED),
        ("IN_PROGRESS", "STARTED", RunState.RUNNING),
        ("IN_PROGRESS", "CANCELING", RunState.RUNNING),
        ("IN_PROGRESS", "CANCELED", RunState.CANCELLED),
        ("IN_PROGRESS", "FAILURE", RunState.CRASHED),
        ("DREAMING", "STARTED", RunState.UNKNOWN),
        (None, "STARTED", RunState.UNKNOWN),
    ],
)
def test_every_status_of_a_step_has_its_state(status: str | None, run_status: str, state: RunState) -> None:
    world = DagsterWorld()
    world.add_step("r1", "extract", status)
    assert read_steps_of(world, run_status)["extract"].state is state


def test_a_step_on_its_way_again_counts_the_attempt_under_way() -> None:
    world = DagsterWorld()
    world.add_step("r1", "extract", "IN_PROGRESS", tries=1)
    assert read_steps_of(world, "STARTED")["extract"].attempts == 2


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (python_error("dagster._core.errors.StepError: in op:\n", "ValueError: x\nat"), "ValueError: x"),
        (python_error("ValueError: outer\n", "KeyError: 'inner'"), "ValueError: outer"),
        (python_error("dagster._core.definitions.events.Failure: no table\n"), "Failure: no table"),
        (python_error("dagster._core.errors.DagsterExecutionInterruptedError\n"), "DagsterExecutionInterruptedError"),
        ({}, ""),
    ],
)
def test_an_error_is_told_by_what_people_wrote(error: dict[str, Any], text: str) -> None:
    assert error_text(error) == text


def test_a_run_that_fails_without_an_error_of_its_own_tells_its_steps_or_its_message() -> None:
    events = failure_events("boom", wrapper="dagster.X: y", cause="ValueError: x")
    events[-1].pop("error")
    assert read_failure(events).error == "ValueError: x"
    assert read_failure(events[-1:]).error == "Execution failed. Steps failed: ['boom']."
    assert read_failure([]).error == ""


KEYS = (
    "runId", "jobName", "status", "creationTime", "startTime", "endTime", "updateTime", "runConfig", "tags", "key",
    "value", "assetSelection", "path", "repositoryOrigin", "stepStats", "stepKey", "attempts", "executionPlan", "steps",
    "inputs", "dependsOn", "name", "locationOrLoadError", "__typename", "repositories", "jobs", "schedules", "sensors",
    "pipelineName", "cronSchedule", "targets", "daemonType", "healthy", "lastHeartbeatTime", "lastHeartbeatErrors",
    "error", "causes", "message", "displayMetadata", "updatedTimestamp",
)  # fmt: skip
SHAPED = st.recursive(
    JSON, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=6) | st.lists(inner, max_size=3)
)


@patient
@given(st.lists(SHAPED, max_size=4))
def test_no_json_breaks_the_normalizers(items: list[Any]) -> None:
    records, rejected = read_runs(items, ui=UI, failures={}, homes={})
    assert len(records) + len(rejected) == len(items)
    read_steps(items, ui=UI, failures={"": read_failure(items)})
    read_jobs(items, ui=UI)
    read_alerts(items, items, ui=UI, now=DagsterWorld().clock)


@patient
@given(st.dictionaries(st.sampled_from(["watermark", "pass", "polls", "open_runs", "suspects", "sweep_after"]), JSON))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(memory.dump()) == memory
