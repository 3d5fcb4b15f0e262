"""The demo's GitLab as the connector reads it."""

from __future__ import annotations

from apps.connectors.records import ChangeRecord, DeploymentRecord, Kind, PipelineRecord, RunRecord, TaskRunRecord
from apps.demo.world.dice import DAY, World
from apps.demo.world.rollouts import builds, rollouts
from apps.demo.world.systems import repositories_in
from tests.demo.polling import Town

NAME = "Fernway GitLab"


def test_pipelines_deployments_and_releases(town: Town, world: World, now: int) -> None:
    probe, told = town.probe(NAME), town.poll(NAME)
    assert all(scope.is_granted for scope in probe.scopes)
    since, names = now - 10 * DAY, repositories_in("gitlab")
    runs = [one for name in names for one in builds(world, name, now) if one.starts_at >= since]
    assert {str(one.number) for one in runs} <= set(told.of(RunRecord))
    moves = [one for name in names for one in rollouts(world, name, now) if one.starts_at >= since]
    assert {str(one.number) for one in moves} <= set(told.of(DeploymentRecord))
    assert told.kinds[Kind.TASK_RUN] == len(told.of(TaskRunRecord)) > 2 * len(runs)
    assert {pipeline.name for pipeline in told.of(PipelineRecord).values()} == {
        f"documents/{name}: {kind}" for name in names for kind in ("Checks", "Release")
    }
    assert told.of(ChangeRecord)


def test_a_second_poll_tells_only_what_is_new(town: Town, world: World, now: int) -> None:
    first = town.poll(NAME)
    town.at += 60
    assert not town.poll(NAME, first.cursor).records
    coming = min(one.starts_at for name in repositories_in("gitlab") for one in builds(world, name, now + 2 * DAY)
                 if one.starts_at > now)  # fmt: skip
    town.at = coming + 30
    assert len(town.poll(NAME, first.cursor).of(RunRecord)) == 1


def test_the_same_time_tells_the_same(town: Town) -> None:
    assert town.poll(NAME).records == town.poll(NAME).records
