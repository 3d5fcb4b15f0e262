"""GitLab: every word of its vocabulary, and what stands on a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.providers.gitlab.normalize import (
    Project,
    read_deployment,
    read_jobs,
    read_project,
    read_releases,
    read_run,
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
from tests.connectors.gitlab_world import PATH, SHA, GitlabWorld
from tests.connectors.test_prometheus import JSON

WEB = "https://gitlab.example.com"
PROJECT = Project(id="40", path=PATH, url=f"{WEB}/{PATH}")


def run_of(**changes: Any) -> RunRecord:
    return read_run(GitlabWorld().add_pipeline(11, **changes), [], project=PROJECT)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", RunState.QUEUED),
        ("waiting_for_resource", RunState.QUEUED),
        ("waiting_for_callback", RunState.QUEUED),
        ("preparing", RunState.QUEUED),
        ("pending", RunState.QUEUED),
        ("scheduled", RunState.QUEUED),
        ("manual", RunState.QUEUED),
        ("running", RunState.RUNNING),
        ("canceling", RunState.RUNNING),
        ("success", RunState.SUCCEEDED),
        ("failed", RunState.FAILED),
        ("canceled", RunState.CANCELLED),
        ("skipped", RunState.SKIPPED),
        ("dreaming", RunState.UNKNOWN),
        ("", RunState.UNKNOWN),
    ],
)
def test_runs_and_jobs_share_their_states(status: str, state: RunState) -> None:
    record = run_of(status=status)
    assert (record.state, record.raw_state) == (state, status)
    (job,), _ = read_jobs([GitlabWorld().add_job(21, 11, status)], run_id="11")
    assert (job.state, job.raw_state) == (state, status)


@pytest.mark.parametrize(
    ("source", "trigger"),
    [
        ("schedule", Trigger.SCHEDULE),
        ("web", Trigger.MANUAL),
        ("chat", Trigger.MANUAL),
        ("webide", Trigger.MANUAL),
        ("api", Trigger.API),
        ("trigger", Trigger.API),
        ("push", Trigger.EVENT),
        ("merge_request_event", Trigger.EVENT),
        ("parent_pipeline", Trigger.EVENT),
        ("", Trigger.UNKNOWN),
    ],
)
def test_why_a_run_started(source: str, trigger: Trigger) -> None:
    assert run_of(source=source).trigger is trigger


def test_a_run_tells_who_what_and_where_to_look() -> None:
    record = run_of(name="Nightly evaluation", source="schedule")
    assert (record.name, record.triggered_by, record.revision) == ("Nightly evaluation #11", "ann", SHA)
    assert record.url == f"{WEB}/{PATH}/-/pipelines/11"
    assert record.labels == {"project": PATH, "source": "schedule", "branch": "main", "name": "Nightly evaluation"}
    assert run_of().name == "main #11"


def test_retried_jobs_are_attempts_and_the_run_fails_for_what_lasted() -> None:
    world = GitlabWorld()
    world.add_job(21, 11, "failed", name="lint", failure_reason="runner_system_failure")
    world.add_job(22, 11, "failed", name="docs", failure_reason="script_failure", allow_failure=True)
    world.add_job(23, 11, "success", name="lint", started_at=world.ago(minutes=5))
    world.add_job(24, 11, "failed", name="rspec", failure_reason="script_failure", started_at=world.ago(minutes=4))
    world.add_job(25, 11, "manual", name="deploy", started_at=None)
    jobs, rejected = read_jobs(world.project().jobs[11][::-1], run_id="11")
    assert rejected == []
    assert [(j.name, j.attempts, j.position, j.error) for j in jobs] == [
        ("lint", 1, 0, "runner system failure"),
        ("docs", 1, 1, "script failure (allowed to fail)"),
        ("lint", 2, 2, ""),
        ("rspec", 1, 3, "script failure"),
        ("deploy", 1, 4, ""),
    ]
    record = read_run(world.add_pipeline(11, "failed"), jobs, project=PROJECT)
    assert (record.error, record.attempts) == ("Job “rspec”: script failure", 2)
    broken = read_run(world.add_pipeline(12, "failed", yaml_errors="jobs:lint is empty\nsee"), [], project=PROJECT)
    assert broken.error == "jobs:lint is empty"
    assert read_run(world.add_pipeline(13), jobs, project=PROJECT).error == ""


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", DeploymentState.QUEUED),
        ("blocked", DeploymentState.QUEUED),
        ("running", DeploymentState.RUNNING),
        ("success", DeploymentState.SUCCEEDED),
        ("failed", DeploymentState.FAILED),
        ("canceled", DeploymentState.CANCELLED),
        ("skipped", DeploymentState.CANCELLED),
        ("dreaming", DeploymentState.UNKNOWN),
    ],
)
def test_every_state_of_a_deployment_is_known(status: str, state: DeploymentState) -> None:
    record = read_deployment(GitlabWorld().add_deployment(31, status), project=PROJECT, is_rollback=False)
    assert (record.state, record.raw_state) == (state, status)
    assert (record.finished_at is None) == (state in (DeploymentState.QUEUED, DeploymentState.RUNNING))


def test_a_deployment_says_what_where_and_who() -> None:
    item = GitlabWorld().add_deployment(31)
    record = read_deployment(item, project=PROJECT, is_rollback=True)
    assert (record.component, record.environment, record.revision) == (PATH, "production", SHA)
    assert (record.deployed_by, record.description, record.is_rollback) == ("bob", "Fix the basket", True)
    assert record.labels == {"project": PATH, "ref": "main", "job": "deploy"}
    assert record.url == f"{WEB}/{PATH}/-/jobs/931"
    made_by_hand = read_deployment(item | {"deployable": None}, project=PROJECT, is_rollback=False)
    assert made_by_hand.url == f"{WEB}/{PATH}/-/environments/9"
    assert made_by_hand.finished_at == made_by_hand.updated_at


def test_commit_times_with_an_offset_are_read_in_utc() -> None:
    item = GitlabWorld().add_deployment(31, created_at="2026-11-24T11:36:01.000+02:00", deployable=None)
    assert read_deployment(item, project=PROJECT, is_rollback=False).started_at.hour == 9


def test_a_release_is_a_change_with_its_tag() -> None:
    (record,), _ = read_releases([GitlabWorld().add_release("v1", name="Winter")], project=PROJECT)
    assert (record.external_id, record.what, record.title) == ("release:40:v1", "release", f"{PATH} v1: Winter")
    assert (record.actor, record.detail, record.after) == ("ann", "Faster.", "v1")
    assert record.url == f"{WEB}/{PATH}/-/releases/v1"


KEYS = (
    "id", "iid", "name", "path_with_namespace", "web_url", "status", "source", "ref", "sha", "created_at", "updated_at",
    "started_at", "finished_at", "user", "yaml_errors", "failure_reason", "allow_failure", "environment", "deployable",
    "tag_name", "released_at", "description", "author", "_links", "cron", "cron_timezone", "active",
)  # fmt: skip
SHAPED = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=12)


@patient
@given(st.lists(JSON | SHAPED, max_size=4))
def test_no_json_breaks_the_normalizers(items: list[Any]) -> None:
    def run(item: Mapping[str, Any]) -> RunRecord:
        return read_run(item, jobs, project=PROJECT)

    def deployment(item: Mapping[str, Any]) -> DeploymentRecord:
        return read_deployment(item, project=PROJECT, is_rollback=False)

    def project(item: Mapping[str, Any]) -> Project:
        return read_project(item, items, group_by="source")

    jobs, rejected_jobs = read_jobs(items, run_id="1")
    for records, rejected in (
        (jobs, rejected_jobs),
        read_releases(items, project=PROJECT),
        read_items(items, run, kind=Kind.RUN, id_key="id"),
        read_items(items, deployment, kind=Kind.DEPLOYMENT, id_key="id"),
        read_items(items, project, kind=Kind.PIPELINE, id_key="id"),
    ):
        assert len(records) + len(rejected) == len(items)
