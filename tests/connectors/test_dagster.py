"""Dagster: answers that are errors, hidden code locations, incremental reading page by page, and credentials."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.dagster.connector import DagsterConnector
from apps.connectors.records import Kind, PipelineRecord, RunState
from tests.connectors.conftest import ask
from tests.connectors.dagster_world import (
    ETL,
    REPORT,
    DagsterWorld,
    alerts,
    failure_events,
    fetch,
    listed,
    operations,
    python_error,
    runs,
    small_world,
    steps,
)
from tests.connectors.upstream import Answer, Request, Upstream


def refusal(upstream: Upstream, world: Any, **settings: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world, **settings)
    return caught.value


def test_the_first_poll_brings_everything_once(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world())
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    assert set(steps(batch)) == {"done/extract", "done/load", "failed/boom", "going/extract"}
    assert {r.external_id for r in batch.records if isinstance(r, PipelineRecord)} == {ETL, REPORT}
    assert set(alerts(batch)) == {"daemon:SCHEDULER"}
    assert len({(type(record), record.external_id) for record in batch.records}) == len(batch.records)
    assert (batch.has_more, batch.rejected) == (False, ())
    assert listed(batch, Kind.PIPELINE) == {"": {ETL, REPORT}}
    assert listed(batch, Kind.RUN) == {}


def test_later_polls_bring_open_runs_and_what_changed_since(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=30)
    ended = world.clock.timestamp() - 600
    world.run("going").update(status="SUCCESS", endTime=ended, updateTime=ended)
    second = fetch(upstream, world, first.cursor)
    assert set(runs(second)) == {"going", "waiting"}
    assert runs(second)["going"].state is RunState.SUCCEEDED
    world.clock += timedelta(minutes=30)
    third = fetch(upstream, world, second.cursor)
    assert set(runs(third)) == {"waiting"}


def test_a_change_just_before_the_last_poll_is_read_again(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.add_run("hidden", updateTime=world.clock.timestamp() - 30)
    world.clock += timedelta(seconds=30)
    assert "hidden" in runs(fetch(upstream, world, first.cursor))


def test_a_run_edited_long_after_its_end_is_told_again(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(days=3)
    tags = [{"key": "dagster/will_retry", "value": "true"}]
    world.run("failed").update(tags=tags, updateTime=world.clock.timestamp() - 1)
    assert runs(fetch(upstream, world, first.cursor))["failed"].labels["dagster/will_retry"] == "true"


def test_progress_of_a_step_is_seen_though_its_run_does_not_change(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=30)
    world.steps["going"] = []
    world.add_step("going", "extract", "SUCCESS")
    world.add_step("going", "load", "IN_PROGRESS", tries=0)
    found = steps(fetch(upstream, world, first.cursor))
    assert {key: step.state for key, step in found.items()} == {
        "going/extract": RunState.SUCCEEDED,
        "going/load": RunState.RUNNING,
    }


def test_a_long_history_is_read_page_by_page_and_complete(upstream: Upstream) -> None:
    world = DagsterWorld()
    world.add_location("main", "etl")
    for number in range(730):
        ended = world.clock.timestamp() - 60 * (730 - number)
        world.add_run(f"r{number:04}", startTime=ended, endTime=ended, updateTime=ended)
    limits = Limits(total_seconds=5, fetch_seconds=20, max_requests=20)
    seen: set[str] = set()
    cursor: Any = {}
    turns, has_more = 0, True
    while has_more and turns < 60:
        batch = fetch(upstream, world, cursor, limits=limits)
        cursor, has_more, turns = batch.cursor, batch.has_more, turns + 1
        seen |= set(runs(batch))
    assert not has_more
    assert turns > 1
    assert len(seen) == 730


def test_runs_older_than_the_backfill_are_left_alone(upstream: Upstream) -> None:
    world = small_world()
    world.add_run("old", updateTime=(world.clock - timedelta(days=3)).timestamp())
    assert "old" in runs(fetch(upstream, world, backfill_days=4))
    assert "old" not in runs(fetch(upstream, world, backfill_days=2))


def test_a_backfill_goes_on_though_the_run_that_marked_its_place_was_deleted(upstream: Upstream) -> None:
    """After a run that is no more, Dagster finds nothing and says so as if that were the end."""
    world = DagsterWorld()
    for number in range(300):
        world.add_run(f"r{number:03}")
    limits = Limits(total_seconds=5, fetch_seconds=20, max_requests=9)
    first = fetch(upstream, world, limits=limits)
    assert first.has_more
    world.delete(first.cursor["pass"]["cursor"])
    second = fetch(upstream, world, first.cursor)
    assert not second.has_more
    assert set(runs(second)) == {run["runId"] for run in world.runs}


def test_a_page_too_large_is_read_in_smaller_ones(upstream: Upstream) -> None:
    world = DagsterWorld()
    for number in range(60):
        world.add_run(f"r{number}", runConfig={"blob": "x" * 20_000})
    limits = Limits(total_seconds=5, fetch_seconds=20, max_bytes=400_000)
    assert len(runs(fetch(upstream, world, limits=limits, include_steps=False))) == 60


def test_steps_of_runs_with_very_many_are_asked_for_in_smaller_groups(upstream: Upstream) -> None:
    world = DagsterWorld()
    for number in range(20):
        world.add_run(f"r{number}")
        for step in range(30):
            world.add_step(f"r{number}", f"step_{step}_{'x' * 100}")
    limits = Limits(total_seconds=5, fetch_seconds=20, max_bytes=60_000)
    batch = fetch(upstream, world, limits=limits)
    assert (len(steps(batch)), batch.rejected) == (600, ())


def test_steps_that_take_too_long_are_asked_for_in_smaller_groups(upstream: Upstream) -> None:
    world = DagsterWorld()
    for number in range(20):
        world.add_run(f"r{number}")
        world.add_step(f"r{number}", "extract")

    def slow(request: Request) -> Answer:
        is_large = "query Steps" in request.json["query"] and len(request.json["variables"]["filter"]["runIds"]) > 10
        return replace(world(request), delay=5 if is_large else 0)

    limits = Limits(total_seconds=2, fetch_seconds=20)
    batch = fetch(upstream, slow, limits=limits)
    assert (len(steps(batch)), batch.rejected) == (20, ())


def test_steps_are_left_alone_when_nobody_wants_them(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), include_steps=False)
    assert steps(batch) == {}
    assert "Steps" not in operations(upstream)
    assert runs(batch)["failed"].error == "ValueError: the feed has no prices"


def test_steps_that_dagster_cannot_tell_spare_their_runs(upstream: Upstream) -> None:
    world = small_world()
    world.answers["Steps"] = {"runsOrError": python_error("DagsterEventLogInvalidForRun: bad row\nstack …")}
    batch = fetch(upstream, world)
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    assert {item.kind for item in batch.rejected} == {Kind.TASK_RUN}
    assert "DagsterEventLogInvalidForRun: bad row" in batch.rejected[0].reason


def test_a_failure_far_down_the_log_is_found(upstream: Upstream) -> None:
    world = small_world()
    world.events["failed"] = [{"__typename": "LogMessageEvent"}] * 2_500 + world.events["failed"]
    batch = fetch(upstream, world)
    assert runs(batch)["failed"].error == "ValueError: the feed has no prices"
    assert steps(batch)["failed/boom"].error == "ValueError: the feed has no prices"


def test_a_failure_too_far_down_the_log_is_told_by_its_reason(upstream: Upstream) -> None:
    world = small_world()
    world.run("failed")["tags"] = [{"key": "dagster/failure_reason", "value": "STEP_FAILURE"}]
    world.events["failed"] = [{"__typename": "LogMessageEvent"}] * 9_000 + world.events["failed"]
    assert runs(fetch(upstream, world))["failed"].error == "STEP_FAILURE"


def test_an_error_in_an_answer_with_status_200_is_an_error(upstream: Upstream) -> None:
    for operation, member in (("Workspace", "workspaceOrError"), ("Runs", "runsOrError")):
        world = small_world()
        world.answers[operation] = {member: python_error("OperationalError: database is locked\n  File …")}
        error = refusal(upstream, world)
        assert (error.error_class, error.is_permanent) == (ErrorClass.UPSTREAM, False)
        assert error.message == f"Dagster fails to answer {member}. It says: OperationalError: database is locked"


@pytest.mark.parametrize(
    ("kind", "error_class"),
    [
        ("UnauthorizedError", ErrorClass.AUTH),
        ("InvalidPipelineRunsFilterError", ErrorClass.REJECTED),
        (None, ErrorClass.SCHEMA),
    ],
)
def test_every_member_of_a_union_but_the_wanted_one_is_refused(
    upstream: Upstream, kind: str | None, error_class: ErrorClass
) -> None:
    world = small_world()
    world.answers["Runs"] = {"runsOrError": {"__typename": kind, "message": "no", "results": []}}
    assert refusal(upstream, world).error_class is error_class


def test_an_answer_that_carries_errors_beside_data_is_not_believed(upstream: Upstream) -> None:
    body = {"data": {"workspaceOrError": None}, "errors": [{"message": "boom in a resolver"}]}
    upstream.always(Answer(body=json.dumps(body).encode()))
    error = refusal(upstream, upstream.handler)
    assert (error.error_class, error.message.endswith("It says: boom in a resolver")) == (ErrorClass.UPSTREAM, True)


def test_no_secret_is_quoted_from_an_error_of_dagsters(upstream: Upstream) -> None:
    upstream.handler = world = small_world()
    world.answers["Workspace"] = {"workspaceOrError": python_error("no ops:secret-0815 here: b3BzOnNlY3JldC0wODE1")}
    config = {"url": upstream.url, "auth": "basic", "username": "ops"}
    with pytest.raises(SourceError) as caught:
        ask(lambda h: DagsterConnector(config=config, secrets={"password": "secret-0815"}, http=h).fetch({}))
    assert "It says: no ops:•••" in caught.value.message
    assert "secret-0815" not in caught.value.message
    assert "b3BzOnNlY3JldC0wODE1" not in caught.value.message


def test_jobs_of_a_code_location_that_does_not_load_are_not_gone(upstream: Upstream) -> None:
    world = small_world()
    broken = world.add_location("reports", "weekly")
    first = fetch(upstream, world)
    assert listed(first, Kind.PIPELINE)[""] == {ETL, REPORT, "__repository__@reports/weekly"}
    loaded = broken["locationOrLoadError"]
    broken["locationOrLoadError"] = python_error("dagster._core.errors.DagsterImportError: x", "ImportError: no y")
    second = fetch(upstream, world, first.cursor)
    assert listed(second, Kind.PIPELINE) == {}
    alert = alerts(second)["location:reports"]
    assert (alert.name, alert.summary) == ("Code location reports does not load", "ImportError: no y")
    assert alert.url == f"{upstream.url}/deployment/locations"
    broken["locationOrLoadError"] = loaded
    third = fetch(upstream, world, second.cursor)
    assert "location:reports" not in listed(third, Kind.ALERT)[""], "absent from a complete listing: resolved"


def test_a_code_location_being_loaded_says_nothing_yet(upstream: Upstream) -> None:
    world = small_world()
    world.add_location("reports").update(loadStatus="LOADING", locationOrLoadError=None)
    batch = fetch(upstream, world)
    assert listed(batch, Kind.PIPELINE) == {}
    assert "location:reports" not in alerts(batch)
    assert "location:reports" in listed(batch, Kind.ALERT)[""], "an alert that is open stays open"


def test_an_empty_workspace_never_means_that_all_jobs_are_gone(upstream: Upstream) -> None:
    assert listed(fetch(upstream, DagsterWorld()), Kind.PIPELINE) == {}


def test_daemons_that_are_needed_and_not_healthy_are_alerts_until_they_recover(upstream: Upstream) -> None:
    world = DagsterWorld()
    world.add_daemons("SENSOR", "BACKFILL")
    world.daemons[1]["required"] = False
    beat = world.clock - timedelta(minutes=40)
    world.daemons[2].update(healthy=False, lastHeartbeatTime=beat.timestamp())
    world.daemons[3].update(healthy=False, lastHeartbeatErrors=[python_error("ValueError: bad cursor\n")])
    batch = fetch(upstream, world)
    found = alerts(batch)
    assert set(found) == {"daemon:SENSOR", "daemon:SCHEDULER", "daemon:QUEUED_RUN_COORDINATOR"}
    assert found["daemon:SENSOR"].started_at == world.clock
    assert found["daemon:SCHEDULER"].started_at == beat
    assert found["daemon:SCHEDULER"].summary == "While it is down, schedules start no runs: it has gone quiet"
    assert found["daemon:QUEUED_RUN_COORDINATOR"].summary.endswith(
        "queued runs are not launched: ValueError: bad cursor"
    )
    for daemon in world.daemons:
        daemon.update(healthy=True)
    assert listed(fetch(upstream, world, batch.cursor), Kind.ALERT) == {"": frozenset()}


def test_nothing_is_said_about_dagster_itself_when_nobody_wants_it(upstream: Upstream) -> None:
    batch = fetch(upstream, small_world(), alerts=False)
    assert (alerts(batch), listed(batch, Kind.ALERT)) == ({}, {})
    assert "Daemons" not in operations(upstream)


def test_one_bad_run_is_rejected_alone(upstream: Upstream) -> None:
    world = small_world()
    world.add_run("no-job")["jobName"] = None
    world.add_run("bad-time", startTime="yesterday")
    batch = fetch(upstream, world)
    assert set(runs(batch)) == {"done", "failed", "going", "waiting"}
    assert {item.external_id for item in batch.rejected} == {"no-job", "bad-time"}


def test_a_run_of_no_known_repository_belongs_to_the_only_job_of_its_name(upstream: Upstream) -> None:
    world = small_world()
    world.add_run("from-a-shell", repositoryOrigin=None)
    world.add_run("stray", repositoryOrigin=None, job="unheard_of")
    found = runs(fetch(upstream, world))
    assert (found["from-a-shell"].pipeline_external_id, found["stray"].pipeline_external_id) == (ETL, "unheard_of")


@pytest.mark.parametrize(
    ("auth", "secrets", "header", "sent"),
    [
        ("basic", {"password": "demo"}, "authorization", "Basic b3BzOmRlbW8="),
        ("bearer", {"token": "abc-0123"}, "authorization", "Bearer abc-0123"),
        ("dagster_plus", {"token": "user:abc-0123"}, "dagster-cloud-api-token", "user:abc-0123"),
    ],
)
def test_credentials_are_sent_as_the_server_wants_them(
    upstream: Upstream, auth: str, secrets: dict[str, str], header: str, sent: str
) -> None:
    upstream.handler = DagsterWorld()
    config = {"url": f"{upstream.url}/graphql", "auth": auth, "username": "ops"}
    ask(lambda http: DagsterConnector(config=config, secrets=secrets, http=http).fetch({}))
    assert {request.headers[header] for request in upstream.requests} == {sent}


@pytest.mark.parametrize("secrets", [{}, {"token": "a\nb"}])
def test_a_token_that_cannot_be_sent_is_named(upstream: Upstream, secrets: dict[str, str]) -> None:
    config = {"url": upstream.url, "auth": "dagster_plus"}
    with pytest.raises(ConfigError) as caught:
        ask(lambda http: DagsterConnector(config=config, secrets=secrets, http=http).fetch({}))
    assert caught.value.field == "token"
    assert upstream.requests == []


def test_the_address_of_the_api_is_taken_for_that_of_the_pages() -> None:
    assert DagsterConnector.clean({"url": "https://team.dagster.cloud/prod/graphql"})["url"] == (
        "https://team.dagster.cloud/prod"
    )


def test_probe_tells_version_and_counts(upstream: Upstream) -> None:
    upstream.handler = world = small_world()
    config = {"url": upstream.url}
    probe = ask(lambda http: DagsterConnector(config=config, secrets={}, http=http).probe())
    assert probe.sentence == "Dagster 1.13.27 answers; it has 2 jobs in 1 code location and 4 runs."
    world.add_location("reports")["locationOrLoadError"] = python_error("ImportError: no y")
    probe = ask(lambda http: DagsterConnector(config=config, secrets={}, http=http).probe())
    assert probe.sentence.endswith("code locations and 4 runs. 1 code location not loaded at the moment.")
    assert [scope.name for scope in probe.scopes] == ["code locations", "runs", "steps", "daemons"]


def test_probe_names_the_right_that_is_missing_and_answers_for_the_rest(upstream: Upstream) -> None:
    upstream.handler = world = small_world()
    world.answers["RunCount"] = {"runsOrError": {"__typename": "UnauthorizedError", "message": "no"}}
    config = {"url": upstream.url}
    probe = ask(lambda http: DagsterConnector(config=config, secrets={}, http=http).probe())
    assert [scope.name for scope in probe.scopes if not scope.is_granted] == ["runs"]
    assert probe.sentence == "Dagster 1.13.27 answers; it has 2 jobs in 1 code location."


def test_events_of_many_failed_runs_are_asked_for_together(upstream: Upstream) -> None:
    world = DagsterWorld()
    for number in range(30):
        world.add_run(f"r{number}", "FAILURE")
        world.events[f"r{number}"] = failure_events(
            "boom", wrapper="dagster.X: y", cause=f"ValueError: number {number}"
        )
    found = runs(fetch(upstream, world))
    assert {run.error for run in found.values()} == {f"ValueError: number {number}" for number in range(30)}
    assert operations(upstream).count("Failures") == 3
