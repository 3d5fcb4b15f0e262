"""What is read of one Kubernetes object: states of rollouts, images, selectors, stuck pods and whatever it may hold."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.http import Http
from apps.connectors.providers.kubernetes.client import KubernetesClient
from apps.connectors.providers.kubernetes.cursor import Memory
from apps.connectors.providers.kubernetes.fetching import Look
from apps.connectors.providers.kubernetes.history import Past, rollouts_of
from apps.connectors.providers.kubernetes.normalize import (
    WORKLOAD,
    Reading,
    Thing,
    images_of,
    read_things,
    revision_of,
    selector_text,
)
from apps.connectors.providers.kubernetes.states import standing_of
from apps.connectors.providers.kubernetes.troubles import read_alerts, stuck_reason
from apps.connectors.records import DeploymentState, Kind
from apps.connectors.values import UnreadableError
from tests.connectors.conftest import LOOPBACK, patient
from tests.connectors.kubernetes_world import KubernetesWorld, condition, template
from tests.connectors.test_prometheus import JSON

RUNNING, SUCCEEDED, FAILED = DeploymentState.RUNNING, DeploymentState.SUCCEEDED, DeploymentState.FAILED


def read_one(item: Any, kind: str = "deployment", **reading: Any) -> Thing:
    (thing,), rejected = read_things([item], kind, WORKLOAD, Reading(**reading), rejected_as=Kind.DEPLOYMENT)
    assert rejected == []
    return thing


@pytest.mark.parametrize(
    ("progressing", "changes", "state", "word"),
    [
        (("True", "NewReplicaSetAvailable"), {}, SUCCEEDED, "NewReplicaSetAvailable"),
        (("True", "NewReplicaSetAvailable"), {"availableReplicas": 0}, SUCCEEDED, "NewReplicaSetAvailable"),
        (("True", "ReplicaSetUpdated"), {"updatedReplicas": 1}, RUNNING, "ReplicaSetUpdated"),
        (("True", "ReplicaSetUpdated"), {"availableReplicas": 1}, RUNNING, "ReplicaSetUpdated"),
        (("True", "ReplicaSetUpdated"), {"replicas": 3}, RUNNING, "ReplicaSetUpdated"),
        (("False", "ProgressDeadlineExceeded"), {"updatedReplicas": 1}, FAILED, "ProgressDeadlineExceeded"),
        (("False", "ReplicaSetCreateError"), {"updatedReplicas": 0}, FAILED, "ReplicaSetCreateError"),
        (("Unknown", "DeploymentPaused"), {"updatedReplicas": 1}, RUNNING, "Paused"),
        (("Unknown", "DeploymentPaused"), {}, SUCCEEDED, "Available"),
        (None, {"updatedReplicas": 0}, RUNNING, ""),
        (None, {}, SUCCEEDED, "Available"),
    ],
)
def test_the_state_of_a_deployment_comes_from_its_conditions(
    progressing: Any, changes: Any, state: DeploymentState, word: str
) -> None:
    world = KubernetesWorld()
    item = world.add_workload("deployments", "api", "registry.example/api:1.0")
    item["spec"]["paused"] = word == "Paused"
    item["status"] |= {"conditions": [condition("Progressing", *progressing, world.clock)] if progressing else []}
    item["status"] |= changes
    standing = standing_of(read_one(item))
    assert (standing.state, standing.word) == (state, word)


def test_a_quota_that_forbids_pods_fails_a_rollout() -> None:
    world = KubernetesWorld()
    item = world.add_workload("deployments", "api", "registry.example/api:1.0")
    failure = condition("ReplicaFailure", "True", "FailedCreate", world.clock, "exceeded quota")
    item["status"] |= {"conditions": [failure], "updatedReplicas": 0}
    standing = standing_of(read_one(item))
    assert (standing.state, standing.word, standing.message) == (FAILED, "FailedCreate", "exceeded quota")


@pytest.mark.parametrize(
    ("status", "strategy", "state", "word"),
    [
        ({}, {}, SUCCEEDED, "Ready"),
        ({"updateRevision": "store-2", "updatedReplicas": 1}, {}, RUNNING, "RollingUpdate"),
        ({"updateRevision": "store-2", "updatedReplicas": 2, "readyReplicas": 1}, {}, RUNNING, "RollingUpdate"),
        ({"updateRevision": "store-2", "updatedReplicas": 2}, {}, SUCCEEDED, "Ready"),
        (
            {"updateRevision": "store-2", "updatedReplicas": 1},
            {"rollingUpdate": {"partition": 1}},
            SUCCEEDED,
            "Partitioned",
        ),
    ],
)
def test_a_stateful_set_is_through_when_its_replicas_are(
    status: Any, strategy: Any, state: DeploymentState, word: str
) -> None:
    item = KubernetesWorld().add_workload("statefulsets", "store", "registry.example/store:5")
    item["status"] |= status
    item["spec"]["updateStrategy"] = strategy
    standing = standing_of(read_one(item, "statefulset"))
    assert (standing.state, standing.word) == (state, word)


@pytest.mark.parametrize(
    ("image", "revision"),
    [
        ("nginx", "latest"),
        ("registry.example:5000/shop/api", "latest"),
        ("registry.example:5000/shop/api:1.2.3", "1.2.3"),
        ("shop/api:1.2@sha256:" + "ab" * 32, "1.2"),
        ("shop/api@sha256:" + "ab" * 32, "sha256:abababababab"),
        ("shop/api:latest@sha256:" + "ab" * 32, "sha256:abababababab"),
    ],
)
def test_a_revision_is_the_tag_or_the_digest(image: str, revision: str) -> None:
    assert revision_of(image) == revision


def test_the_main_container_is_the_default_the_namesake_or_the_first() -> None:
    pod: dict[str, Any] = {"spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "api", "image": "y:2"}]}}
    assert images_of(pod, name="api")[0] == "2"
    assert images_of(pod, name="other")[0] == "1"
    pod["metadata"] = {"annotations": {"kubectl.kubernetes.io/default-container": "a"}}
    assert images_of(pod, name="api") == ("1", {"container": "a", "image": "x:1", "images": "x:1, y:2"})
    for nothing in (None, {}, {"spec": {"containers": [{"name": "a"}]}}):
        with pytest.raises(UnreadableError):
            images_of(nothing, name="api")


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]}]}, "a in (x,y)"),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}, "a notin (x)"),
        (
            {"matchExpressions": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "DoesNotExist"}]},
            "a,!b",
        ),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "a", "operator": "Like"}]}, ""),
        ({}, ""),
    ],
)
def test_selectors_are_written_as_a_query_wants_them(selector: Any, text: str) -> None:
    assert selector_text({"selector": selector}) == text


@pytest.mark.parametrize(
    ("environment_from", "environment", "label"),
    [("none", "", "elsewhere"), ("namespace", "shop", None), ("label", "search", None)],
)
def test_the_environment_comes_from_where_the_source_says(
    environment_from: str, environment: str, label: str | None
) -> None:
    item = KubernetesWorld().add_workload("deployments", "api", "registry.example/api:1.0")
    item["metadata"]["labels"]["environment"] = "elsewhere"
    thing = read_one(item, environment_from=environment_from, environment_label="team")
    assert (thing.environment, thing.labels.get("environment")) == (environment, label)


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, "CrashLoopBackOff"),
        ({"state": {"waiting": {"reason": "ErrImagePull"}}}, "ImagePullBackOff"),
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, "ImagePullBackOff"),
        ({"state": {"waiting": {"reason": "CreateContainerConfigError"}}}, "CreateContainerConfigError"),
        ({"state": {"waiting": {"reason": "ContainerCreating"}}}, ""),
        ({"state": {"waiting": {"reason": "PodInitializing"}}}, ""),
        ({"ready": False, "restartCount": 3, "lastState": {"terminated": {"exitCode": 1}}}, "CrashLoopBackOff"),
        ({"ready": False, "restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}}, ""),
        ({"ready": True, "restartCount": 9, "lastState": {"terminated": {"exitCode": 1}}}, ""),
        ({"ready": False, "restartCount": 9, "lastState": {"terminated": {"exitCode": 0}}}, ""),
    ],
)
def test_containers_that_cannot_start_have_a_reason(container: Any, reason: str) -> None:
    assert stuck_reason(container) == reason


def test_pods_in_one_trouble_make_one_alert_since_the_first_of_them() -> None:
    world = KubernetesWorld()
    item = world.add_workload("deployments", "api", "registry.example/api:1.0")
    item["status"] |= {"availableReplicas": 0}
    crashed = {"reason": "Error", "exitCode": 3}
    container = {"name": "api", "ready": False, "restartCount": 4, "lastState": {"terminated": crashed}}
    container["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
    pods = [world.add_pod(f"api-{n}", {"app": "api"}, containerStatuses=[container]) for n in (2, 1)]
    nowhere = condition("PodScheduled", "False", "Unschedulable", world.clock, "0/3 nodes are available")
    pods.append(world.add_pod("api-3", {"app": "api"}, conditions=[nowhere]))
    thing = read_one(item)
    found = read_alerts(thing, standing_of(thing), pods, now=world.clock, has_settled=True)
    told = {alert.name: (alert.summary, alert.started_at) for alert in found}
    since = world.clock - timedelta(hours=1)
    assert told == {
        "api CrashLoopBackOff": ("2 pods: api-1 …: Error (exit code 3)", since),
        "api Unschedulable": ("api-3: 0/3 nodes are available", since),
    }


def past(number: int, hours: int, *earlier: int) -> Past:
    at = KubernetesWorld().clock.replace(minute=0, second=0) + timedelta(hours=hours)
    found = template("registry.example/api:1")
    return Past(
        owner_uid="u", name=f"api-{number}", number=number, earlier=earlier, created_at=at, template=found, cause=""
    )


def test_a_template_that_got_a_new_number_is_a_rollback() -> None:
    replica_sets = rollouts_of([past(2, 1), past(3, 2), past(5, 0, 1, 4)])
    assert list(replica_sets) == [1, 2, 3, 4, 5]
    assert [number for number, one in replica_sets.items() if one.is_rollback] == [4]
    assert [number for number, one in replica_sets.items() if one.started_at is None] == [4, 5]
    revisions = rollouts_of([past(2, 1), past(3, 0)])
    assert [(one.number, one.is_rollback) for one in revisions.values()] == [(2, False), (3, True)]


OWNER = st.fixed_dictionaries({"controller": st.just(True)}, optional={"uid": JSON, "kind": JSON, "name": JSON})
REVISED = st.dictionaries(st.just("deployment.kubernetes.io/revision"), st.just("2") | JSON)
METADATA = st.fixed_dictionaries(
    {
        "uid": st.sampled_from(["u", "v"]),
        "name": st.just("api"),
        "namespace": st.just("shop"),
        "creationTimestamp": st.just("2026-11-24T00:00:00Z") | JSON,
    },
    optional={
        "generation": JSON,
        "resourceVersion": JSON,
        "labels": JSON,
        "annotations": REVISED | JSON,
        "ownerReferences": st.lists(OWNER | JSON, max_size=2),
    },
)
CONDITIONS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["Progressing", "Available", "Complete", "Failed", "PodScheduled"]) | JSON},
        optional={"status": st.sampled_from(["True", "False"]) | JSON, "reason": JSON, "lastUpdateTime": JSON},
    )
    | JSON,
    max_size=3,
)
NAMES = (
    "replicas",
    "readyReplicas",
    "observedGeneration",
    "updateRevision",
    "startTime",
    "containerStatuses",
    "active",
)
STATUS = st.fixed_dictionaries({}, optional={"conditions": CONDITIONS, **dict.fromkeys(NAMES, JSON)})
SPEC = st.fixed_dictionaries(
    {}, optional={"template": st.just(template("x:1")) | JSON, "selector": JSON, "schedule": JSON, "replicas": JSON}
)
ITEM = st.fixed_dictionaries({"metadata": METADATA | JSON}, optional={"spec": SPEC | JSON, "status": STATUS | JSON})


class Saying(KubernetesClient):
    """A client that answers every list with the same items."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    async def everything(self, resource: str, namespace: str, *, selector: str = "") -> list[Any]:
        return self._items


@patient
@given(items=st.lists(ITEM | JSON, max_size=4), cursor=st.fixed_dictionaries({"places": st.just({"": {}}) | JSON}))
def test_whatever_the_server_says_a_poll_ends(items: list[Any], cursor: Any) -> None:
    look = Look(
        http=Http(rule=LOOPBACK),
        client=Saying(items),
        reading=Reading(environment_from="label", environment_label="team", is_qualified=True),
        selector="a=b",
        with_jobs=True,
        with_pods=True,
        backfill=timedelta(days=30),
    )
    memory = Memory.load(cursor, [""])
    place = asyncio.run(look.read("", memory.places[""]))
    again = asyncio.run(look.read("", place))
    json.dumps(again.dump())
