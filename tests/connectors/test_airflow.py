"""Airflow: states, cleared runs, reading without `updated_at`, rights, deletions, and both generations of its API."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.airflow import missing
from apps.connectors.providers.airflow.connector import AirflowConnector
from apps.connectors.providers.airflow.cursor import SWEEP_EVERY
from apps.connectors.records import (
    AlertRecord,
    AlertState,
    Batch,
    Kind,
    PipelineRecord,
    RunRecord,
    RunState,
    TaskRunRecord,
)
from tests.connectors.airflow_world import TOKEN, AirflowWorld, failure_log, small_world
from tests.connectors.conftest import ask
from tests.connectors.upstream import Answer, Upstream
from tests.connectors.worlds import iso

ROOMY = Limits(total_seconds=5, fetch_seconds=20)


def fetch(
    upstream: Upstream, world: AirflowWorld, cursor: Any = None, *, limits: Limits = ROOMY, **settings: Any
) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, "auth": "basic", "username": "admin", **settings}
    secrets = {"password": "correct-horse", "token": "ready-made"}
    with time_machine.travel(world.clock, tick=False):
        return ask(lambda http: AirflowConnector(config=config, secrets=secrets, http=http).fetch(saved), limits=limits)


def runs(batch: Batch) -> dict[str, RunRecord]:
    return {record.name: record for record in batch.records if isinstance(record, RunRecord)}


def tasks(batch: Batch) -> dict[str, TaskRunRecord]:
    return {record.external_id: record for record in batch.records if isinstance(record, TaskRunRecord)}


def alerts(batch: Batch) -> dict[str, AlertRecord]:
    return {record.name: record for record in batch.records if isinstance(record, AlertRecord)}


def run_listings(batch: Batch) -> dict[str, frozenset[str]]:
    return {listing.scope: listing.external_ids for listing in batch.listings if listing.kind is Kind.RUN}


def asked(upstream: Upstream, part: str) -> list[str]:
    return [request.path for request in upstream.requests if part in request.path]


def test_the_first_poll_brings_everything(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world())
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    assert set(tasks(batch)) == {"etl/done/extract", "report/failed/boom", "etl/going/extract"}
    assert {record.name for record in batch.records if isinstance(record, PipelineRecord)} == {"etl", "report"}
    assert list(alerts(batch)) == ["Airflow cannot read bad.py"]
    assert sorted(listing.kind for listing in batch.listings) == [Kind.ALERT, Kind.PIPELINE]
    assert not batch.has_more


def test_a_failed_run_says_which_task_failed_first_and_why(upstream: Upstream) -> None:
    world = small_world()
    late = iso(world.clock)
    world.add_task("also", "failed", "failed", end_date=late)
    world.add_task("after", "failed", "upstream_failed", end_date=late)
    world.logs["also"] = failure_log("KeyError", "'n'")
    batch = fetch(upstream, world)
    assert runs(batch)["failed"].error == "boom: ValueError: no rows"
    errors = {key: task.error for key, task in tasks(batch).items() if "failed" in key}
    assert errors == {
        "report/failed/boom": "ValueError: no rows",
        "report/failed/also": "KeyError: 'n'",
        "report/failed/after": "",
    }


def test_without_reading_logs_the_task_that_failed_is_named(upstream: Upstream) -> None:
    assert runs(fetch(upstream, small_world(), include_errors=False))["failed"].error == "boom failed"
    assert asked(upstream, "/logs/") == []


@pytest.mark.parametrize("trouble", [404, 500, 403])
def test_a_log_that_cannot_be_had_costs_only_the_reason(upstream: Upstream, trouble: int) -> None:
    world = small_world()
    world.logs["boom"] = Answer(status=trouble)
    batch = fetch(upstream, world)
    assert runs(batch)["failed"].error == "boom failed"
    assert runs(batch)["done"].state is RunState.SUCCEEDED


def test_a_log_that_comes_late_is_read_in_the_next_poll(upstream: Upstream) -> None:
    world = small_world()
    log = world.logs.pop("boom")
    world.changed["failed"] = world.changed["done"] = world.clock
    first = fetch(upstream, world)
    world.logs["boom"] = log
    world.clock += timedelta(seconds=30)
    second = fetch(upstream, world, first.cursor)
    assert runs(second)["failed"].error == "boom: ValueError: no rows"
    assert "done" not in runs(second), "of that one everything was said"
    assert "failed" not in runs(fetch(upstream, world, second.cursor))


def test_a_cleared_run_is_newer_than_the_failure_it_had(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(seconds=30)
    world.change("failed", state="queued", start_date=None, end_date=None)
    world.tasks[1].update(state=None, start_date=None, end_date=None)
    second = fetch(upstream, world, first.cursor)
    old, new = runs(first)["failed"], runs(second)["failed"]
    assert (new.state, new.started_at, new.finished_at, new.error) == (RunState.QUEUED, None, None, "")
    assert new.updated_at > old.updated_at
    task = tasks(second)["report/failed/boom"]
    assert (task.state, task.raw_state, task.error) == (RunState.QUEUED, "none", "")
    world.clock += timedelta(seconds=30)
    world.change("failed", state="success", start_date=iso(world.clock), end_date=iso(world.clock))
    world.tasks[1].update(state="success", start_date=iso(world.clock), end_date=iso(world.clock), try_number=2)
    third = runs(fetch(upstream, world, second.cursor))["failed"]
    assert (third.state, third.attempts, third.error) == (RunState.SUCCEEDED, 2, "")
    assert third.updated_at > new.updated_at


def test_a_state_set_by_hand_on_an_old_run_is_seen(upstream: Upstream) -> None:
    world = small_world()
    world.add_run("old", changed=world.clock - timedelta(days=20))
    first = fetch(upstream, world)
    assert runs(first)["old"].state is RunState.SUCCEEDED
    world.clock += timedelta(hours=1)
    world.change("old", state="failed")
    assert runs(fetch(upstream, world, first.cursor))["old"].state is RunState.FAILED


def test_news_stays_in_order_when_the_servers_clock_is_put_back(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock -= timedelta(minutes=1)
    world.change("going", state="failed")
    second = fetch(upstream, world, first.cursor)
    assert runs(second)["going"].updated_at == runs(first)["going"].updated_at


def test_the_overlap_tells_an_ended_run_again_only_if_it_changed(upstream: Upstream) -> None:
    world = small_world()
    for run in world.runs:
        world.changed[run["dag_run_id"]] = world.clock
    first = fetch(upstream, world)
    world.clock += timedelta(seconds=30)
    second = fetch(upstream, world, first.cursor)
    assert set(runs(second)) == {"going", "waiting"}
    world.change("done", note="looked at")
    assert runs(fetch(upstream, world, second.cursor))["done"].labels == {"note": "looked at"}


def test_a_run_that_became_visible_late_is_still_read(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.add_run("hidden", changed=world.clock - timedelta(seconds=90))
    world.clock += timedelta(seconds=30)
    assert "hidden" in runs(fetch(upstream, world, first.cursor))


def test_ids_are_percent_encoded_and_times_carry_an_offset(upstream: Upstream) -> None:
    world = small_world()
    world.add_run("manual__2026-11-23T20:28:32.046099+00:00")
    batch = fetch(upstream, world)
    run = runs(batch)["manual__2026-11-23T20:28:32.046099+00:00"]
    assert run.external_id == "etl/manual__2026-11-23T20:28:32.046099+00:00"
    assert run.url == f"{upstream.url}/dags/etl/runs/manual__2026-11-23T20%3A28%3A32.046099%2B00%3A00"
    assert any("%2B00" in path for path in asked(upstream, "manual__"))
    since = [request.query["updated_at_gte"] for request in upstream.requests if "updated_at_gte" in request.query]
    assert all(text.endswith("+00:00") for text in since)
    assert since


def test_a_run_of_skipped_tasks_only_is_skipped(upstream: Upstream) -> None:
    world = AirflowWorld()
    world.add_dag("etl")
    for name, states in (("idle", ("skipped", "skipped")), ("partly", ("success", "skipped")), ("empty", ())):
        world.add_run(name)
        for number, state in enumerate(states):
            world.add_task(f"t{number}", name, state)
    found = runs(fetch(upstream, world))
    assert {name: run.state for name, run in found.items()} == {
        "idle": RunState.SKIPPED,
        "partly": RunState.SUCCEEDED,
        "empty": RunState.SUCCEEDED,
    }
    assert found["idle"].raw_state == "success"
    without = runs(fetch(upstream, world, include_task_runs=False))
    assert without["idle"].state is RunState.SUCCEEDED


def test_a_mapped_task_keeps_the_id_it_had_before_it_was_expanded(upstream: Upstream) -> None:
    world = small_world()
    waiting = world.add_task("load", "going", None)
    before = fetch(upstream, world)
    waiting.update(map_index=0, state="success")
    world.add_task("load", "going", "running", map_index=1, rendered_map_index="page 2")
    after = tasks(fetch(upstream, world, before.cursor))
    assert tasks(before)["etl/going/load"].name == "load"
    assert after["etl/going/load"].name == "load [0]"
    assert after["etl/going/load[1]"].name == "load [page 2]"
    assert after["etl/going/load[1]"].url == f"{upstream.url}/dags/etl/runs/going/tasks/load/mapped/1"


def test_a_server_that_gives_smaller_pages_than_asked_for_is_read_whole(upstream: Upstream) -> None:
    world = AirflowWorld(most=20)
    for number in range(45):
        world.add_dag(f"d{number:02}")
    for number in range(90):
        world.add_run(f"r{number:02}", "d00")
    batch = fetch(upstream, world, include_task_runs=False)
    assert len(runs(batch)) == 90
    assert [len(listing.external_ids) for listing in batch.listings if listing.kind is Kind.PIPELINE] == [45]


def test_a_long_history_is_read_in_pieces_and_complete(upstream: Upstream) -> None:
    world = AirflowWorld()
    world.add_dag("etl")
    for number in range(130):
        world.add_run(f"r{number:03}", changed=world.clock - timedelta(hours=5 * number + 1))
        world.add_task("extract", f"r{number:03}")
    seen: dict[str, int] = {}
    cursor: Any = {}
    turns, has_more = 0, True
    while has_more and turns < 40:
        batch = fetch(upstream, world, cursor, limits=Limits(total_seconds=5, fetch_seconds=20, max_requests=30))
        cursor, has_more, turns = batch.cursor, batch.has_more, turns + 1
        for name in runs(batch):
            seen[name] = seen.get(name, 0) + 1
        world.clock += timedelta(seconds=5)
        world.add_run(f"new{turns}", state="running")
    old = {name for name in seen if name.startswith("r")}
    assert old == {f"r{number:03}" for number in range(130) if 5 * number + 1 < 30 * 24}
    assert turns > 5
    assert max(seen[name] for name in old) <= 2, "only the runs of the first day may come with news and with history"


def test_zero_days_of_backfill_bring_no_history(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), backfill_days=0)
    assert set(runs(batch)) == {"going", "waiting"}


def test_the_tasks_of_many_open_runs_are_read_in_turn(upstream: Upstream) -> None:
    world = AirflowWorld()
    world.add_dag("etl")
    for number in range(40):
        world.add_run(f"r{number:02}", state="running")
        world.add_task("extract", f"r{number:02}", "running")
    cursor: Any = {}
    seen: set[str] = set()
    for _ in range(4):
        batch = fetch(upstream, world, cursor)
        cursor, seen = batch.cursor, seen | set(tasks(batch))
        assert len(runs(batch)) == 40, "the runs themselves come every time"
    assert len(seen) == 40


def test_a_run_with_too_many_tasks_is_reported_once_and_its_neighbours_come(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.connectors.providers.airflow.fetching.MOST_TASKS", 100)
    world = small_world()
    for number in range(250):
        world.add_task(f"t{number}", "done")
    batch = fetch(upstream, world)
    assert [item.external_id for item in batch.rejected] == ["etl/done"]
    assert "more than 100 task instances" in batch.rejected[0].reason
    assert {"done", "failed"} <= set(runs(batch))


def test_a_page_too_large_is_read_in_smaller_ones(upstream: Upstream) -> None:
    world = AirflowWorld()
    world.add_dag("etl")
    for number in range(40):
        world.add_run(f"r{number:02}", conf={"blob": "x" * 10_000})
    limits = Limits(total_seconds=5, fetch_seconds=20, max_bytes=200_000)
    assert len(runs(fetch(upstream, world, limits=limits, include_task_runs=False))) == 40


def test_only_the_wanted_dags_are_read(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), dags=["rep*"])
    assert set(runs(batch)) == {"failed"}
    pipelines = [listing.external_ids for listing in batch.listings if listing.kind is Kind.PIPELINE]
    assert pipelines == [{"report"}]


def test_a_deleted_open_run_is_missing_from_the_listings_of_two_polls(upstream: Upstream) -> None:
    world = small_world()
    cursor = fetch(upstream, world).cursor
    world.runs = [run for run in world.runs if run["dag_run_id"] != "waiting"]
    found = []
    for _ in range(3):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        found.append(run_listings(batch))
    kept = frozenset({"etl/done", "etl/going"})
    assert found == [{"etl": kept}, {"etl": kept}, {}]


def test_an_open_run_of_a_dag_too_large_to_list_is_asked_for_by_its_id(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing, "MOST_SWEPT", 1)
    world = small_world()
    cursor = fetch(upstream, world).cursor
    ended = next(run for run in world.runs if run["dag_run_id"] == "going")
    ended.update(state="failed", end_date=iso(world.clock))
    world.changed["going"] = world.clock - timedelta(days=1)  # as if the change had been missed
    batch = fetch(upstream, world, cursor)
    assert runs(batch)["going"].state is RunState.FAILED
    assert run_listings(batch) == {}


def test_runs_deleted_long_after_their_end_are_noticed_by_the_sweep(upstream: Upstream) -> None:
    world = small_world()
    cursor = {**fetch(upstream, world).cursor, "polls": SWEEP_EVERY - 1}
    world.runs = [run for run in world.runs if run["dag_run_id"] != "done"]
    batch = fetch(upstream, world, cursor)
    assert run_listings(batch) == {"etl": {"etl/going", "etl/waiting"}, "report": {"report/failed"}}
    assert run_listings(fetch(upstream, world, batch.cursor)) == {}, "until the next sweep"


def test_a_sweep_goes_on_where_it_stopped(upstream: Upstream) -> None:
    world = AirflowWorld()
    for number in range(30):
        world.add_dag(f"d{number:02}")
        world.add_run(f"r{number:02}", f"d{number:02}")
    cursor: Any = {"polls": SWEEP_EVERY - 1, "watermark": iso(world.clock), "is_backfilled": True}
    scopes: list[str] = []
    for _ in range(4):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        scopes += sorted(run_listings(batch))
    assert scopes == [f"d{number:02}" for number in range(30)]


def test_what_is_wrong_with_airflow_itself_is_an_alert_and_ends_by_its_absence(upstream: Upstream) -> None:
    world = small_world()
    heartbeat = "2026-11-23T20:28:25.096467+00:00"
    world.health = {
        "metadatabase": {"status": "healthy"},
        "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": heartbeat},
        "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
        "dag_processor": {"status": "unhealthy", "latest_dag_processor_heartbeat": "soon"},
    }
    batch = fetch(upstream, world)
    found = alerts(batch)
    assert set(found) == {
        "Airflow cannot read bad.py",
        "Airflow scheduler is unhealthy",
        "Airflow dag processor is unhealthy",
    }
    sick = found["Airflow scheduler is unhealthy"]
    assert (sick.severity, sick.started_at) == ("page", datetime(2026, 11, 23, 20, 28, 25, 96467, tzinfo=UTC))
    assert found["Airflow dag processor is unhealthy"].started_at == world.clock
    unread = found["Airflow cannot read bad.py"]
    assert unread.summary == "ModuleNotFoundError: No module named 'x'"
    listing = next(listing for listing in batch.listings if listing.kind is Kind.ALERT)
    assert listing.external_ids == {alert.external_id for alert in found.values()}
    world.health, world.import_errors = {"scheduler": {"status": "healthy"}}, []
    assert [x.external_ids for x in fetch(upstream, world).listings if x.kind is Kind.ALERT] == [frozenset()]


def test_an_import_error_that_is_found_again_stays_the_same_alert(upstream: Upstream) -> None:
    world = small_world()
    first = alerts(fetch(upstream, world))
    world.import_errors = []
    world.clock += timedelta(seconds=30)
    world.add_import_error("bad.py", "SyntaxError: invalid syntax")
    second = alerts(fetch(upstream, world))
    assert [alert.external_id for alert in first.values()] == [alert.external_id for alert in second.values()]


@pytest.mark.parametrize(
    ("refused", "name"),
    [("/logs/", "task logs"), ("taskInstances", "task instances"), ("importErrors", "import errors")],
)
def test_a_missing_right_is_named_and_the_rest_is_read(upstream: Upstream, refused: str, name: str) -> None:
    world = small_world()
    world.refused = {refused}
    batch = fetch(upstream, world)
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    has_listing = any(listing.kind is Kind.ALERT for listing in batch.listings)
    assert has_listing == (refused != "importErrors"), "alerts that are not seen have not ended"
    is_well = [alert.state for alert in alerts(batch).values() if alert.external_id == "health:scheduler"]
    assert is_well == ([] if has_listing else [AlertState.RESOLVED])
    probe = ask(lambda http: connector(upstream, http).probe())
    assert [scope.name for scope in probe.scopes if not scope.is_granted] == [name]
    assert probe.sentence == "Airflow 3.3.2 answers; it has 2 DAGs and 4 runs."


def connector(upstream: Upstream, http: Any, **settings: Any) -> AirflowConnector:
    config = {"url": upstream.url, "auth": "basic", "username": "admin", **settings}
    return AirflowConnector(config=config, secrets={"password": "correct-horse", "token": "made"}, http=http)


def test_a_probe_without_any_right_fails_for_the_credentials(upstream: Upstream) -> None:
    world = small_world()
    world.refused = {"dags", "importErrors"}
    upstream.handler = world
    with pytest.raises(SourceError) as caught:
        ask(lambda http: connector(upstream, http).probe())
    assert caught.value.error_class is ErrorClass.AUTH


def test_user_and_password_are_exchanged_for_a_token(upstream: Upstream) -> None:
    fetch(upstream, small_world())
    meeting, sign_in, *rest = upstream.requests
    assert (meeting.path, "authorization" in meeting.headers) == ("/api/v2/version", False)
    assert sign_in.json == {"username": "admin", "password": "correct-horse"}
    assert {request.headers.get("authorization") for request in rest} == {f"Bearer {TOKEN}"}


def test_a_ready_token_is_sent_as_it_is(upstream: Upstream) -> None:
    fetch(upstream, small_world(), auth="bearer")
    assert {request.headers.get("authorization") for request in upstream.requests} == {"Bearer ready-made"}
    assert asked(upstream, "/auth/token") == []


def test_a_wrong_password_is_told_without_being_shown(upstream: Upstream) -> None:
    world = small_world()
    world.users = {"admin": "another"}
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world)
    assert (caught.value.error_class, caught.value.is_permanent) == (ErrorClass.AUTH, True)
    assert "correct-horse" not in caught.value.message


def test_a_sign_in_without_a_token_is_no_sign_in(upstream: Upstream) -> None:
    world = small_world()
    world.sign_in = lambda request: world.answer({"message": "welcome"})  # type: ignore[method-assign]
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world)
    assert caught.value.error_class is ErrorClass.SCHEMA


def test_airflow_2_is_spoken_to_in_its_own_way(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(generation=2))
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    assert {record.kind for record in batch.records} == AirflowConnector.kinds  # type: ignore[attr-defined]
    assert asked(upstream, "/api/v2") == ["/api/v2/version"]
    assert asked(upstream, "/auth/token") == []
    basic = f"Basic {base64.b64encode(b'admin:correct-horse').decode()}"
    assert {request.headers.get("authorization") for request in upstream.requests[2:]} == {basic}
    assert runs(batch)["done"].url == f"{upstream.url}/dags/etl/grid?dag_run_id=done"


def test_an_airflow_too_old_to_say_what_changed_is_refused_in_words(upstream: Upstream) -> None:
    world = small_world(generation=2)
    world.version = "2.5.3"
    with pytest.raises(SourceError, match=r"Airflow 2\.5\.3 cannot say which runs changed; 2\.6 is the oldest"):
        fetch(upstream, world)


def test_the_path_of_the_api_is_taken_off_the_address() -> None:
    for path in ("", "/", "/api/v2", "/api/v1/", "/api"):
        cleaned = AirflowConnector.clean({"url": f"https://airflow.example/team{path}"})
        assert cleaned["url"] == "https://airflow.example/team"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Europe/"])
def test_a_time_zone_that_does_not_exist_is_named(zone: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AirflowConnector.clean({"url": "https://airflow.example", "time_zone": zone})
    assert caught.value.field == "time_zone"


def test_a_backfill_that_finds_no_room_waits_for_the_next_regular_poll(upstream: Upstream) -> None:
    world = AirflowWorld()
    world.add_dag("etl")
    world.add_run("old", changed=world.clock - timedelta(days=3))
    history = {"after": iso(world.clock - timedelta(days=9)), "began": iso(world.clock), "offset": 0}
    cursor = {"watermark": iso(world.clock), "history": history}
    crowded = fetch(upstream, world, cursor, limits=Limits(total_seconds=5, fetch_seconds=20, max_requests=8))
    assert (crowded.has_more, runs(crowded)) == (False, {}), "asking again at once would find no more room"
    later = fetch(upstream, world, crowded.cursor)
    assert set(runs(later)) == {"old"}
    assert later.cursor["is_backfilled"] is True
