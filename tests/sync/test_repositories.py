"""GitHub and GitLab all the way: from a small upstream over the real poller into the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.connectors.github_world import REPOSITORY, GithubWorld
from tests.connectors.gitlab_world import PATH, GitlabWorld
from tests.connectors.upstream import Upstream

if TYPE_CHECKING:
    from apps.sources.models import Source

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


def connect(key: str, server: Upstream, **config: Any) -> Source:
    from apps.connectors.registry import get_connector
    from apps.sources.services import SourceDraft, create_source

    cleaned = get_connector(key).clean({"url": server.url, **config})
    return create_source(
        draft=SourceDraft(
            name=key, connector=key, config=cleaned, interval_seconds=60, secrets={"token": "demo-token"}
        ),
        actor=None,
    )


def stored() -> dict[str, Any]:
    from apps.deployments.models import Deployment
    from apps.events.models import Event
    from apps.pipelines.models import Pipeline, Run, TaskRun

    return {
        "pipelines": set(Pipeline.objects.filter(gone_at=None).values_list("external_id", "name")),
        "runs": set(Run.objects.filter(gone_at=None).values_list("external_id", "pipeline__external_id", "state")),
        "steps": set(TaskRun.objects.values_list("external_id", "run__external_id", "state")),
        "deployments": set(Deployment.objects.values_list("external_id", "environment_name", "state", "is_rollback")),
        "changes": set(Event.objects.filter(kind="source:change:reported").values_list("title", flat=True)),
    }


def test_github_is_stored_as_it_is_and_followed(server: Upstream, poll: Callable[..., Any]) -> None:
    world = GithubWorld()
    server.handler = world
    world.add_workflow(1)
    run = world.add_run(11, None)
    job = world.add_job(21, 11, None)
    for number, sha in enumerate("aba"):
        world.add_deployment(31 + number, minutes=60 - number, sha=sha * 40)
    world.add_release(41, "v1")
    source = connect("github", server, repositories=[REPOSITORY])
    state = poll(source)
    assert (state.error, state.has_backlog) == ("", False)
    first = stored()
    assert first == {
        "pipelines": {("1", "acme/checkout: CI")},
        "runs": {("11", "1", "running")},
        "steps": {("21", "11", "running")},
        "deployments": {
            ("31", "production", "succeeded", False),
            ("32", "production", "succeeded", False),
            ("33", "production", "succeeded", True),
        },
        "changes": {"acme/checkout v1"},
    }
    world.clock += timedelta(minutes=3)
    done = {"status": "completed", "conclusion": "failure"}
    run |= {**done, "updated_at": world.ago(minutes=1)}
    job |= {**done, "completed_at": world.ago(minutes=1)}
    poll(source)
    poll(source)
    assert stored() == first | {"runs": {("11", "1", "failed")}, "steps": {("21", "11", "failed")}}


def test_gitlab_is_stored_as_it_is_and_what_is_deleted_is_gone(server: Upstream, poll: Callable[..., Any]) -> None:
    world = GitlabWorld()
    server.handler = world
    world.add_pipeline(10, source="schedule", minutes=30)
    world.add_pipeline(11, "failed", minutes=20)
    world.add_pipeline(12, "running")
    world.add_job(21, 11, "failed", name="rspec", failure_reason="script_failure")
    for number, sha in enumerate("aba"):
        world.add_deployment(31 + number, minutes=60 - number, sha=sha * 40)
    world.add_release("v1")
    source = connect("gitlab", server, projects=[PATH])
    state = poll(source)
    assert (state.error, state.has_backlog) == ("", False)
    first = stored()
    assert first == {
        "pipelines": {("40/push", f"{PATH}: push"), ("40/schedule", f"{PATH}: schedule")},
        "runs": {("10", "40/schedule", "succeeded"), ("11", "40/push", "failed"), ("12", "40/push", "running")},
        "steps": {("21", "11", "failed")},
        "deployments": {
            ("31", "production", "succeeded", False),
            ("32", "production", "succeeded", False),
            ("33", "production", "succeeded", True),
        },
        "changes": {f"{PATH} v1"},
    }
    world.project().pipelines.pop()
    for _ in range(3):
        world.clock += timedelta(minutes=1)
        poll(source)
    assert stored() == first | {"runs": first["runs"] - {("12", "40/push", "running")}}
