"""GitLab: what counts as a pipeline, walking changes, late updates, rate limits and rollbacks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.base import Probe
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.gitlab.connector import GitlabConnector
from apps.connectors.providers.gitlab.cursor import Memory
from apps.connectors.providers.gitlab.normalize import (
    Project,
)
from apps.connectors.records import (
    Batch,
    ChangeRecord,
    DeploymentRecord,
    DeploymentState,
    Kind,
    Listing,
    PipelineRecord,
    Record,
    RunRecord,
    RunState,
    TaskRunRecord,
)
from tests.connectors.conftest import ask, patient
from tests.connectors.gitlab_world import PATH, GitlabWorld, stamp
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Request, Upstream

WEB = "https://gitlab.example.com"
ROOMY = Limits(total_seconds=5, fetch_seconds=20)
TIGHT = replace(ROOMY, max_requests=20)
SECRETS = {"token": "glpat-demo"}
PROJECT = Project(id="40", path=PATH, url=f"{WEB}/{PATH}")


def fetch(
    upstream: Upstream, world: GitlabWorld, cursor: Any = None, *, limits: Limits = ROOMY, **settings: Any
) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, "projects": [PATH], **settings}
    with time_machine.travel(world.clock, tick=False):
        return ask(lambda http: GitlabConnector(config=config, secrets=SECRETS, http=http).fetch(saved), limits=limits)


def fetch_all(upstream: Upstream, world: GitlabWorld, cursor: Any = None, **settings: Any) -> list[Batch]:
    """Polls until the source has no more."""
    batches = [fetch(upstream, world, cursor, **settings)]
    while batches[-1].has_more:
        batches.append(fetch(upstream, world, batches[-1].cursor, **settings))
        assert len(batches) < 60
    return batches


def probe(upstream: Upstream, world: GitlabWorld, **settings: Any) -> Probe:
    upstream.handler = world
    config = {"url": upstream.url, "projects": [PATH], **settings}
    return ask(lambda http: GitlabConnector(config=config, secrets=SECRETS, http=http).probe(), limits=ROOMY)


def of(batch: Batch, kind: type[Record]) -> dict[str, Any]:
    return {record.external_id: record for record in batch.records if isinstance(record, kind)}


@pytest.mark.parametrize(
    ("group_by", "changes", "identity", "name"),
    [
        ("source", {}, "40/push", f"{PATH}: push"),
        ("source", {"source": "schedule", "name": "Nightly"}, "40/schedule", f"{PATH}: schedule"),
        ("source", {"source": None}, "40/unknown", f"{PATH}: unknown"),
        ("name", {"name": "Nightly"}, "40/name:Nightly", f"{PATH}: Nightly"),
        ("name", {"name": ""}, "40/push", f"{PATH}: push"),
        ("project", {"name": "Nightly"}, "40", PATH),
    ],
)
def test_a_run_belongs_to_the_pipeline_that_people_asked_for(
    upstream: Upstream, group_by: str, changes: dict[str, Any], identity: str, name: str
) -> None:
    world = GitlabWorld()
    world.add_pipeline(11, **changes)
    batch = fetch(upstream, world, group_by=group_by)
    assert of(batch, RunRecord)["11"].pipeline_external_id == identity
    (pipeline,) = of(batch, PipelineRecord).values()
    assert (pipeline.external_id, pipeline.name) == (identity, name)
    assert pipeline.url == f"{WEB}/{PATH}/-/pipelines"


def test_schedules_stand_on_the_pipeline_that_they_start(upstream: Upstream) -> None:
    world = GitlabWorld()
    cron = {"id": 1, "cron": "0 2 * * *", "cron_timezone": "Europe/Berlin", "active": True}
    world.project().schedules = [cron, {"id": 2, "cron": "* * * * *", "active": False}, "nonsense"]
    (pipeline,) = of(fetch(upstream, world), PipelineRecord).values()
    assert (pipeline.external_id, pipeline.schedule) == ("40/schedule", "0 2 * * * (Europe/Berlin)")
    assert not pipeline.is_paused
    world.project().schedules = [cron | {"active": False}]
    (paused,) = of(fetch(upstream, world), PipelineRecord).values()
    assert (paused.schedule, paused.is_paused) == ("", True)
    (whole,) = of(fetch(upstream, world, group_by="project"), PipelineRecord).values()
    assert (whole.external_id, whole.is_paused) == ("40", False)


def test_schedules_that_we_may_not_see_are_no_trouble(upstream: Upstream) -> None:
    world = GitlabWorld(refused={"/pipeline_schedules": 403})
    world.add_pipeline(11)
    batch = fetch(upstream, world)
    assert (set(of(batch, RunRecord)), batch.rejected) == ({"11"}, ())


def deploy(world: GitlabWorld, shas: str, *, minutes: int = 60) -> None:
    """One successful deployment of each revision, two minutes apart, the first so many minutes ago."""
    for position, sha in enumerate(shas):
        number = 100 + len(world.project().deployments)
        world.add_deployment(number, minutes=minutes - 2 * position, sha=sha * 40)


def rollbacks(batches: list[Batch]) -> dict[str, bool]:
    return {key: record.is_rollback for batch in batches for key, record in of(batch, DeploymentRecord).items()}


def test_a_rollback_is_one_however_the_polls_fell(upstream: Upstream) -> None:
    whole, bit_by_bit = GitlabWorld(), GitlabWorld()
    deploy(whole, "abab")
    at_once = rollbacks(fetch_all(upstream, whole))
    assert at_once == {"100": False, "101": False, "102": True, "103": True}
    cursor, found = {}, {}
    for sha in "abab":
        bit_by_bit.clock += timedelta(minutes=2)
        deploy(bit_by_bit, sha, minutes=1)
        batches = fetch_all(upstream, bit_by_bit, cursor)
        cursor, found = dict(batches[-1].cursor), {**found, **rollbacks(batches)}
    assert found == at_once


def test_a_rollback_to_before_the_backfill_is_seen(upstream: Upstream) -> None:
    world = GitlabWorld()
    deploy(world, "ab", minutes=60 * 24 * 50)
    deploy(world, "a")
    assert rollbacks(fetch_all(upstream, world)) == {"102": True}


def test_another_environment_makes_no_rollback(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_deployment(1, minutes=30, sha="a" * 40)
    world.add_deployment(2, minutes=20, sha="b" * 40, environment={"id": 10, "name": "review/x y"})
    world.add_deployment(3, minutes=10, sha="a" * 40)
    assert set(rollbacks(fetch_all(upstream, world)).values()) == {False}


def test_a_long_backfill_goes_on_where_it_stopped(upstream: Upstream) -> None:
    """In pieces with few questions each, nothing is lost and nothing told twice; 150 environments make it hard."""
    world = GitlabWorld()
    for number in range(1, 131):
        world.add_pipeline(number, minutes=number * 10)
        world.add_job(1000 + number, number)
    for number in range(150):
        world.add_deployment(200 + number, minutes=300 - number, environment={"id": number, "name": f"review/{number}"})
    batches = fetch_all(upstream, world, limits=TIGHT)
    for kind, count in ((RunRecord, 130), (TaskRunRecord, 130), (DeploymentRecord, 150)):
        found = [key for batch in batches for key in of(batch, kind)]
        assert (len(found), len(set(found))) == (count, count), kind
    assert not fetch(upstream, world, batches[-1].cursor).has_more


def test_many_changes_of_the_same_moment_are_all_read(upstream: Upstream) -> None:
    world = GitlabWorld()
    for number in range(1, 251):
        world.add_pipeline(number, updated_at=world.ago(minutes=9))
    found = [key for b in fetch_all(upstream, world, include_jobs=False) for key in of(b, RunRecord)]
    assert (len(found), len(set(found))) == (250, 250)


def test_a_run_that_changes_while_pages_are_read_hides_no_other(upstream: Upstream) -> None:
    """It moves to the end of the list, and everything behind it moves up by one."""
    world = GitlabWorld()
    for number in range(1, 121):
        world.add_pipeline(number, minutes=200 - number)
    moved = world.project().pipelines[0]

    def during(request: Request) -> Any:
        answer = world(request)
        if request.path.endswith("/pipelines"):
            moved["updated_at"] = world.ago(minutes=1)
        return answer

    config = {"url": upstream.url, "projects": [PATH], "include_jobs": False}
    found, cursor, has_more = set(), {}, True
    upstream.handler = during
    while has_more:
        batch = ask(lambda http: GitlabConnector(config=config, secrets=SECRETS, http=http).fetch(cursor), limits=ROOMY)  # noqa: B023
        found, cursor, has_more = found | set(of(batch, RunRecord)), batch.cursor, batch.has_more
    assert found == {str(number) for number in range(1, 121)}


def test_the_overlap_tells_nothing_twice_and_asks_nothing_twice(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_pipeline(11, minutes=3)
    world.add_deployment(31, minutes=3)
    first = fetch(upstream, world)
    upstream.requests.clear()
    second = fetch(upstream, world, first.cursor)
    assert (len(first.records), second.records) == (3, ())
    assert [request.path.rpartition("/")[2] for request in upstream.requests] == [
        "pipelines",
        "deployments",
        "releases",
    ]


def test_a_retry_keeps_the_id_and_is_seen(upstream: Upstream) -> None:
    world = GitlabWorld()
    run = world.add_pipeline(11, "failed", minutes=60 * 24 * 9)
    world.add_job(21, 11, "failed", name="lint")
    first = fetch(upstream, world)
    assert of(first, RunRecord)["11"].state is RunState.FAILED
    world.clock += timedelta(hours=1)
    world.add_job(22, 11, name="lint")
    run |= {"status": "success", "updated_at": world.ago(minutes=1)}
    second = of(fetch(upstream, world, first.cursor), RunRecord)["11"]
    assert (second.state, second.attempts) == (RunState.SUCCEEDED, 2)


def test_the_jobs_of_an_open_run_are_read_in_every_poll(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_pipeline(11, "running", minutes=60)
    world.add_pipeline(12, "manual", minutes=60)
    job = world.add_job(21, 11, "running")
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=10)
    job |= {"status": "success", "finished_at": world.ago(minutes=1)}
    second = fetch(upstream, world, first.cursor)
    assert of(second, TaskRunRecord)["21"].state is RunState.SUCCEEDED
    assert set(of(second, RunRecord)) == {"11"}


def test_a_deleted_run_is_missing_in_two_listings(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_pipeline(11, minutes=60)
    world.add_pipeline(13, source="schedule", minutes=60)
    world.add_pipeline(12, "running", minutes=60)
    cursor = fetch(upstream, world).cursor
    world.project().pipelines.pop()
    listings = []
    for _ in range(3):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        listings.append(batch.listings)
    gone = (
        Listing(kind=Kind.RUN, external_ids=frozenset({"11"}), scope="40/push"),
        Listing(kind=Kind.RUN, external_ids=frozenset({"13"}), scope="40/schedule"),
    )
    assert listings == [gone, gone, ()]


def test_a_sweep_lists_all_runs_every_few_hours_unless_there_are_too_many(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_pipeline(11, minutes=60)
    world.add_pipeline(1, minutes=60 * 24 * 90)
    first = fetch(upstream, world)
    assert first.listings == ()
    world.clock += timedelta(hours=6)
    second = fetch(upstream, world, first.cursor)
    assert second.listings == (Listing(kind=Kind.RUN, external_ids=frozenset({"1", "11"}), scope="40/push"),)
    for number in range(100, 1100):
        world.add_pipeline(number, minutes=60 * 24 * 80)
    world.clock += timedelta(hours=6)
    assert fetch(upstream, world, second.cursor).listings == ()


def test_a_deployment_is_followed_by_its_changes(upstream: Upstream) -> None:
    world = GitlabWorld()
    item = world.add_deployment(31, "blocked", minutes=60 * 24 * 20)
    first = fetch(upstream, world)
    assert of(first, DeploymentRecord)["31"].state is DeploymentState.QUEUED
    world.clock += timedelta(days=2)
    item |= {"status": "success", "updated_at": world.ago(minutes=1)}
    second = fetch(upstream, world, first.cursor)
    assert of(second, DeploymentRecord)["31"].state is DeploymentState.SUCCEEDED


def test_an_upcoming_release_becomes_news_when_its_time_has_come(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_release("v2", released_at=stamp(world.clock + timedelta(hours=2)))
    world.add_release("v0", released_at=world.ago(days=200), created_at=world.ago(days=200))
    first = fetch(upstream, world)
    assert not of(first, ChangeRecord)
    world.clock += timedelta(hours=1)
    second = fetch(upstream, world, first.cursor)
    assert not of(second, ChangeRecord)
    world.clock += timedelta(hours=1, minutes=10)
    third = fetch(upstream, world, second.cursor)
    assert set(of(third, ChangeRecord)) == {"release:40:v2"}
    world.clock += timedelta(hours=1)
    assert not of(fetch(upstream, world, third.cursor), ChangeRecord)


def test_a_release_that_is_dated_back_is_told_when_it_is_made(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_release("v1")
    first = fetch(upstream, world)
    world.clock += timedelta(hours=1)
    world.add_release("v0.9", released_at=world.ago(days=100), created_at=world.ago(minutes=1))
    assert set(of(fetch(upstream, world, first.cursor), ChangeRecord)) == {"release:40:v0.9"}


def test_polling_pauses_when_the_minute_is_nearly_used_up(upstream: Upstream) -> None:
    world = GitlabWorld(budget=55)
    for number in range(1, 31):
        world.add_pipeline(number, minutes=number)
    batch = fetch(upstream, world)
    assert (batch.pause_seconds, batch.has_more) == (40.0, True)
    world.budget = 2000
    found = {key for b in (batch, *fetch_all(upstream, world, batch.cursor)) for key in of(b, RunRecord)}
    assert len(found) == 30


def test_a_used_up_minute_is_waited_for(upstream: Upstream) -> None:
    world = GitlabWorld(budget=0)
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world)
    assert (caught.value.error_class, caught.value.retry_after) == (ErrorClass.RATE_LIMIT, 30.0)


def test_one_missing_right_leaves_the_rest(upstream: Upstream) -> None:
    world = GitlabWorld(refused={"/deployments": 403})
    world.add_pipeline(11)
    world.add_deployment(31)
    world.add_release("v1")
    batch = fetch(upstream, world)
    assert set(of(batch, RunRecord)) == {"11"}
    assert set(of(batch, ChangeRecord)) == {"release:40:v1"}
    assert [(item.kind, item.external_id) for item in batch.rejected] == [(Kind.DEPLOYMENT, PATH)]
    assert not batch.has_more


def test_one_project_that_is_gone_leaves_its_neighbours(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_pipeline(11)
    batch = fetch(upstream, world, projects=["acme/gone", PATH])
    assert set(of(batch, RunRecord)) == {"11"}
    assert {item.external_id for item in batch.rejected} == {"acme/gone"}
    assert not batch.has_more


def test_a_project_is_asked_by_path_once_an_hour_and_by_number_else(upstream: Upstream) -> None:
    world = GitlabWorld()
    world.add_pipeline(11)
    cursor = fetch(upstream, world).cursor
    assert upstream.requests[0].path == "/api/v4/projects/acme%2Fshop%2Fcheckout"
    assert {request.path.split("/")[4] for request in upstream.requests[1:]} == {"40"}
    upstream.requests.clear()
    world.project().path = "acme/shop/till"
    world.clock += timedelta(minutes=30)
    cursor = fetch(upstream, world, cursor, projects=["40"]).cursor
    world.clock += timedelta(minutes=61)
    world.add_pipeline(12, to="acme/shop/till")
    assert of(fetch(upstream, world, cursor, projects=["40"]), RunRecord)["12"].labels["project"] == "acme/shop/till"


def test_the_token_never_goes_to_where_a_link_points(upstream: Upstream) -> None:
    """The world's Link headers name another host; only the fact that there is a next page is used."""
    world = GitlabWorld()
    for number in range(1, 121):
        world.add_deployment(number, minutes=200 - number)
    assert len(of(fetch(upstream, world), DeploymentRecord)) == 120
    assert {request.headers["host"] for request in upstream.requests} == {f"127.0.0.1:{upstream.port}"}
    assert {request.headers["private-token"] for request in upstream.requests} == {"glpat-demo"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"projects": []}, "projects"),
        ({"projects": ["checkout"]}, "projects"),
        ({"projects": ["acme/check out"]}, "projects"),
        ({"projects": ["acme/../x"]}, "projects"),
        ({"projects": ["../x"]}, "projects"),
        ({"projects": [str(n) for n in range(101)]}, "projects"),
        ({"backfill_days": 500}, "backfill_days"),
        ({"group_by": "branch"}, "group_by"),
        ({"include_runs": False, "include_deployments": False, "include_releases": False}, "include_runs"),
    ],
)
def test_a_mistake_in_the_form_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        GitlabConnector.clean({"url": WEB, "projects": [PATH], **settings})
    assert caught.value.field == named


