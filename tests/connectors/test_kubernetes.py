"""Kubernetes polled: rollouts from their first second to their last, lists in pages, rights, and what is told once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.kubernetes.connector import KubernetesConnector
from apps.connectors.records import AlertRecord, AlertState, Batch, DeploymentRecord, DeploymentState, Kind
from tests.connectors.conftest import ask, failure
from tests.connectors.kubernetes_world import KubernetesWorld, good_world, template
from tests.connectors.upstream import Upstream

ROOMY = Limits(total_seconds=5, fetch_seconds=20)
SECRETS = {"token": "kube-token"}


def fetch(
    upstream: Upstream, world: KubernetesWorld, cursor: Any = None, *, limits: Limits = ROOMY, **settings: Any
) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, **settings}
    with time_machine.travel(world.clock, tick=False):
        return ask(
            lambda http: KubernetesConnector(config=config, secrets=SECRETS, http=http).fetch(saved), limits=limits
        )


def deployments(batch: Batch) -> list[DeploymentRecord]:
    return [record for record in batch.records if isinstance(record, DeploymentRecord)]


def alerts(batch: Batch) -> dict[str, AlertRecord]:
    return {record.external_id: record for record in batch.records if isinstance(record, AlertRecord)}


def asked(upstream: Upstream) -> list[str]:
    return [request.path.rpartition("/")[2] for request in upstream.requests]


def test_the_image_that_runs_is_a_deployment_since_its_replica_set_was_made(upstream: Upstream) -> None:
    world = KubernetesWorld()
    world.add_workload("deployments", "api", "registry.example:5000/shop/api:1.0")
    page = "https://dashboard.example/#/{kind}/{namespace}/{name}"
    (record,) = deployments(fetch(upstream, world, environment_from="namespace", page=page))
    assert (record.component, record.environment, record.revision) == ("api", "shop", "1.0")
    assert (record.state, record.raw_state) == (DeploymentState.SUCCEEDED, "NewReplicaSetAvailable")
    assert record.started_at == world.clock - timedelta(days=1)
    assert record.finished_at == world.clock - timedelta(hours=23)
    assert record.external_id == "deployments-shop-api/1"
    assert record.url == "https://dashboard.example/#/deployment/shop/api"
    assert record.labels["image"] == "registry.example:5000/shop/api:1.0"
    assert record.labels["images"].endswith("proxy:9")
    assert (record.labels["namespace"], record.labels["team"]) == ("shop", "search")


def test_nothing_of_an_environment_is_kept(upstream: Upstream) -> None:
    batch = fetch(upstream, good_world())
    assert "hunter2" not in repr([record.raw for record in batch.records])
    assert "managedFields" not in repr([record.raw for record in batch.records])


def test_a_rollout_keeps_its_number_from_running_to_the_end(upstream: Upstream) -> None:
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    cursor = fetch(upstream, world).cursor
    world.clock += timedelta(minutes=1)
    world.roll_out(api, 2, "registry.example/api:1.1")
    batch = fetch(upstream, world, cursor)
    (running,) = deployments(batch)
    assert (running.state, running.raw_state, running.revision) == (
        DeploymentState.RUNNING,
        "ReplicaSetUpdated",
        "1.1",
    )
    assert (running.started_at, running.finished_at) == (world.clock, None)
    world.clock += timedelta(minutes=1)
    world.settle(api)
    after = fetch(upstream, world, batch.cursor)
    (done,) = deployments(after)
    assert (done.external_id, done.state) == (running.external_id, DeploymentState.SUCCEEDED)
    assert (done.started_at, done.finished_at) == (running.started_at, world.clock)
    assert done.updated_at >= running.updated_at
    world.touch(api)
    assert deployments(fetch(upstream, world, after.cursor)) == []


def test_a_rollout_that_is_replaced_is_cancelled(upstream: Upstream) -> None:
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    world.roll_out(api, 2, "registry.example/api:1.1")
    cursor = fetch(upstream, world).cursor
    world.clock += timedelta(minutes=1)
    world.roll_out(api, 3, "registry.example/api:1.2")
    replaced, current = deployments(fetch(upstream, world, cursor))
    assert (replaced.external_id, replaced.revision) == ("deployments-shop-api/2", "1.1")
    assert (replaced.state, replaced.raw_state) == (DeploymentState.CANCELLED, "superseded")
    assert replaced.finished_at == current.started_at == world.clock


def test_a_rollout_whose_workload_was_deleted_is_cancelled(upstream: Upstream) -> None:
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    world.roll_out(api, 2, "registry.example/api:1.1")
    cursor = fetch(upstream, world).cursor
    world.objects["deployments"].clear()
    batch = fetch(upstream, world, cursor)
    (deleted,) = deployments(batch)
    assert (deleted.state, deleted.raw_state) == (DeploymentState.CANCELLED, "deleted")
    assert batch.cursor["places"][""]["workloads"] == {}


def test_a_failed_rollout_tells_why_and_may_still_go_through(upstream: Upstream) -> None:
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    world.roll_out(api, 2, "registry.example/api:1.1")
    world.settle(api, "False", "ProgressDeadlineExceeded", "has timed out")
    batch = fetch(upstream, world)
    failed = deployments(batch)[-1]
    assert (failed.state, failed.raw_state) == (DeploymentState.FAILED, "ProgressDeadlineExceeded")
    assert failed.description == "has timed out"
    assert alerts(batch)["deployments-shop-api/rollout"].summary == "has timed out"
    world.clock += timedelta(minutes=5)
    world.settle(api)
    after = fetch(upstream, world, batch.cursor)
    (done,) = deployments(after)
    assert (done.external_id, done.state) == (failed.external_id, DeploymentState.SUCCEEDED)
    assert alerts(after) == {}
    assert {listing.kind: listing.external_ids for listing in after.listings}[Kind.ALERT] == frozenset()


def test_older_rollouts_are_told_once_as_unknown(upstream: Upstream) -> None:
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    world.add_past(
        api,
        "deployments",
        2,
        "registry.example/api:1.1",
        age=timedelta(hours=2),
        **{"kubernetes.io/change-cause": "hot fix"},
    )
    world.roll_out(api, 3, "registry.example/api:1.2")
    first, second, current = deployments(fetch(upstream, world))
    assert [record.revision for record in (first, second, current)] == ["1.0", "1.1", "1.2"]
    assert {(record.state, record.raw_state) for record in (first, second)} == {(DeploymentState.UNKNOWN, "superseded")}
    assert first.finished_at == second.started_at == world.clock - timedelta(hours=2)
    assert second.description == "hot fix"
    assert [r.revision for r in deployments(fetch(upstream, world, backfill_days=0))] == ["1.2"]


def test_an_undone_rollout_is_a_rollback_since_we_saw_it(upstream: Upstream) -> None:
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    world.roll_out(api, 2, "registry.example/api:1.1")
    world.settle(api)
    cursor = fetch(upstream, world).cursor
    world.clock += timedelta(minutes=9)
    first = world.objects["replicasets"][0]
    first["metadata"]["annotations"] = {
        "deployment.kubernetes.io/revision": "3",
        "deployment.kubernetes.io/revision-history": "1",
    }
    world.begin(api, 3, "registry.example/api:1.0")
    (back,) = deployments(fetch(upstream, world, cursor))
    assert (back.external_id, back.revision, back.is_rollback) == ("deployments-shop-api/3", "1.0", True)
    assert back.started_at == world.clock
    anew = {record.external_id: record for record in deployments(fetch(upstream, world))}
    assert anew["deployments-shop-api/3"].is_rollback
    assert not anew["deployments-shop-api/1"].is_rollback
    assert anew["deployments-shop-api/1"].started_at == world.clock - timedelta(days=1, minutes=9)


def test_what_its_controller_has_not_seen_is_not_told_yet(upstream: Upstream) -> None:
    world = KubernetesWorld()
    api = world.add_workload("deployments", "api", "registry.example/api:1.0")
    cursor = fetch(upstream, world).cursor
    api["metadata"]["generation"] = 2
    api["spec"]["template"] = template("registry.example/api:1.1")
    world.touch(api)
    assert deployments(fetch(upstream, world, cursor)) == []


def test_pods_that_fail_later_are_an_alert_and_no_rollout(upstream: Upstream) -> None:
    world = KubernetesWorld()
    store = world.add_workload("statefulsets", "store", "registry.example/store:5")
    first = fetch(upstream, world)
    assert [record.revision for record in deployments(first)] == ["5"]
    store["status"]["readyReplicas"] = 1
    world.touch(store)
    batch = fetch(upstream, world, first.cursor)
    assert deployments(batch) == []
    missing = alerts(batch)["statefulsets-shop-store/unavailable"]
    assert (missing.state, missing.summary) == (AlertState.FIRING, "1 of 2 pods are ready.")
    assert missing.labels["component"] == "shop/store"


@pytest.mark.parametrize("resource", ["statefulsets", "daemonsets"])
def test_sets_roll_out_by_their_controller_revisions(upstream: Upstream, resource: str) -> None:
    world = KubernetesWorld()
    item = world.add_workload(resource, "store", "registry.example/store:5")
    cursor = fetch(upstream, world).cursor
    world.clock += timedelta(minutes=1)
    world.add_past(item, resource, 2, "registry.example/store:6", age=timedelta())
    item["metadata"]["generation"] = item["status"]["observedGeneration"] = 2
    item["status"] |= {"updateRevision": "store-2", "updatedReplicas": 1, "updatedNumberScheduled": 1}
    world.touch(item)
    batch = fetch(upstream, world, cursor)
    (running,) = deployments(batch)
    assert (running.revision, running.state) == ("6", DeploymentState.RUNNING)
    world.clock += timedelta(minutes=1)
    item["status"] |= {"updatedReplicas": 2, "updatedNumberScheduled": 2}
    world.touch(item)
    (done,) = deployments(fetch(upstream, world, batch.cursor))
    assert (done.external_id, done.state, done.finished_at) == (
        running.external_id,
        DeploymentState.SUCCEEDED,
        world.clock,
    )


def test_a_change_without_a_new_template_is_no_rollout(upstream: Upstream) -> None:
    world = KubernetesWorld()
    agent = world.add_workload("daemonsets", "agent", "registry.example/agent:1")
    cursor = fetch(upstream, world).cursor
    agent["metadata"]["generation"] = agent["status"]["observedGeneration"] = 2
    world.touch(agent)
    batch = fetch(upstream, world, cursor)
    assert deployments(batch) == []
    upstream.requests.clear()
    world.touch(agent)
    fetch(upstream, world, batch.cursor)
    assert "controllerrevisions" not in asked(upstream)


def test_history_and_pods_are_read_only_where_something_happened(upstream: Upstream) -> None:
    world = KubernetesWorld()
    for number in range(7):
        world.add_workload("deployments", f"api-{number}", "registry.example/api:1.0")
    cursor = fetch(upstream, world).cursor
    assert asked(upstream).count("replicasets") == 1
    upstream.requests.clear()
    batch = fetch(upstream, world, cursor)
    assert set(asked(upstream)) == {"deployments", "statefulsets", "daemonsets", "cronjobs", "jobs"}
    upstream.requests.clear()
    world.roll_out(world.objects["deployments"][0], 2, "registry.example/api:1.1")
    fetch(upstream, world, batch.cursor)
    (history,) = [request for request in upstream.requests if request.path.endswith("/replicasets")]
    assert (history.path, history.query["labelSelector"]) == ("/apis/apps/v1/namespaces/shop/replicasets", "app=api-0")


def test_lists_come_in_pages_and_begin_anew_when_a_token_expired(upstream: Upstream) -> None:
    world = KubernetesWorld()
    for number in range(5):
        world.add_workload("deployments", f"api-{number}", "registry.example/api:1.0")
    world.page = 2
    assert len(deployments(fetch(upstream, world))) == 5
    world.expired = 1
    assert len(deployments(fetch(upstream, world))) == 5
    world.expired = 99
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world)
    assert caught.value.error_class is ErrorClass.REJECTED


def test_a_page_too_large_is_asked_for_in_smaller_ones(upstream: Upstream) -> None:
    world = KubernetesWorld()
    for number in range(40):
        world.add_workload("deployments", f"api-{number}", "registry.example/api:1.0")
    small = Limits(total_seconds=5, fetch_seconds=20, max_bytes=40_000)
    assert len(deployments(fetch(upstream, world, limits=small))) == 40


def test_namespaces_are_read_in_turn_and_listed_together(upstream: Upstream) -> None:
    world = good_world()
    for namespace in ("a", "b", "c"):
        broken = world.add_workload("statefulsets", "store", "registry.example/store:5", namespace=namespace)
        broken["status"]["readyReplicas"] = 0
    names = ["a", "b", "c", "shop"]
    tight = Limits(total_seconds=5, fetch_seconds=20, max_requests=30)
    batches = [fetch(upstream, world, namespaces=names, limits=tight)]
    while batches[-1].has_more:
        batches.append(fetch(upstream, world, batches[-1].cursor, namespaces=names, limits=tight))
    assert len(batches) > 1
    assert all(batch.listings == () for batch in batches[:-1])
    listed = {listing.kind: listing.external_ids for listing in batches[-1].listings}
    told = {key for batch in batches for key in alerts(batch)}
    assert listed[Kind.ALERT] == told
    assert {f"statefulsets-{name}-store/unavailable" for name in "abc"} < told
    components = {record.component for batch in batches for record in deployments(batch)}
    assert {"a/store", "b/store", "shop/api"} < components


def test_very_many_rollouts_come_in_pieces(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.connectors.providers.kubernetes.fetching.MOST_RECORDS", 2)
    world = KubernetesWorld()
    for number in range(5):
        world.add_workload("deployments", f"api-{number}", "registry.example/api:1.0")
    found: list[str] = []
    batch = fetch(upstream, world)
    while batch.has_more:
        found += [record.external_id for record in deployments(batch)]
        batch = fetch(upstream, world, batch.cursor)
    found += [record.external_id for record in deployments(batch)]
    assert len(found) == len(set(found)) == 5
    assert batch.listings


def test_pods_say_why_a_rollout_is_stuck(upstream: Upstream) -> None:
    batch = fetch(upstream, good_world())
    stuck = alerts(batch)["deployments-shop-api/ImagePullBackOff"]
    assert stuck.name == "shop/api ImagePullBackOff"
    assert stuck.summary == "api-2-x: Back-off pulling image"


def test_without_the_right_to_pods_the_rest_is_told(upstream: Upstream) -> None:
    world = good_world()
    world.denied = {"pods"}
    batch = fetch(upstream, world)
    assert set(alerts(batch)) == {"deployments-shop-api/rollout"}
    assert len(batch.listings) == 2
    world.denied = {"statefulsets"}
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world)
    assert caught.value.error_class is ErrorClass.AUTH


def test_no_alert_ends_while_not_every_pod_was_looked_at(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.connectors.providers.kubernetes.fetching.MOST_LOOKED_AT", 0)
    batch = fetch(upstream, good_world())
    assert set(alerts(batch)) == {"deployments-shop-api/rollout"}
    assert batch.listings == ()


def test_a_workload_without_an_image_is_rejected_alone(upstream: Upstream) -> None:
    world = good_world()
    odd = world.add_workload("deployments", "odd", "registry.example/odd:1")
    odd["spec"]["template"] = {}
    world.objects["replicasets"][-1]["spec"] = {}
    batch = fetch(upstream, world)
    assert [(item.external_id, item.reason) for item in batch.rejected] == [
        ("deployments-shop-odd", "no container has an image")
    ]
    assert "shop/api" in {record.component for record in deployments(batch)}


def test_a_probe_names_every_right_that_is_missing(upstream: Upstream) -> None:
    world = good_world()
    world.denied = {"pods", "replicasets"}
    upstream.handler = world
    config = {"url": upstream.url, "namespaces": "shop\nweb"}
    probe = ask(lambda http: KubernetesConnector(config=config, secrets=SECRETS, http=http).probe(), limits=ROOMY)
    assert probe.version == "v1.31.2"
    assert probe.sentence == "Kubernetes v1.31.2 answers; 12 of 16 rights are granted."
    missing = [scope.name for scope in probe.scopes if not scope.is_granted]
    assert missing == [f"list {what} in {where}" for where in ("shop", "web") for what in ("replicasets", "pods")]


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"namespaces": "Shop"}, "namespaces"),
        ({"namespaces": "../secrets"}, "namespaces"),
        ({"namespaces": [f"n{n}" for n in range(31)]}, "namespaces"),
        ({"environment_from": "label"}, "environment_label"),
        ({"page": "javascript:{name}"}, "page"),
        ({"backfill_days": -1}, "backfill_days"),
    ],
)
def test_a_setting_that_cannot_work_is_named(config: Any, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        KubernetesConnector.clean({"url": "https://k8s.example:6443", **config})
    assert caught.value.field == field


def test_the_token_is_needed() -> None:
    config = {"url": "https://k8s.example:6443"}
    error = failure(lambda http: KubernetesConnector(config=config, secrets={}, http=http).fetch({}))
    assert isinstance(error, ConfigError)
