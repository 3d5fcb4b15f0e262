"""The demo's GitHub as the connector reads it."""

from __future__ import annotations

from apps.connectors.records import ChangeRecord, DeploymentRecord, DeploymentState, PipelineRecord, RunRecord, RunState
from apps.demo.servers.pages import KEY
from apps.demo.world.dice import DAY, World
from apps.demo.world.releases import tenures
from apps.demo.world.rollouts import builds
from apps.demo.world.systems import repositories_in, rolled_out_by
from tests.demo.asking import ask
from tests.demo.polling import Town

NAME = "Fernway GitHub"


def test_runs_deployments_and_releases(town: Town, world: World, now: int) -> None:
    probe, told = town.probe(NAME), town.poll(NAME)
    assert all(scope.is_granted for scope in probe.scopes)
    assert len(told.of(PipelineRecord)) == 2 * len(repositories_in("github"))
    since = now - 10 * DAY
    known = [one for name in repositories_in("github") for one in builds(world, name, now) if one.starts_at >= since]
    runs = told.of(RunRecord)
    assert {str(build.number) for build in known} <= set(runs)
    assert {run.state for run in runs.values()} == {RunState.SUCCEEDED, RunState.FAILED}
    assert all("tests" in run.name or run.revision for run in runs.values())
    assert {one.component for one in told.of(DeploymentRecord).values()} == {
        f"fernway/{name}" for name in rolled_out_by("github")
    }
    releases = told.of(ChangeRecord)
    assert len(releases) > 20
    assert {change.what for change in releases.values()} == {"release"}


def test_a_rollback_is_seen(town: Town, world: World, now: int) -> None:
    backs = {
        (f"fernway/{name}", tenure.starts_at)
        for name in rolled_out_by("github")
        for tenure in tenures(world, name, now)
        if tenure.is_rollback and tenure.starts_at and tenure.starts_at > now - 20 * DAY
    }
    assert backs
    told = town.poll(NAME, backfill_days=20, include_runs=False, include_jobs=False).of(DeploymentRecord).values()
    seen = {(one.component, int(one.finished_at.timestamp())) for one in told if one.is_rollback and one.finished_at}
    assert backs <= seen


def test_a_rollout_under_way_runs_and_then_succeeds(town: Town, world: World, now: int) -> None:
    live = next(
        tenure.starts_at
        for tenure in reversed(tenures(world, "search-api", now))
        if tenure.environment == "production" and tenure.starts_at
    )
    town.at = live - 30
    changes = {"include_runs": False, "include_jobs": False, "backfill_days": 1}
    first = town.poll(NAME, **changes)
    states = {one.state for one in first.of(DeploymentRecord).values()}
    assert DeploymentState.RUNNING in states
    town.at = live + 30
    again = town.poll(NAME, first.cursor, **changes).of(DeploymentRecord).values()
    assert {one.state for one in again} == {DeploymentState.SUCCEEDED}


def test_a_second_poll_costs_conditional_questions_only(town: Town) -> None:
    first = town.poll(NAME)
    town.at += 60
    second = town.poll(NAME, first.cursor)
    assert not second.records
    assert len(second.batches) == 1


def test_lists_have_pages_and_an_etag(town: Town) -> None:
    path = "/github/repos/fernway/search-api/actions/runs"
    found = ask(town.app, path, key=KEY, per_page=5)
    assert found.data["total_count"] > len(found.data["workflow_runs"]) == 5
    second = ask(town.app, path, key=KEY, per_page=5, page=2)
    ids = [run["id"] for answer in (found, second) for run in answer.data["workflow_runs"]]
    assert ids == sorted(set(ids), reverse=True)
    assert ask(town.app, "/github/repos/fernway/nothing", key=KEY).status == 404
    assert ask(town.app, path).status == 401


def test_the_same_time_tells_the_same(town: Town) -> None:
    assert town.poll(NAME, backfill_days=2).records == town.poll(NAME, backfill_days=2).records