def test_what_people_paste_is_put_right() -> None:
    config = GitlabConnector.clean({"url": f"{WEB}/git/api/v4/", "projects": "/acme/shop/\n42\n42"})
    assert (config["url"], config["projects"]) == (f"{WEB}/git", ["acme/shop", "42"])


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\nb", "é"])
def test_without_a_usable_token_nothing_is_asked(upstream: Upstream, token: str) -> None:
    config = {"url": upstream.url, "projects": [PATH]}
    with pytest.raises(ConfigError) as caught:
        ask(lambda http: GitlabConnector(config=config, secrets={"token": token}, http=http).fetch({}))
    assert (caught.value.field, upstream.requests) == ("token", [])


def test_probe_tells_what_the_token_may_do(upstream: Upstream) -> None:
    world = GitlabWorld(refused={"/deployments": 403})
    world.token = {"scopes": ["api"], "expires_at": "2027-01-02"}
    world.project()
    answer = probe(upstream, world, projects=[PATH, "acme/nowhere"], include_releases=False)
    assert {scope.name: scope.is_granted for scope in answer.scopes} == {
        "read_api": True, "project": False, "pipelines": True, "deployments": False,
    }  # fmt: skip
    assert answer.sentence == (
        "GitLab 18.5.0 answers; 1 of 2 projects tested can be read; the token may write; one with read_api is enough; "
        "the token expires on 2027-01-02."
    )


