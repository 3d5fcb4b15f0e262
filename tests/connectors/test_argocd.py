"""Argo CD: a deployment from its first second to its last, three independent axes, and what is told twice or not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.connectors.errors import ErrorClass
from apps.connectors.http import Limits
from apps.connectors.providers.argocd.connector import ArgoCdConnector
from apps.connectors.records import AlertRecord, AlertState, Batch, ChangeRecord, DeploymentRecord, DeploymentState
from tests.connectors.argocd_world import REPOSITORY, ArgoWorld, entry, good_world, operation
from tests.connectors.conftest import ask, failure
from tests.connectors.upstream import Upstream
from tests.connectors.worlds import iso

ROOMY = Limits(total_seconds=5, fetch_seconds=20)
SECRETS = {"token": "argo-token"}


def fetch(upstream: Upstream, world: ArgoWorld, cursor: Any = None, **settings: Any) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, **settings}
    with time_machine.travel(world.clock, tick=False):
        return ask(lambda http: ArgoCdConnector(config=config, secrets=SECRETS, http=http).fetch(saved), limits=ROOMY)


def deployments(batch: Batch) -> list[DeploymentRecord]:
    return [record for record in batch.records if isinstance(record, DeploymentRecord)]


def alerts(batch: Batch) -> dict[str, AlertRecord]:
    return {record.external_id: record for record in batch.records if isinstance(record, AlertRecord)}


def changes(batch: Batch) -> list[ChangeRecord]:
    return [record for record in batch.records if isinstance(record, ChangeRecord)]


def test_every_history_entry_is_a_deployment_of_its_revision(upstream: Upstream) -> None:
    world = ArgoWorld()
    world.add("checkout")
    first, second = deployments(fetch(upstream, world))
    assert (first.revision, second.revision) == ("aaa", "bbb")
    assert (first.component, first.state, first.raw_state) == ("checkout", DeploymentState.SUCCEEDED, "Succeeded")
    assert first.finished_at == first.started_at + timedelta(seconds=5) == first.updated_at
    assert first.url == f"{upstream.url}/applications/argocd/checkout"
    assert first.description == f"apps/checkout of {REPOSITORY} at main"
    assert first.labels["repository"] == REPOSITORY
    assert (first.labels["project"], first.labels["cluster"], first.labels["team"]) == ("shop", "in-cluster", "search")
    assert second.labels["images"] == "registry.example/checkout:2"
    assert "images" not in first.labels


def test_an_unchanged_poll_tells_no_deployment(upstream: Upstream) -> None:
    world = good_world()
    cursor = fetch(upstream, world).cursor
    world.clock += timedelta(minutes=1)
    world.apps[0]["metadata"]["resourceVersion"] = "11"
    world.apps[0]["status"]["reconciledAt"] = iso(world.clock)
    batch = fetch(upstream, world, cursor)
    assert deployments(batch) == []
    assert changes(batch) == []
    assert batch.cursor == cursor


def test_a_sync_keeps_one_identity_from_running_to_history(upstream: Upstream) -> None:
    world = ArgoWorld()
    app = world.add("checkout")
    cursor = fetch(upstream, world).cursor
    app["status"]["operationState"] = operation("Running", "ccc", world.clock)
    batch = fetch(upstream, world, cursor)
    (running,) = deployments(batch)
    assert (running.state, running.finished_at, running.deployed_by) == (DeploymentState.RUNNING, None, "ada")
    app["status"]["operationState"] = operation("Succeeded", "ccc", world.clock)
    app["status"]["history"].append(entry(2, "ccc", world.clock))
    (done,) = deployments(fetch(upstream, world, batch.cursor))
    assert done.external_id == running.external_id
    assert (done.state, done.deployed_by, done.labels["history_id"]) == (DeploymentState.SUCCEEDED, "ada", "2")
    assert done.updated_at >= running.updated_at


def test_images_of_the_next_sync_are_not_pinned_on_the_last(upstream: Upstream) -> None:
    world = ArgoWorld()
    app = world.add("checkout")
    cursor = fetch(upstream, world).cursor
    app["status"]["operationState"] = operation("Running", "ccc", world.clock)
    app["status"]["summary"]["images"] = ["registry.example/checkout:3"]
    assert {record.revision for record in deployments(fetch(upstream, world, cursor))} == {"ccc"}


def test_a_failed_sync_tells_why(upstream: Upstream) -> None:
    found = {record.revision: record for record in deployments(fetch(upstream, good_world()))}
    assert found["ddd"].state is DeploymentState.FAILED
    assert found["ddd"].description == "sync is Failed"


def test_a_running_sync_that_vanished_is_ended_as_unknown(upstream: Upstream) -> None:
    world = ArgoWorld()
    app = world.add("checkout")
    app["status"]["operationState"] = operation("Running", "ccc", world.clock)
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=1)
    app["status"]["operationState"] = operation("Running", "ddd", world.clock)
    found = {record.revision: record for record in deployments(fetch(upstream, world, first.cursor))}
    assert (found["ccc"].state, found["ccc"].raw_state) == (DeploymentState.UNKNOWN, "replaced")
    world.apps.clear()
    gone = deployments(fetch(upstream, world, first.cursor))
    assert [(record.revision, record.state) for record in gone] == [("ccc", DeploymentState.UNKNOWN)]


def test_parameters_of_a_source_are_never_kept(upstream: Upstream) -> None:
    batch = fetch(upstream, good_world())
    assert "hunter2" not in repr([record.raw for record in batch.records])


def test_three_axes_make_three_alerts_that_end_by_a_complete_listing(upstream: Upstream) -> None:
    world = good_world()
    batch = fetch(upstream, world)
    assert set(alerts(batch)) == {"u-checkout/health", "u-search/sync", "u-search/operation"}
    degraded = alerts(batch)["u-checkout/health"]
    assert (degraded.name, degraded.severity, degraded.state) == ("checkout Degraded", "ticket", AlertState.FIRING)
    assert degraded.started_at == world.clock - timedelta(hours=5)
    assert (degraded.labels["health"], degraded.labels["sync"]) == ("Degraded", "Synced")
    assert degraded.labels["component"] == "checkout"
    assert alerts(batch)["u-search/operation"].summary == "sync is Failed"
    (listing,) = batch.listings
    assert listing.external_ids == set(alerts(batch))
    world.apps[0]["status"]["health"] = {"status": "Healthy"}
    (later,) = fetch(upstream, world, batch.cursor).listings
    assert "u-checkout/health" not in later.external_ids


def test_an_app_without_identity_hides_no_other_and_ends_no_alert(upstream: Upstream) -> None:
    world = good_world()
    world.apps.append({"metadata": {"name": "nobody"}, "spec": {"project": "shop"}})
    batch = fetch(upstream, world)
    assert [item.external_id for item in batch.rejected] == ["nobody"]
    assert batch.listings == ()
    assert len(alerts(batch)) == 3


def test_a_branch_that_is_followed_instead_is_a_change_told_once(upstream: Upstream) -> None:
    world = good_world()
    batch = fetch(upstream, world)
    found = changes(batch)
    assert [change.external_id for change in found] == ["u-checkout/source/2", "u-checkout/source/3"]
    assert found[0].before.endswith("at main")
    assert found[0].after.endswith("at release")
    assert changes(fetch(upstream, world, batch.cursor)) == []


def test_switching_automatic_sync_is_a_change(upstream: Upstream) -> None:
    world = ArgoWorld()
    app = world.add("checkout")
    cursor = fetch(upstream, world).cursor
    app["spec"]["syncPolicy"]["automated"]["enabled"] = False
    batch = fetch(upstream, world, cursor)
    (off,) = changes(batch)
    assert (off.title, off.before, off.after) == ("Automatic sync of checkout was switched off", "on", "off")
    assert changes(fetch(upstream, world, cursor)) == [off]
    app["spec"]["syncPolicy"] = {"automated": {}}
    (on,) = changes(fetch(upstream, world, batch.cursor))
    assert on.after == "on"
    assert on.external_id != off.external_id


def test_the_first_poll_goes_back_so_far_and_always_tells_what_is_live(upstream: Upstream) -> None:
    world = ArgoWorld()
    app = world.add("checkout")
    ages = (90, 40, 35)
    app["status"]["history"] = [entry(n, f"r{n}", world.clock - timedelta(days=age)) for n, age in enumerate(ages)]
    assert [record.revision for record in deployments(fetch(upstream, world))] == ["r2"]
    found = deployments(fetch(upstream, world, backfill_days=60))
    assert [record.revision for record in found] == ["r1", "r2"]


def test_a_great_many_deployments_come_in_pieces(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.connectors.providers.argocd.fetching.MOST_RECORDS", 3)
    world = ArgoWorld()
    for number in range(4):
        world.add(f"app-{number}")
    first = fetch(upstream, world)
    second = fetch(upstream, world, first.cursor)
    assert (len(deployments(first)), first.has_more) == (4, True)
    assert (len(deployments(second)), second.has_more) == (4, False)
    assert len({record.external_id for record in (*deployments(first), *deployments(second))}) == 8


def test_a_list_too_large_is_asked_for_by_project_from_then_on(upstream: Upstream) -> None:
    world = good_world()
    world.projects, world.most = ("shop", "tools"), 2
    world.add("tool")["spec"]["project"] = "tools"
    batch = fetch(upstream, world)
    assert {record.component for record in deployments(batch)} == {"checkout", "search", "tool"}
    upstream.requests.clear()
    fetch(upstream, world, batch.cursor)
    asked = [request.query.get("projects") for request in upstream.requests]
    assert asked == [None, "shop", "tools"]
    assert upstream.requests[0].path == "/api/v1/projects"


def test_an_emptied_list_is_no_end_of_alerts_when_the_right_was_lost(upstream: Upstream) -> None:
    world = good_world()
    cursor = fetch(upstream, world).cursor
    world.rights = ()
    config = {"url": upstream.url}
    error = failure(lambda http: ArgoCdConnector(config=config, secrets=SECRETS, http=http).fetch(cursor))
    assert (error.error_class, error.is_permanent) == (ErrorClass.AUTH, True)
    world.rights, world.apps = ("*",), []
    (listing,) = fetch(upstream, world, cursor).listings
    assert listing.external_ids == frozenset()


def test_a_probe_names_the_projects_that_may_not_be_read(upstream: Upstream) -> None:
    world = good_world()
    world.rights = ("shop",)
    upstream.handler = world
    config = {"url": upstream.url, "projects": "shop\ntools"}
    probe = ask(lambda http: ArgoCdConnector(config=config, secrets=SECRETS, http=http).probe())
    assert probe.version == "v3.1.0"
    granted = {scope.name: scope.is_granted for scope in probe.scopes}
    expected = {"get applications of the project shop": True, "get applications of the project tools": False}
    assert granted == expected


def test_a_server_that_cannot_say_what_we_may_is_taken_at_its_list(upstream: Upstream) -> None:
    world = good_world()
    world.tells_rights = False
    cursor = fetch(upstream, world).cursor
    config = {"url": upstream.url}
    probe = ask(lambda http: ArgoCdConnector(config=config, secrets=SECRETS, http=http).probe())
    assert [scope.is_granted for scope in probe.scopes] == [True]
    world.apps = []
    assert fetch(upstream, world, cursor).cursor["apps"] == {}
