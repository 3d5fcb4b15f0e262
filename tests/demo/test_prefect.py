"""The demo's Prefect answers as the real one does."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.demo.server import create_app
from apps.demo.world import runs
from apps.demo.world.dice import DAY, HOUR, World
from apps.demo.world.pipelines import NIGHTLY_EVALUATION
from apps.demo.world.systems import pipelines_of, plans_of
from tests.demo.asking import ask

API = "/prefect/api"
RUN_KEYS = [
    "id", "created", "updated", "name", "flow_id", "state_id", "deployment_id", "deployment_version",
    "work_queue_id", "work_queue_name", "flow_version", "parameters", "idempotency_key", "context",
    "empirical_policy", "tags", "labels", "parent_task_run_id", "state_type", "state_name", "run_count",
    "expected_start_time", "next_scheduled_start_time", "start_time", "end_time", "total_run_time",
    "estimated_run_time", "estimated_start_time_delta", "auto_scheduled", "infrastructure_document_id",
    "infrastructure_pid", "created_by", "work_pool_id", "work_pool_name", "state", "job_variables",
]  # fmt: skip
TASK_KEYS = [
    "id", "created", "updated", "name", "flow_run_id", "task_key", "dynamic_key", "cache_key", "cache_expiration",
    "task_version", "empirical_policy", "tags", "labels", "state_id", "task_inputs", "state_type", "state_name",
    "run_count", "flow_run_run_count", "expected_start_time", "next_scheduled_start_time", "start_time",
    "end_time", "total_run_time", "estimated_run_time", "estimated_start_time_delta", "state",
]  # fmt: skip
DETAIL_KEYS = [
    "flow_run_id", "task_run_id", "child_flow_run_id", "scheduled_time", "cache_key", "cache_expiration",
    "deferred", "untrackable_result", "pause_timeout", "pause_reschedule", "pause_key", "run_input_keyset",
    "refresh_cache", "retriable", "transition_id", "task_parameters_id", "traceparent",
    "deployment_concurrency_lease_id",
]  # fmt: skip


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def find(app: Any, what: str = "flow_runs", **question: Any) -> list[dict[str, Any]]:
    answer = ask(app, f"{API}/{what}/filter", payload=question)
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.data
    return found


def at(moment: float) -> Any:
    return create_app(seed=7, clock=lambda: moment)


def test_a_run_has_the_fields_of_a_run(app: Any) -> None:
    for run in find(app, limit=200, sort="EXPECTED_START_TIME_DESC"):
        assert list(run) == RUN_KEYS
        assert list(run["state"]) == ["id", "type", "name", "timestamp", "message", "data", "state_details"]
        assert list(run["state"]["state_details"]) == DETAIL_KEYS
        assert (run["state"]["type"], run["state"]["id"]) == (run["state_type"], run["state_id"])
        assert uuid.UUID(run["id"]).version == 4
        assert (run["end_time"] is None) == (run["state_type"] in ("SCHEDULED", "PENDING", "RUNNING"))
        assert run["expected_start_time"].endswith("Z")


def test_steps_have_the_fields_of_task_runs_and_name_what_they_waited_for(app: Any) -> None:
    failed = find(app, flow_runs={"state": {"type": {"any_": ["FAILED"]}}}, limit=1)[0]
    steps = find(app, "task_runs", flow_runs={"id": {"any_": [failed["id"]]}})
    assert all(list(step) == TASK_KEYS for step in steps)
    assert {step["flow_run_id"] for step in steps} == {failed["id"]}
    broken = [step for step in steps if step["state_type"] == "FAILED"]
    assert len(broken) == 1
    assert broken[0]["end_time"] == failed["end_time"]
    assert (
        failed["state"]["message"].removeprefix("Flow run encountered an exception: ") in broken[0]["state"]["message"]
    )
    ids = {step["id"] for step in steps}
    named = {entry["id"] for step in steps for entry in step["task_inputs"].get("wait_for", ())}
    assert named <= ids


def test_every_flow_has_a_schedule(app: Any) -> None:
    flows, deployments = find(app, "flows"), find(app, "deployments")
    assert list(flows[0]) == ["id", "created", "updated", "name", "tags", "labels"]
    assert {flow["name"] for flow in flows} == {pipeline.slug for pipeline in pipelines_of("prefect")}
    assert {one["flow_id"] for one in deployments} == {flow["id"] for flow in flows}
    assert all(one["schedules"][0]["schedule"]["cron"] for one in deployments)


def test_open_runs_and_ended_runs_together_miss_nothing(world: World, now: int) -> None:
    app, later = at(now), at(now + 900)
    open_then = {run["id"] for run in find(app, flow_runs={"state": {"type": {"any_": ["RUNNING", "PENDING"]}}})}
    ended = {run["id"] for run in find(later, flow_runs={"end_time": {"after_": stamp(now)}})}
    truth = {
        plan.id for plan in plans_of(world, "prefect", now - 2 * DAY, now + 900) if now <= plan.ends_at <= now + 900
    }
    assert ended == truth
    still = {run["id"] for run in find(later, flow_runs={"state": {"type": {"any_": ["RUNNING"]}}})}
    assert open_then <= ended | still


def test_pages_cover_a_month_once(app: Any, now: int) -> None:
    span = {"expected_start_time": {"after_": stamp(now - 2 * DAY), "before_": stamp(now)}}
    total = ask(app, f"{API}/flow_runs/count", payload={"flow_runs": span}).data
    seen = [
        run["id"]
        for offset in range(0, total + 50, 50)
        for run in find(app, flow_runs=span, sort="ID_DESC", limit=50, offset=offset)
    ]
    assert len(seen) == len(set(seen)) == total
    assert seen == sorted(seen, reverse=True)


def test_a_month_has_hundreds_of_runs_and_some_went_wrong(app: Any, now: int) -> None:
    month = {"flow_runs": {"expected_start_time": {"after_": stamp(now - 30 * DAY), "before_": stamp(now)}}}
    count = Counter(
        {
            state: ask(
                app,
                f"{API}/flow_runs/count",
                payload={"flow_runs": month["flow_runs"] | {"state": {"type": {"any_": [state]}}}},
            ).data
            for state in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        }
    )
    assert count["COMPLETED"] > 700
    assert 5 < count["FAILED"] < 60
    assert count["CRASHED"] + count["CANCELLED"] > 0


def test_a_run_goes_from_planned_to_ended(world: World, now: int) -> None:
    late = next(
        plan
        for day in range(now // DAY - 60, now // DAY)
        for plan in runs.plans_of_day(world, day)
        if plan.pipeline == "nightly-evaluation" and plan.starts_at - plan.due_at > 600 and plan.outcome == "COMPLETED"
    )
    moments = (late.due_at - HOUR, late.due_at + 60, late.starts_at - 1, late.starts_at + 60, late.ends_at + 1)
    states = []
    for moment in moments:
        run = ask(at(moment), f"{API}/flow_runs/{late.id}").data
        states.append((run["state_type"], run["state_name"]))
    assert states == [
        ("SCHEDULED", "Scheduled"), ("SCHEDULED", "Late"), ("PENDING", "Pending"), ("RUNNING", "Running"),
        ("COMPLETED", "Completed"),
    ]  # fmt: skip


def test_a_running_evaluation_shows_steps_in_progress(world: World, now: int) -> None:
    night = next(
        plan
        for day in range(now // DAY - 10, now // DAY)
        for plan in runs.plans_of_day(world, day)
        if plan.pipeline == "nightly-evaluation" and plan.outcome == "COMPLETED" and plan.weak_step < 0
    )
    app = at(night.starts_at + 0.5 * night.full_length)
    steps = find(app, "task_runs", flow_runs={"id": {"any_": [night.id]}})
    by_name = {step["name"]: step for step in steps}
    assert by_name["Score with judge"]["state_name"] == "Running"
    assert by_name["Replay prompts"]["state_name"] == by_name["Check policy rules"]["state_name"] == "Completed"
    waited = {entry["id"] for entry in by_name["Score with judge"]["task_inputs"]["wait_for"]}
    assert waited == {by_name["Replay prompts"]["id"], by_name["Check policy rules"]["id"]}
    assert len(steps) == 6 < len(NIGHTLY_EVALUATION.steps)


def test_a_step_that_is_tried_again_says_so(world: World, now: int) -> None:
    retried = next(
        plan
        for day in range(now // DAY - 30, now // DAY)
        for plan in runs.plans_of_day(world, day)
        if plan.weak_step >= 0 and plan.outcome == "COMPLETED" and plan.pipeline == "knowledge-refresh"
    )
    seen = []
    for share in range(1, 400):
        moment = retried.starts_at + retried.full_length * share / 400
        steps = find(at(moment), "task_runs", flow_runs={"id": {"any_": [retried.id]}})
        seen += [step["state_name"] for step in steps if step["state_name"] not in ("Completed", "Running")]
    assert list(dict.fromkeys(seen)) == ["AwaitingRetry", "Retrying"]
    final = find(at(retried.ends_at + 1), "task_runs", flow_runs={"id": {"any_": [retried.id]}})
    assert max(step["run_count"] for step in final) > 1


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({"limit": 201}, {"detail": "Invalid limit: must be less than or equal to 200."}),
        ({"sort": "UPDATED_DESC"}, ["body", "sort"]),
        ({"flow_runs": {"state": {"type": {"any_": ["NOPE"]}}}}, ["body", "flow_runs", "state", "type", "any_", 0]),
        ({"flow_runs": {"end_time": {"after_": "yesterday"}}}, ["body", "flow_runs", "end_time", "after_"]),
        ({"limit": "many"}, ["body", "limit"]),
        ({"offset": -1}, ["body", "offset"]),
    ],
)
def test_a_bad_question_is_refused_as_prefect_does(app: Any, payload: dict[str, Any], body: Any) -> None:
    answer = ask(app, f"{API}/flow_runs/filter", payload=payload)
    assert answer.status == 422
    if isinstance(body, dict):
        assert answer.data == body
    else:
        assert list(answer.data) == ["exception_message", "exception_detail", "request_body"]
        assert answer.data["exception_detail"][0]["loc"] == body
        assert answer.data["request_body"] == payload


def test_what_does_not_exist_is_404(app: Any) -> None:
    assert ask(app, f"{API}/flow_runs/{uuid.uuid4()}").data == {"detail": "Flow run not found"}
    assert ask(app, f"{API}/nope").status == 404


def test_health_and_version_are_bare(app: Any) -> None:
    assert ask(app, f"{API}/health").text == "true"
    assert ask(app, f"{API}/admin/version").text == '"3.8.8"'
    page = ask(app, f"{API}/flow_runs/paginate", payload={"limit": 3, "page": 2}).data
    assert list(page) == ["results", "count", "limit", "pages", "page"]