def test_probe_works_with_a_token_that_cannot_look_at_itself(upstream: Upstream) -> None:
    world = GitlabWorld(refused={"/self": 404, "version": 403})
    world.project()
    answer = probe(upstream, world)
    assert answer.sentence == "GitLab answers; 1 of 1 projects tested can be read."
    assert [scope.name for scope in answer.scopes] == ["project", "pipelines", "deployments", "releases"]


def test_probe_names_the_scope_that_is_missing(upstream: Upstream) -> None:
    world = GitlabWorld(token={"scopes": ["read_repository"]})
    world.project()
    assert not probe(upstream, world).scopes[0].is_granted


def test_probe_fails_when_no_project_can_be_read(upstream: Upstream) -> None:
    with pytest.raises(SourceError) as caught:
        probe(upstream, GitlabWorld())
    assert caught.value.error_class is ErrorClass.NOT_FOUND


SAVED = st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(
    ["projects", "position", "acme/x", "project", "id", "path", "runs", "changes", "owed", "open", "sweeps", "told",
     "deployments", "since", "began", "after", "page", "read_at", "released_since"]), inner))  # fmt: skip


@patient
@given(st.dictionaries(st.sampled_from(["projects", "position"]), SAVED))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(json.loads(json.dumps(memory.dump()))).dump() == memory.dump()
