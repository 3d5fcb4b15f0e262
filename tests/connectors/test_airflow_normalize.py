"""From Airflow's JSON to records: every state, both generations, schedules and the lines of logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import SourceError
from apps.connectors.providers.airflow.alerts import read_health, read_import_errors
from apps.connectors.providers.airflow.cursor import Memory
from apps.connectors.providers.airflow.dialect import Airflow2, Airflow3, Dialect
from apps.connectors.providers.airflow.normalize import (
    Reading,
    map_run_state,
    map_task_state,
    read_dags,
    read_runs,
    read_tasks,
    with_tasks,
)
from apps.connectors.providers.airflow.schedules import readable_schedule
from apps.connectors.records import RunRecord, RunState, TaskRunRecord, Trigger
from tests.connectors.airflow_world import AirflowWorld, failure_log
from tests.connectors.conftest import patient
from tests.connectors.test_prometheus import JSON

UI = "https://airflow.example.com"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
THREE, TWO = (Reading(dialect=dialect, ui=UI, as_of=NOW) for dialect in (Airflow3(), Airflow2()))


def read_run(reading: Reading = THREE, **changes: Any) -> RunRecord:
    world = AirflowWorld()
    item = {**world.add_run("r1"), **changes}
    (record,), rejected = read_runs([item], reading)
    assert rejected == []
    return record


def read_task(**changes: Any) -> TaskRunRecord:
    world = AirflowWorld()
    world.add_run("r1")
    (record,), rejected = read_tasks([{**world.add_task("load", "r1"), **changes}], THREE)
    assert rejected == []
    return record


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", RunState.QUEUED),
        ("running", RunState.RUNNING),
        ("success", RunState.SUCCEEDED),
        ("failed", RunState.FAILED),
        ("dreaming", RunState.UNKNOWN),
        ("", RunState.UNKNOWN),
    ],
)
def test_states_of_runs(word: str, state: RunState) -> None:
    assert map_run_state(word) is state
    record = read_run(state=word)
    assert (record.state, record.raw_state) == (state, word)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (None, RunState.QUEUED),
        ("none", RunState.QUEUED),
        ("scheduled", RunState.QUEUED),
        ("queued", RunState.QUEUED),
        ("up_for_retry", RunState.QUEUED),
        ("up_for_reschedule", RunState.QUEUED),
        ("deferred", RunState.QUEUED),
        ("awaiting_input", RunState.QUEUED),
        ("running", RunState.RUNNING),
        ("restarting", RunState.RUNNING),
        ("success", RunState.SUCCEEDED),
        ("failed", RunState.FAILED),
        ("upstream_failed", RunState.FAILED),
        ("skipped", RunState.SKIPPED),
        ("removed", RunState.CANCELLED),
        ("dreaming", RunState.UNKNOWN),
    ],
)
def test_states_of_tasks(word: str | None, state: RunState) -> None:
    assert map_task_state(word or "none") is state
    record = read_task(state=word)
    assert (record.state, record.raw_state) == (state, word or "none")


def test_an_open_task_has_no_end_though_an_earlier_try_had_one() -> None:
    assert read_task(state="up_for_retry", try_number=2).finished_at is None
    assert read_task(state="up_for_retry", try_number=2).attempts == 2
    assert read_task(state="failed").finished_at is not None


@pytest.mark.parametrize(
    ("changes", "trigger"),
    [
        ({"run_type": "scheduled", "triggered_by": "timetable"}, Trigger.SCHEDULE),
        ({"run_type": "backfill", "triggered_by": "backfill"}, Trigger.BACKFILL),
        ({"run_type": "asset_triggered", "triggered_by": "asset"}, Trigger.EVENT),
        ({"run_type": "asset_materialization", "triggered_by": "ui"}, Trigger.EVENT),
        ({"run_type": "dataset_triggered"}, Trigger.EVENT),
        ({"run_type": "operator_triggered", "triggered_by": "operator"}, Trigger.API),
        ({"run_type": "manual", "triggered_by": "ui"}, Trigger.MANUAL),
        ({"run_type": "manual", "triggered_by": "cli"}, Trigger.MANUAL),
        ({"run_type": "manual", "triggered_by": "rest_api"}, Trigger.API),
        ({"run_type": "manual", "triggered_by": "operator"}, Trigger.API),
        ({"run_type": "manual", "triggered_by": None}, Trigger.MANUAL),
        ({"run_type": "dreamt"}, Trigger.UNKNOWN),
    ],
)
def test_why_a_run_started(changes: dict[str, Any], trigger: Trigger) -> None:
    assert read_run(**changes).trigger is trigger


def test_a_run_without_a_logical_date_is_scheduled_for_its_run_after() -> None:
    record = read_run(logical_date=None, run_after="2026-11-24T06:00:00Z", data_interval_start=None)
    assert record.scheduled_for == datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert (record.partition_key, record.updated_at, record.triggered_by) == ("", NOW, "ann")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"data_interval_start": "2026-11-23T01:00:00Z", "data_interval_end": "2026-11-24T01:00:00Z"},
         "2026-11-23T01:00:00Z/2026-11-24T01:00:00Z"),
        ({"data_interval_start": "2026-11-24T01:00:00Z", "data_interval_end": "2026-11-24T01:00:00Z"}, ""),
        ({"logical_date": "2026-11-02T00:00:00Z", "run_after": "2026-11-24T01:00:00Z"}, "2026-11-02T00:00:00Z"),
        ({"partition_key": "eu|2026-11-23", "data_interval_start": "2026-11-23T01:00:00Z"}, "eu|2026-11-23"),
        ({}, ""),
    ],
)  # fmt: skip
def test_what_part_of_the_data_a_run_is_for(changes: dict[str, Any], key: str) -> None:
    assert read_run(**changes).partition_key == key


@pytest.mark.parametrize(
    ("changes", "revision"),
    [
        ({"bundle_version": "4f2a9c1"}, "4f2a9c1"),
        ({"dag_versions": [{"version_number": 1}, {"version_number": 2, "bundle_version": "77aa"}]}, "77aa"),
        ({"dag_versions": [{"version_number": 1}, {"version_number": 3, "bundle_version": None}]}, "v3"),
        ({"dag_versions": []}, ""),
        ({"dag_versions": None}, ""),
    ],
)
def test_which_version_of_a_dag_ran(changes: dict[str, Any], revision: str) -> None:
    assert read_run(**changes).revision == revision


def test_a_dag_carries_owners_tags_and_bundle_as_labels() -> None:
    world = AirflowWorld()
    tags = [{"name": "prod"}, {"name": "data"}, "odd"]
    world.add_dag("etl", owners=["ops", "ann"], tags=tags, is_paused=True, description="Loads orders")
    (record,), _ = read_dags(world.dags, THREE)
    assert record.labels == {"owners": "ann,ops", "tags": "data,prod", "bundle": "dags-folder"}
    assert (record.is_paused, record.description, record.vendor_kind) == (True, "Loads orders", "dag")
    assert record.url == f"{UI}/dags/etl"


@pytest.mark.parametrize(
    ("schedule", "next_run", "zone", "text"),
    [
        ("0 2 * * *", "2026-11-25T02:00:00+00:00", "", "0 2 * * * (UTC)"),
        ("0 6 * * 1", "2026-11-30T05:00:00+00:00", "", "0 6 * * 1 (UTC+01:00)"),
        ("0 7 * * *", "2026-11-25T12:00:00+00:00", "", "0 7 * * * (UTC-05:00)"),
        ("30 5 * * *", "2026-11-25T00:00:00+00:00", "", "30 5 * * * (UTC+05:30)"),
        ("0 6 * * 1", "2026-11-30T05:00:00+00:00", "Europe/Berlin", "0 6 * * 1 (Europe/Berlin)"),
        ("0 7 * * *", "2026-11-25T12:00:00+00:00", "Europe/Berlin", "0 7 * * * (UTC-05:00)"),
        ("*/15 8-18 * * 1-5", "2026-11-25T07:45:00+00:00", "Europe/Berlin", "*/15 8-18 * * 1-5 (Europe/Berlin)"),
        ("0 6,18 * * *", "2026-11-25T17:00:00+00:00", "Europe/Berlin", "0 6,18 * * * (Europe/Berlin)"),
        ("0 6,18 * * *", "2026-11-25T16:00:00+00:00", "Europe/Berlin", "0 6,18 * * *"),
        ("0 */4 * * *", "2026-11-25T16:00:00+00:00", "", "0 */4 * * *"),
        ("0 2 * * *", None, "Europe/Berlin", "0 2 * * *"),
        ("1:00:00", "2026-11-25T16:00:00+00:00", "", "every 3600 s"),
        ("1 day, 0:00:30", None, "", "every 86430 s"),
        ("Asset", None, "", "Asset"),
        ("@continuous", None, "Europe/Berlin", "@continuous"),
        ("", None, "", ""),
    ],
)
def test_schedules_are_readable_and_name_only_a_time_zone_that_is_proven(
    schedule: str, next_run: str | None, zone: str, text: str
) -> None:
    at = datetime.fromisoformat(next_run) if next_run else None
    assert readable_schedule(schedule, zone=zone, next_run=at) == text


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ({"__type": "CronExpression", "value": "0 2 * * *"}, "0 2 * * *"),
        ({"__type": "CronExpression", "value": "@daily"}, "@daily"),
        ({"__type": "TimeDelta", "days": 1, "seconds": 60, "microseconds": 0}, "every 86460 s"),
        ({"__type": "RelativeDelta", "months": 1, "days": 0, "hour": None}, "every 1 months"),
        ({"__type": "TimeDelta", "days": "1"}, ""),
        (None, ""),
        ("0 2 * * *", ""),
    ],
)
def test_schedules_of_airflow_2(interval: Any, text: str) -> None:
    assert Airflow2().schedule({"schedule_interval": interval}) == text


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"run_type": "scheduled", "logical_date": "2026-11-23T01:30:00+00:00",
          "data_interval_end": "2026-11-24T01:30:00+00:00"}, datetime(2026, 11, 24, 1, 30, tzinfo=UTC)),
        ({"run_type": "manual", "logical_date": "2026-11-24T09:00:00+00:00",
          "data_interval_end": "2026-11-24T01:30:00+00:00"}, datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ({"run_type": "manual", "logical_date": None, "execution_date": "2026-11-24T09:00:00+00:00"},
         datetime(2026, 11, 24, 9, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_when_a_run_of_airflow_2_was_due(changes: dict[str, Any], due: datetime) -> None:
    assert read_run(TWO, **changes).scheduled_for == due
    assert read_run(TWO, **changes).revision == ""


def test_every_record_links_to_its_page() -> None:
    run_id = "manual__2026-11-23T20:28:32+00:00"
    for dialect, run, mapped in (
        (Airflow3(), "dags/etl/runs/manual__2026-11-23T20%3A28%3A32%2B00%3A00", "/tasks/load/mapped/4"),
        (Airflow2(), "dags/etl/grid?dag_run_id=manual__2026-11-23T20%3A28%3A32%2B00%3A00", "&task_id=load&map_index=4"),
    ):
        assert dialect.run_page(UI, "etl", run_id) == f"{UI}/{run}"
        assert dialect.task_page(UI, "etl", run_id, "load", 4) == f"{UI}/{run}{mapped}"
        assert dialect.task_page(UI, "etl", run_id, "load", -1) == f"{UI}/{run}{mapped[: mapped.index('load') + 4]}"


TEXT_LOG = (
    "[('demo-host', '*** Found local files:\\n"
    "[2026-11-24T18:29:55.723+0000] {taskinstance.py:3336} ERROR - Task failed with exception\\n"
    "Traceback (most recent call last):\\n"
    '  File "/srv/dags/demo.py", line 26, in boom\\n'
    "    raise ValueError(\"source table missing\")\\n"
    "ValueError: source table missing\\n"
    "[2026-11-24T18:29:56.332+0000] {local_task_job_runner.py:266} INFO - Task exited with return code 1\\n')]"
)  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "log", "line"),
    [
        (Airflow3(), failure_log("ValueError", "no rows\nat all"), "ValueError: no rows"),
        (Airflow3(), failure_log("KeyboardInterrupt", ""), "KeyboardInterrupt"),
        (Airflow3(), {"content": [{"level": "error", "event": "Process died\nby signal 9"}]}, "Process died"),
        (Airflow3(), {"content": [{"level": "info", "event": "Process died"}]}, ""),
        (Airflow3(), {"content": "text"}, ""),
        (Airflow3(), None, ""),
        (Airflow2(), {"content": TEXT_LOG}, "ValueError: source table missing"),
        (Airflow2(), {"content": "x\\n[at] {x.py:1} ERROR - Bash failed\\n[at] INFO - over"}, "Bash failed"),
        (Airflow2(), {"content": "all is well"}, ""),
        (Airflow2(), [], ""),
    ],
)
def test_the_line_of_a_log_that_says_why(dialect: Dialect, log: Any, line: str) -> None:
    assert dialect.error_line(log) == line


def test_tasks_are_ordered_by_their_start_and_those_that_wait_come_last() -> None:
    world = AirflowWorld()
    world.add_run("r1")
    for task_id, start in (("waits", None), ("second", "2026-11-24T10:00:05Z"), ("first", "2026-11-24T10:00:01Z")):
        world.add_task(task_id, "r1", start_date=start)
    records, _ = read_tasks(world.tasks, THREE)
    assert [(record.name, record.position) for record in records] == [("first", 0), ("second", 1), ("waits", 2)]


def test_very_long_ids_stay_apart_and_can_be_stored() -> None:
    one, two = (read_task(task_id="x" * 490 + last, dag_id="etl") for last in "ab")
    assert one.external_id != two.external_id
    assert max(len(one.external_id), len(two.external_id)) <= 512


def test_a_run_that_was_marked_as_failed_though_no_task_did_gives_no_reason() -> None:
    run = with_tasks(read_run(state="failed"), [read_task(state="skipped"), read_task(state="upstream_failed")])
    assert (run.state, run.error) == (RunState.FAILED, "")


def test_health_that_names_no_part_is_another_kind_of_answer() -> None:
    with pytest.raises(SourceError):
        read_health({"status": "healthy"}, ui=UI, as_of=NOW)


ITEM_KEYS = (
    "dag_id", "dag_run_id", "task_id", "map_index", "state", "start_date", "end_date", "run_after", "logical_date",
    "run_type", "triggered_by", "conf", "dag_versions", "bundle_version", "partition_key", "data_interval_start",
    "data_interval_end", "note", "try_number", "rendered_map_index", "tags", "owners", "timetable_summary",
    "schedule_interval", "next_dagrun_run_after", "next_dagrun_create_after", "filename", "timestamp", "stack_trace",
)  # fmt: skip
SHAPED = st.dictionaries(st.sampled_from(ITEM_KEYS), JSON, max_size=12)


@patient
@given(st.lists(JSON | SHAPED, max_size=4), st.sampled_from([THREE, TWO]))
def test_no_json_breaks_the_normalizers(items: list[Any], reading: Reading) -> None:
    for read in (read_dags, read_runs, read_tasks):
        records, rejected = read(items, reading)
        assert len(records) + len(rejected) == len(items)
    alerts, rejected = read_import_errors(items, ui=UI, as_of=NOW)
    assert len(alerts) + len(rejected) == len(items)
    for item in items:
        assert isinstance(reading.dialect.error_line(item), str)
        assert isinstance(reading.dialect.error_line({"content": item}), str)


@patient
@given(st.text(max_size=40), st.sampled_from(["", "Europe/Berlin"]), st.none() | st.just(NOW))
def test_any_schedule_is_survived(text: str, zone: str, next_run: datetime | None) -> None:
    assert len(readable_schedule(text, zone=zone, next_run=next_run)) <= 200


@patient
@given(st.lists(st.from_regex(r"[\d*,/\-]{1,9} [\d*,/\-]{1,9} \* \* \*", fullmatch=True), max_size=3))
def test_any_cron_expression_is_survived(texts: list[str]) -> None:
    for text in texts:
        assert readable_schedule(text, zone="Europe/Berlin", next_run=NOW + timedelta(minutes=7)).startswith(text)


KEPT = ["watermark", "news", "history", "is_backfilled", "told", "telling", "open_runs", "suspects", "turn", "polls",
        "sweep_after"]  # fmt: skip
PASS = st.fixed_dictionaries({"after": JSON, "began": st.just("2026-11-24T10:00:00+00:00"), "offset": JSON})


@patient
@given(st.dictionaries(st.sampled_from(KEPT), JSON | PASS))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(memory.dump()) == memory
