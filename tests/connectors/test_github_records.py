"""GitHub: every word of its vocabulary, and what stands on a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.providers.github.deployments import read_deployment
from apps.connectors.providers.github.normalize import (
    map_state,
    read_jobs,
    read_releases,
    read_runs,
    read_workflows,
)
from apps.connectors.records import (
    DeploymentRecord,
    DeploymentState,
    Kind,
    RunRecord,
    RunState,
    Trigger,
)
from apps.connectors.values import read_items
from tests.connectors.conftest import patient
from tests.connectors.github_world import REPOSITORY, SHA, WEB, GithubWorld
from tests.connectors.test_prometheus import JSON


def read_run(**changes: Any) -> RunRecord:
    (record,), rejected = read_runs([GithubWorld().add_run(11, **changes)], repository=REPOSITORY, web=WEB)
    assert rejected == []
    return record


@pytest.mark.parametrize(
    ("status", "conclusion", "state", "word"),
    [
        ("queued", "", RunState.QUEUED, "queued"),
        ("requested", "", RunState.QUEUED, "requested"),
        ("waiting", "", RunState.QUEUED, "waiting"),
        ("pending", "", RunState.QUEUED, "pending"),
        ("in_progress", "", RunState.RUNNING, "in_progress"),
        ("completed", "success", RunState.SUCCEEDED, "success"),
        ("completed", "neutral", RunState.SUCCEEDED, "neutral"),
        ("completed", "failure", RunState.FAILED, "failure"),
        ("completed", "timed_out", RunState.FAILED, "timed_out"),
        ("completed", "startup_failure", RunState.FAILED, "startup_failure"),
        ("completed", "cancelled", RunState.CANCELLED, "cancelled"),
        ("completed", "stale", RunState.CANCELLED, "stale"),
        ("completed", "skipped", RunState.SKIPPED, "skipped"),
        ("completed", "action_required", RunState.UNKNOWN, "action_required"),
        ("completed", "", RunState.UNKNOWN, "completed"),
        ("dreaming", "", RunState.UNKNOWN, "dreaming"),
        ("", "", RunState.UNKNOWN, ""),
    ],
)
def test_states_map_by_conclusion_and_else_by_status(status: str, conclusion: str, state: RunState, word: str) -> None:
    assert map_state(status, conclusion) == (state, word)


@pytest.mark.parametrize(
    ("event", "trigger"),
    [
        ("schedule", Trigger.SCHEDULE),
        ("workflow_dispatch", Trigger.MANUAL),
        ("repository_dispatch", Trigger.API),
        ("push", Trigger.EVENT),
        ("pull_request", Trigger.EVENT),
        ("dynamic", Trigger.EVENT),
        ("", Trigger.UNKNOWN),
    ],
)
def test_why_a_run_started(event: str, trigger: Trigger) -> None:
    assert read_run(event=event).trigger is trigger


def test_a_run_tells_who_what_and_where_to_look() -> None:
    record = read_run(conclusion="timed_out", run_attempt=3)
    assert (record.name, record.triggered_by, record.revision) == ("#11 Fix the basket", "ann", SHA)
    assert (record.attempts, record.pipeline_external_id) == (3, "1")
    assert record.error == "The time limit ran out."
    assert record.url == f"{WEB}/{REPOSITORY}/actions/runs/11"
    assert record.labels == {"repository": REPOSITORY, "branch": "main", "event": "push"}
    assert record.finished_at == record.updated_at


def test_a_run_that_waits_has_not_started() -> None:
    record = read_run(conclusion=None, status="waiting")
    assert (record.state, record.started_at, record.finished_at) == (RunState.QUEUED, None, None)
    assert record.scheduled_for is not None


def test_the_repositories_are_not_kept_with_every_run() -> None:
    assert "repository" not in read_run(repository={"id": 1}, head_repository={"id": 1}).raw


def test_a_failed_job_names_its_first_bad_step() -> None:
    steps = [
        {"name": "Set up job", "conclusion": "success"},
        {"name": "Run tests", "conclusion": "failure"},
        {"name": "Upload", "conclusion": "failure"},
    ]
    job = GithubWorld().add_job(21, 11, "failure", steps=steps)
    (record,), _ = read_jobs([job], run_id="11")
    assert record.error == "Step “Run tests” ended with failure."
    assert record.url.endswith("/job/21")
    (passed,), _ = read_jobs([{**job, "conclusion": "success"}], run_id="11")
    assert passed.error == ""


def test_jobs_are_numbered_by_attempt_and_start() -> None:
    world = GithubWorld()
    world.add_job(3, 11, run_attempt=2, started_at=world.ago(minutes=1))
    world.add_job(1, 11, started_at=world.ago(minutes=8))
    world.add_job(2, 11, started_at=world.ago(minutes=9))
    records, _ = read_jobs(world.repository().jobs[11], run_id="11")
    assert [(r.external_id, r.position, r.attempts) for r in records] == [("2", 0, 1), ("1", 1, 1), ("3", 2, 2)]


def test_a_workflow_is_called_by_its_repository_and_links_to_its_runs() -> None:
    world = GithubWorld()
    world.add_workflow(1, "Deploy", state="disabled_manually")
    world.add_workflow(2, "pages", path="dynamic/pages/pages-build", html_url="javascript:alert(1)")
    (deploy, pages), rejected = read_workflows(world.repository().workflows, repository=REPOSITORY, web=WEB)
    assert (deploy.name, deploy.is_paused, deploy.vendor_kind) == ("acme/checkout: Deploy", True, "workflow")
    assert deploy.url == f"{WEB}/{REPOSITORY}/actions/workflows/deploy.yml"
    assert pages.url == f"{WEB}/{REPOSITORY}/actions"
    assert rejected == []


def test_a_release_is_a_change_with_its_tag() -> None:
    release = GithubWorld().add_release(41, "v1.2", name="Winter", prerelease=True)
    (record,), _ = read_releases([release], repository=REPOSITORY, web=WEB)
    assert (record.what, record.title, record.after) == ("release", "acme/checkout v1.2: Winter", "v1.2")
    assert (record.actor, record.detail, record.labels["prerelease"]) == ("ann", "Faster.", "true")
    assert record.url == f"{WEB}/{REPOSITORY}/releases/tag/v1.2"


def deployed(*states: str, **changes: Any) -> DeploymentRecord:
    """A deployment that went through these states, a minute each."""
    world = GithubWorld()
    item = world.add_deployment(31, None, **changes)
    for number, state in enumerate(states):
        world.add_status(item, state, at=world.clock - timedelta(minutes=9 - number))
    statuses = world.repository().statuses.get(31, [])
    return read_deployment(item, statuses[::-1], repository=REPOSITORY, web=WEB, is_rollback=False)


@pytest.mark.parametrize(
    ("states", "state", "word"),
    [
        ((), DeploymentState.QUEUED, ""),
        (("queued",), DeploymentState.QUEUED, "queued"),
        (("pending",), DeploymentState.QUEUED, "pending"),
        (("waiting",), DeploymentState.QUEUED, "waiting"),
        (("queued", "in_progress"), DeploymentState.RUNNING, "in_progress"),
        (("in_progress", "success"), DeploymentState.SUCCEEDED, "success"),
        (("in_progress", "failure"), DeploymentState.FAILED, "failure"),
        (("error",), DeploymentState.FAILED, "error"),
        (("in_progress", "success", "inactive"), DeploymentState.SUCCEEDED, "inactive"),
        (("failure", "inactive"), DeploymentState.FAILED, "inactive"),
        (("inactive",), DeploymentState.SUCCEEDED, "inactive"),
        (("success", "dreaming"), DeploymentState.UNKNOWN, "dreaming"),
    ],
)
def test_the_newest_status_decides_and_inactive_only_means_superseded(
    states: tuple[str, ...], state: DeploymentState, word: str
) -> None:
    record = deployed(*states)
    assert (record.state, record.raw_state) == (state, word)
    is_open = state in (DeploymentState.QUEUED, DeploymentState.RUNNING)
    assert (record.finished_at is None) == (is_open or states == ("inactive",))


def test_being_superseded_does_not_move_the_end_of_a_deployment() -> None:
    once, later = deployed("success"), deployed("success", "inactive")
    assert later.finished_at is not None
    assert later.finished_at - later.started_at == timedelta(minutes=1)
    assert later.updated_at > later.finished_at
    assert once.raw_state == "success"


def test_a_deployment_says_what_where_and_who() -> None:
    record = deployed("success", environment="staging", ref="v7", description="From chat", task="deploy:migrations")
    assert (record.component, record.environment, record.revision) == (REPOSITORY, "staging", SHA)
    assert (record.deployed_by, record.description) == ("bob", "From chat")
    assert record.labels["ref"] == "v7"
    assert record.labels["task"] == "deploy:migrations"
    assert record.url == f"{WEB}/{REPOSITORY}/deployments"


KEYS = (
    "id", "name", "path", "state", "html_url", "status", "conclusion", "updated_at", "created_at", "run_started_at",
    "workflow_id", "run_number", "run_attempt", "display_title", "event", "actor", "head_sha", "steps", "started_at",
    "completed_at", "tag_name", "published_at", "author", "body", "environment", "sha", "ref", "creator",
)  # fmt: skip
SHAPED = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=12)


@patient
@given(st.lists(JSON | SHAPED, max_size=4))
def test_no_json_breaks_the_normalizers(items: list[Any]) -> None:
    for records, rejected in (
        read_workflows(items, repository=REPOSITORY, web=WEB),
        read_runs(items, repository=REPOSITORY, web=WEB),
        read_jobs(items, run_id="1"),
        read_releases(items, repository=REPOSITORY, web=WEB),
    ):
        assert len(records) + len(rejected) == len(items)


@patient
@given(SHAPED, st.lists(JSON | SHAPED, max_size=4))
def test_no_json_breaks_a_deployment(item: dict[str, Any], statuses: list[Any]) -> None:
    def read(item: Mapping[str, Any]) -> DeploymentRecord:
        return read_deployment(item, statuses, repository=REPOSITORY, web=WEB, is_rollback=False)

    records, rejected = read_items([item], read, kind=Kind.DEPLOYMENT, id_key="id")
    assert len(records) + len(rejected) == 1
