"""The demo's Argo CD and Kubernetes as their connectors read them."""

from __future__ import annotations

import pytest

from apps.connectors.records import AlertRecord, DeploymentRecord, DeploymentState, Kind, RunRecord, RunState
from apps.demo.world.company import ENVIRONMENTS
from apps.demo.world.dice import DAY, HOUR, World
from apps.demo.world.releases import Tenure, tenures
from apps.demo.world.systems import plans_of, rolled_out_by
from apps.demo.world.troubles import Trouble, trouble_of
from tests.demo.polling import Town

ARGO, KUBERNETES = "Fernway Argo CD", "Fernway Kubernetes"
SYSTEMS = {ARGO: "argocd", KUBERNETES: "kubernetes"}


def latest(world: World, service: str, now: int) -> Tenure:
    """What came to production last."""
    found = [one for one in tenures(world, service, now) if one.environment == "production" and one.starts_at]
    return found[-1]


def trouble(world: World, system: str, now: int) -> Trouble:
    """The latest time at which a service of a system was unwell."""
    for at in range(now, now - 40 * DAY, -300):
        for service in rolled_out_by(system):
            if found := trouble_of(world, service, at):
                return found
    raise AssertionError("nothing was ever wrong")


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_service_has_rollouts_in_both_places(town: Town, name: str) -> None:
    probe, told = town.probe(name), town.poll(name)
    assert all(scope.is_granted for scope in probe.scopes)
    seen = {(one.component, one.environment) for one in told.of(DeploymentRecord).values()}
    services = rolled_out_by(SYSTEMS[name])
    assert seen == {(service, place) for service in services for place in ENVIRONMENTS}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_rollout_under_way_runs_and_then_succeeds(town: Town, world: World, now: int, name: str) -> None:
    live = latest(world, rolled_out_by(SYSTEMS[name])[0], now).starts_at
    assert live
    town.at = live - 30
    first = town.poll(name, backfill_days=1)
    moving = [one for one in first.of(DeploymentRecord).values() if one.state is DeploymentState.RUNNING]
    assert len(moving) == 1
    town.at = live + 30
    again = town.poll(name, first.cursor, backfill_days=1).of(DeploymentRecord)
    assert again[moving[0].external_id].state is DeploymentState.SUCCEEDED


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_bad_release_makes_its_service_unwell(town: Town, world: World, now: int, name: str) -> None:
    ill = trouble(world, SYSTEMS[name], now)
    town.at = ill.starts_at + 60
    during = town.poll(name, backfill_days=1)
    alerts = [one for one in during.of(AlertRecord).values() if ill.service in one.name]
    assert any(ill.message in one.summary or "pods are ready" in one.summary for one in alerts)
    town.at = ill.ends_at + 120
    assert not town.poll(name, during.cursor, backfill_days=1).listed(Kind.ALERT) & {one.external_id for one in alerts}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_second_poll_tells_no_rollout_again(town: Town, name: str) -> None:
    first = town.poll(name)
    town.at += 60
    second = town.poll(name, first.cursor)
    assert not second.of(DeploymentRecord)
    assert not second.of(RunRecord)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_same_time_tells_the_same(town: Town, name: str) -> None:
    assert town.poll(name).records == town.poll(name).records


def test_argo_tells_rollbacks_and_who_made_them(town: Town) -> None:
    backs = [one for one in town.poll(ARGO).of(DeploymentRecord).values() if one.is_rollback]
    assert backs
    assert all(one.deployed_by != "auto-sync" for one in backs)


def test_jobs_of_a_cron_job_are_runs(town: Town, world: World, now: int) -> None:
    runs = town.poll(KUBERNETES).of(RunRecord).values()
    assert len(runs) == len(plans_of(world, "kubernetes", now - 2 * DAY, now))
    assert {run.trigger.value for run in runs} == {"schedule"}


def test_a_failed_job_tells_its_reason(town: Town, world: World, now: int) -> None:
    plans = plans_of(world, "kubernetes", now - 45 * DAY, now)
    plan = next(plan for plan in plans if plan.outcome == "FAILED")
    town.at = int(plan.ends_at) + HOUR // 60
    runs = town.poll(KUBERNETES).of(RunRecord).values()
    run = next(run for run in runs if run.state is RunState.FAILED)
    assert plan.message in run.error
