"""Prefect: states, schedules, incremental reading without an update filter, and runs that were deleted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.prefect.connector import PrefectConnector
from apps.connectors.providers.prefect.cursor import SWEEP_EVERY, Memory
from apps.connectors.providers.prefect.normalize import map_state, read_flows, read_runs, read_task_runs, ui_base
from apps.connectors.records import Batch, Kind, PipelineRecord, RunRecord, RunState, TaskRunRecord, Trigger
from tests.connectors.conftest import ask, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Answer, Request, Upstream
from tests.connectors.worlds import PrefectWorld, iso

UI = "https://prefect.example.com"
ROOMY = Limits(total_seconds=5, fetch_seconds=20)


def fetch(
    upstream: Upstream, world: PrefectWorld, cursor: Any = None, *, limits: Limits = ROOMY, **settings: Any
) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, **settings}
    with time_machine.travel(world.clock, tick=False):
        return ask(lambda http: PrefectConnector(config=config, secrets={}, http=http).fetch(saved), limits=limits)


def runs(batch: Batch) -> dict[str, RunRecord]:
    return {record.external_id: record for record in batch.records if isinstance(record, RunRecord)}


def read_run(**changes: Any) -> RunRecord:
    world = PrefectWorld()
    (record,), rejected = read_runs([world.add_run("r1", "f1", **changes)], ui=UI, deployment_names={"d1": "nightly"})
    assert rejected == []
    return record


@pytest.mark.parametrize(
    ("kind", "name", "state"),
    [
        ("SCHEDULED", "Scheduled", RunState.QUEUED),
        ("SCHEDULED", "Late", RunState.QUEUED),
        ("SCHEDULED", "AwaitingRetry", RunState.QUEUED),
        ("PENDING", "Pending", RunState.QUEUED),
        ("RUNNING", "Running", RunState.RUNNING),
        ("RUNNING", "Retrying", RunState.RUNNING),
        ("PAUSED", "Paused", RunState.RUNNING),
        ("PAUSED", "Suspended", RunState.RUNNING),
        ("CANCELLING", "Cancelling", RunState.RUNNING),
        ("COMPLETED", "Completed", RunState.SUCCEEDED),
        ("COMPLETED", "Cached", RunState.SUCCEEDED),
        ("COMPLETED", "Skipped", RunState.SKIPPED),
        ("FAILED", "Failed", RunState.FAILED),
        ("FAILED", "TimedOut", RunState.FAILED),
        ("CRASHED", "Crashed", RunState.CRASHED),
        ("CANCELLED", "Cancelled", RunState.CANCELLED),
        ("DREAMING", "Dreaming", RunState.UNKNOWN),
        ("", "", RunState.UNKNOWN),
    ],
)
def test_states_map_by_type_and_name(kind: str, name: str, state: RunState) -> None:
    assert map_state(kind, name) is state


def test_a_failed_run_tells_why_and_where_to_look() -> None:
    message = "Flow run encountered an exception: ValueError: bad input\nTraceback …"
    failed = {"type": "FAILED", "name": "Failed", "timestamp": "2026-11-23T20:22:59.818008Z", "message": message}
    record = read_run(kind="FAILED", state=failed, updated="2026-11-23T20:22:59.831Z", run_count=3)
    assert record.error == "Flow run encountered an exception: ValueError: bad input"
    assert (record.state, record.raw_state, record.attempts) == (RunState.FAILED, "Failed", 3)
    assert record.updated_at == datetime(2026, 11, 23, 20, 22, 59, 831000, tzinfo=UTC)
    assert record.url == f"{UI}/runs/flow-run/r1"
    assert record.parameters == {"n": 2}


def test_a_late_run_is_queued_and_keeps_the_vendors_word() -> None:
    record = read_run(kind="SCHEDULED", name="Late")
    assert (record.state, record.raw_state, record.started_at, record.finished_at) == (
        RunState.QUEUED,
        "Late",
        None,
        None,
    )
    assert record.scheduled_for is not None


@pytest.mark.parametrize(
    ("changes", "trigger"),
    [
        ({"auto_scheduled": True}, Trigger.SCHEDULE),
        ({"created_by": {"type": "USER", "display_value": "ann"}}, Trigger.MANUAL),
        ({"created_by": {"type": "AUTOMATION"}}, Trigger.EVENT),
        ({"created_by": {"type": "SCHEDULE"}}, Trigger.SCHEDULE),
        ({"deployment_id": "d1"}, Trigger.API),
        ({"parent_task_run_id": "t1"}, Trigger.API),
        ({"auto_scheduled": True, "tags": ["backfill"]}, Trigger.BACKFILL),
        ({}, Trigger.UNKNOWN),
    ],
)
def test_why_a_run_started(changes: dict[str, Any], trigger: Trigger) -> None:
    assert read_run(**changes).trigger is trigger


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"partition_date": "2026-11-02", "n": 3}, "2026-11-02"),
        ({"logical_date": "2026-11-02T00:00:00Z"}, "2026-11-02T00:00:00Z"),
        ({"partition": 7}, ""),
        ({"n": 3}, ""),
    ],
)
def test_a_parameter_that_names_a_partition_by_habit_is_one(parameters: dict[str, Any], key: str) -> None:
    assert read_run(parameters=parameters).partition_key == key


def test_a_run_carries_its_deployment_and_tags_as_labels() -> None:
    record = read_run(deployment_id="d1", tags=["team:data", "nightly"], work_pool_name="k8s")
    assert record.labels == {"deployment": "nightly", "work_pool": "k8s", "tags": "nightly,team:data"}


def test_schedules_of_deployments_stand_on_the_pipeline() -> None:
    world = PrefectWorld()
    flow = world.add_flow("etl")
    cron = {"active": True, "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "day_or": True}}
    interval = {"active": True, "schedule": {"interval": 900.0, "timezone": "UTC", "anchor_date": iso(world.clock)}}
    idle = {"active": False, "schedule": {"cron": "* * * * *"}}
    deployments = [
        {"id": "d1", "flow_id": flow, "paused": True, "description": "None", "schedules": [cron, idle]},
        {"id": "d2", "flow_id": flow, "paused": False, "description": "Loads orders", "schedules": [interval]},
        "nonsense",
    ]
    (record,), rejected = read_flows(world.flows, deployments, ui=UI)
    assert record.schedule == "0 2 * * * (Europe/Berlin); every 900 s (UTC)"
    assert (record.is_paused, record.description, record.name) == (False, "Loads orders", "etl")
    assert record.url == f"{UI}/flows/flow/{flow}"
    assert rejected == []
    (paused,), _ = read_flows(world.flows, deployments[:1], ui=UI)
    assert (paused.is_paused, paused.description) == (True, "")


def test_tasks_are_numbered_by_start_and_know_what_they_wait_for() -> None:
    world = PrefectWorld()
    world.add_task("load", "r1", start_time="2026-11-23T20:00:09Z", task_inputs={
        "rows": [{"input_type": "task_run", "id": "extract"}, {"input_type": "constant", "type": "int"}],
        "wait_for": [{"input_type": "task_run", "id": "check"}, {"input_type": "task_run", "id": "extract"}],
    })  # fmt: skip
    world.add_task("extract", "r1", start_time="2026-11-23T20:00:01Z")
    world.add_task("check", "r1", start_time="2026-11-23T20:00:05Z")
    world.add_task("other", "r2")
    records, rejected = read_task_runs(world.tasks, ui=UI)
    assert [(r.external_id, r.position) for r in records] == [("extract", 0), ("check", 1), ("load", 2), ("other", 0)]
    assert next(r for r in records if r.external_id == "load").upstream == ("extract", "check")
    assert rejected == []


@pytest.mark.parametrize(
    ("api", "ui"),
    [
        ("https://prefect.example.com/api", "https://prefect.example.com"),
        ("https://host/prefect/api", "https://host/prefect"),
        (
            "https://api.prefect.cloud/api/accounts/a1/workspaces/w1",
            "https://app.prefect.cloud/account/a1/workspace/w1",
        ),
    ],
)
def test_deep_links_lead_to_the_pages(api: str, ui: str) -> None:
    assert ui_base(api) == ui


def small_world() -> PrefectWorld:
    world = PrefectWorld()
    etl, report = world.add_flow("etl"), world.add_flow("report")
    world.add_run("done", etl)
    world.add_run("failed", report, "FAILED")
    world.add_run("going", etl, "RUNNING")
    world.add_run("waiting", etl, "PENDING")
    world.add_task("t1", "done")
    world.add_task("t2", "going")
    return world


def test_the_first_poll_brings_everything_once(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world())
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    assert {r.external_id for r in batch.records if isinstance(r, TaskRunRecord)} == {"t1", "t2"}
    assert {r.name for r in batch.records if isinstance(r, PipelineRecord)} == {"etl", "report"}
    identities = [(type(record), record.external_id) for record in batch.records]
    assert len(identities) == len(set(identities))
    assert not batch.has_more
    assert [(listing.kind, len(listing.external_ids)) for listing in batch.listings] == [(Kind.PIPELINE, 2)]


def test_later_polls_bring_open_runs_and_what_ended_since(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=30)
    going = next(run for run in world.runs if run["id"] == "going")
    ended = iso(world.clock - timedelta(minutes=10))
    going.update(state_type="COMPLETED", state_name="Completed", end_time=ended, updated=ended)
    second = fetch(upstream, world, first.cursor)
    assert set(runs(second)) == {"going", "waiting"}
    assert runs(second)["going"].state is RunState.SUCCEEDED
    world.clock += timedelta(minutes=30)
    assert set(runs(fetch(upstream, world, second.cursor))) == {"waiting"}


def test_a_run_that_ended_just_before_the_last_poll_is_read_again(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.add_run("hidden", "f-etl", end_time=iso(world.clock - timedelta(seconds=30)))
    world.clock += timedelta(seconds=30)
    assert "hidden" in runs(fetch(upstream, world, first.cursor))


@pytest.mark.parametrize("seconds", [0.4, 90])
def test_a_run_that_ended_a_moment_after_the_servers_clock_comes_at_once(upstream: Upstream, seconds: float) -> None:
    world = small_world()
    first = fetch(upstream, world)
    ended = iso(world.clock + timedelta(seconds=seconds))  # the Date header tells whole seconds; clocks differ
    world.add_run("just-now", "f-etl", end_time=ended, start_time=ended, expected_start_time=ended)
    assert "just-now" in runs(fetch(upstream, world, first.cursor))


def test_a_run_whose_end_lies_in_the_past_is_not_left_open(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=30)
    going = next(run for run in world.runs if run["id"] == "going")
    going.update(state_type="FAILED", state_name="Failed", end_time=iso(world.clock - timedelta(days=1)))
    second = fetch(upstream, world, first.cursor)
    assert runs(second)["going"].state is RunState.FAILED
    assert second.cursor["open_runs"] == {"waiting": "f-etl"}
    assert not any(listing.kind is Kind.RUN for listing in second.listings)


def run_listings(batch: Batch) -> dict[str, frozenset[str]]:
    return {listing.scope: listing.external_ids for listing in batch.listings if listing.kind is Kind.RUN}


def test_a_deleted_open_run_is_missing_from_the_listings_of_two_polls(upstream: Upstream) -> None:
    world = small_world()
    cursor = fetch(upstream, world).cursor
    world.runs = [run for run in world.runs if run["id"] != "waiting"]
    found = []
    for _ in range(3):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        found.append(run_listings(batch))
    assert found == [{"f-etl": {"done", "going"}}, {"f-etl": {"done", "going"}}, {}]


def test_the_open_runs_of_a_deleted_flow_are_listed_as_gone(upstream: Upstream) -> None:
    world = small_world()
    cursor = fetch(upstream, world).cursor
    world.flows = [flow for flow in world.flows if flow["name"] != "etl"]
    world.runs = [run for run in world.runs if run["flow_id"] != "f-etl"]
    assert run_listings(fetch(upstream, world, cursor)) == {"f-etl": frozenset()}


def test_a_run_is_listed_once_though_a_sweep_meets_a_deleted_run(upstream: Upstream) -> None:
    world = small_world()
    cursor = {**fetch(upstream, world).cursor, "polls": SWEEP_EVERY - 1}
    world.runs = [run for run in world.runs if run["id"] != "waiting"]
    scopes = [listing.scope for listing in fetch(upstream, world, cursor).listings if listing.kind is Kind.RUN]
    assert sorted(scopes) == ["f-etl", "f-report"], "missing twice in one poll would mean gone at once"


def test_open_runs_that_have_to_wait_are_looked_up_later(upstream: Upstream) -> None:
    world = PrefectWorld()
    flow = world.add_flow("etl")
    for number in range(250):
        world.add_run(f"r{number:03}", flow, "RUNNING")
    cursor = fetch(upstream, world, include_task_runs=False).cursor
    world.clock += timedelta(hours=1)
    for run in world.runs:
        run.update(state_type="COMPLETED", state_name="Completed", end_time=iso(world.clock - timedelta(days=1)))
    seen: set[str] = set()
    for _ in range(2):
        batch = fetch(upstream, world, cursor, include_task_runs=False)
        cursor, seen = batch.cursor, seen | set(runs(batch))
    assert len(seen) == 250
    assert cursor["open_runs"] == {}


def test_a_state_set_by_hand_on_an_old_run_is_told_by_the_sweep(upstream: Upstream) -> None:
    world = small_world()
    cursor = fetch(upstream, world).cursor
    for polls in range(1, 2 * SWEEP_EVERY):
        world.clock += timedelta(minutes=1)
        if polls == SWEEP_EVERY + 3:
            edited = next(run for run in world.runs if run["id"] == "failed")
            edited.update(state_type="COMPLETED", state_name="Completed", updated=iso(world.clock))
            week_ahead = iso(world.clock + timedelta(days=7))
            world.add_run("far", "f-etl", "SCHEDULED", expected_start_time=week_ahead, updated=iso(world.clock))
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
    assert runs(batch)["failed"].state is RunState.SUCCEEDED
    assert not {"done", "far"} & set(runs(batch)), "what did not change, or is planned, is listed but not told"


def test_runs_planned_for_next_week_are_left_to_the_schedule(upstream: Upstream) -> None:
    world = small_world()
    world.add_run("soon", "f-etl", "SCHEDULED", expected_start_time=iso(world.clock + timedelta(minutes=20)))
    world.add_run("far", "f-etl", "SCHEDULED", expected_start_time=iso(world.clock + timedelta(days=7)))
    found = runs(fetch(upstream, world))
    assert "soon" in found
    assert "far" not in found


def test_a_long_history_is_read_page_by_page_and_complete(upstream: Upstream) -> None:
    world = PrefectWorld()
    flow = world.add_flow("etl")
    for number in range(730):
        ended = iso(world.clock - timedelta(minutes=number + 1))
        world.add_run(f"r{number:04}", flow, end_time=ended, expected_start_time=ended, start_time=ended)
    seen: set[str] = set()
    cursor: Any = {}
    limits = Limits(total_seconds=5, fetch_seconds=20, max_requests=20)
    turns, has_more = 0, True
    while has_more and turns < 60:
        batch = fetch(upstream, world, cursor, limits=limits)
        cursor, has_more, turns = batch.cursor, batch.has_more, turns + 1
        seen |= set(runs(batch))
    assert not has_more
    assert turns > 1
    assert len(seen) == 730


def test_task_runs_are_left_alone_when_nobody_wants_them(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), include_task_runs=False)
    assert not any(isinstance(record, TaskRunRecord) for record in batch.records)
    assert not any("task_runs" in request.path for request in upstream.requests)


def test_a_deleted_run_is_missing_from_the_sweep_of_its_flow(upstream: Upstream) -> None:
    world = small_world()
    cursor: Any = {}
    swept: dict[str, frozenset[str]] = {}
    for _ in range(SWEEP_EVERY):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        swept = {listing.scope: listing.external_ids for listing in batch.listings if listing.kind is Kind.RUN}
    assert swept == {"f-etl": {"done", "going", "waiting"}, "f-report": {"failed"}}
    world.runs = [run for run in world.runs if run["id"] != "done"]
    for _ in range(SWEEP_EVERY):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
    swept = {listing.scope: listing.external_ids for listing in batch.listings if listing.kind is Kind.RUN}
    assert swept["f-etl"] == {"going", "waiting"}


def test_a_sweep_that_lost_a_run_to_shifting_pages_is_not_believed(upstream: Upstream) -> None:
    world = small_world()

    def handler(request: Request) -> Answer:
        if request.path.endswith("flow_runs/filter") and "flows" in request.json:
            return world.answer([])
        return world(request)

    cursor: Any = {"polls": SWEEP_EVERY - 1}
    upstream.handler = handler
    with time_machine.travel(world.clock, tick=False):
        config = {"url": upstream.url}
        batch = ask(lambda http: PrefectConnector(config=config, secrets={}, http=http).fetch(cursor), limits=ROOMY)
    assert any(request.path.endswith("flow_runs/count") for request in upstream.requests)
    assert not any(listing.kind is Kind.RUN for listing in batch.listings)


def test_one_bad_run_is_rejected_alone(upstream: Upstream) -> None:
    world = small_world()
    world.add_run("no-flow", "f-etl")["flow_id"] = None
    world.add_run("bad-time", "f-etl", start_time="yesterday")
    batch = fetch(upstream, world)
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    assert {item.external_id for item in batch.rejected} == {"no-flow", "bad-time"}


def test_a_page_too_large_is_read_in_smaller_ones(upstream: Upstream) -> None:
    world = PrefectWorld()
    flow = world.add_flow("etl")
    for number in range(60):
        world.add_run(f"r{number}", flow, parameters={"blob": "x" * 20_000})
    limits = Limits(total_seconds=5, fetch_seconds=20, max_bytes=400_000)
    assert len(runs(fetch(upstream, world, limits=limits, include_task_runs=False))) == 60


def test_credentials_are_sent_as_the_server_wants_them(upstream: Upstream) -> None:
    upstream.handler = PrefectWorld()
    for auth, secrets, sent in (
        ("basic", {"auth_string": "ops:demo"}, "Basic b3BzOmRlbW8="),
        ("bearer", {"api_key": "pnu_0123"}, "Bearer pnu_0123"),
    ):
        config = {"url": upstream.url, "auth": auth}
        ask(lambda http: PrefectConnector(config=config, secrets=secrets, http=http).fetch({}))  # noqa: B023
        assert upstream.requests[-1].headers["authorization"] == sent


@pytest.mark.parametrize(("auth", "secrets", "field"), [("basic", {}, "auth_string"), ("bearer", {}, "api_key"),
                                                        ("bearer", {"api_key": "a\nb"}, "api_key")])  # fmt: skip
def test_a_missing_credential_is_named(upstream: Upstream, auth: str, secrets: dict[str, str], field: str) -> None:
    config = {"url": upstream.url, "auth": auth}
    with pytest.raises(ConfigError) as caught:
        ask(lambda http: PrefectConnector(config=config, secrets=secrets, http=http).fetch({}))
    assert caught.value.field == field
    assert upstream.requests == []


def test_the_api_path_is_added_when_it_was_forgotten() -> None:
    assert PrefectConnector.clean({"url": "http://prefect.example:4200/"})["url"] == "http://prefect.example:4200/api"
    assert PrefectConnector.clean({"url": "https://x/y/api"})["url"] == "https://x/y/api"


def test_probe_tells_version_and_counts(upstream: Upstream) -> None:
    upstream.handler = small_world()
    probe = ask(lambda http: PrefectConnector(config={"url": upstream.url}, secrets={}, http=http).probe())
    assert probe.sentence == "Prefect 3.8.8 answers; it has 2 flows and 4 runs."
    assert all(scope.is_granted for scope in probe.scopes)


def test_another_kind_of_server_is_recognised(upstream: Upstream) -> None:
    upstream.always(Answer(body=b'{"results": []}'))
    with pytest.raises(SourceError) as caught:
        ask(lambda http: PrefectConnector(config={"url": upstream.url}, secrets={}, http=http).fetch({}))
    assert caught.value.error_class is ErrorClass.SCHEMA


RUN_KEYS = (
    "id", "flow_id", "name", "state_type", "state_name", "state", "updated", "start_time", "end_time", "created_by",
    "expected_start_time", "parameters", "tags", "labels", "run_count", "task_inputs", "flow_run_id", "schedules",
)  # fmt: skip
SHAPED = st.dictionaries(st.sampled_from(RUN_KEYS), JSON, max_size=10)


@patient
@given(st.lists(JSON | SHAPED, max_size=4))
def test_no_json_breaks_the_normalizers(items: list[Any]) -> None:
    for records, rejected in (
        read_runs(items, ui=UI, deployment_names={}),
        read_task_runs(items, ui=UI),
        read_flows(items, items, ui=UI),
    ):
        assert len(records) + len(rejected) == len(items)


KEPT = ["watermark", "pass", "polls", "open_runs", "suspects", "sweep_after", "sweep_began", "swept_at"]


@patient
@given(st.dictionaries(st.sampled_from(KEPT), JSON))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(memory.dump()) == memory
