"""What is read of one Argo CD application: phases, revisions, environments, alerts and whatever else it may hold."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError
from apps.connectors.providers.argocd.alerts import read_alerts
from apps.connectors.providers.argocd.client import list_query
from apps.connectors.providers.argocd.connector import ArgoCdConnector
from apps.connectors.providers.argocd.cursor import Memory
from apps.connectors.providers.argocd.deployments import read_deployments
from apps.connectors.providers.argocd.fetching import Poll
from apps.connectors.providers.argocd.normalize import Reading, read_apps
from apps.connectors.records import AlertState, DeploymentState
from apps.connectors.webhook import WebhookError
from tests.connectors.argocd_world import REPOSITORY, ArgoWorld, entry, operation, source
from tests.connectors.conftest import failure, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.worlds import iso


def read_one(app: Any, **reading: Any) -> Any:
    (found,), rejected = read_apps([app], Reading(ui="https://argocd.example", **reading))
    assert rejected == []
    return found


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        ("Running", DeploymentState.RUNNING),
        ("Terminating", DeploymentState.RUNNING),
        ("Succeeded", DeploymentState.SUCCEEDED),
        ("Failed", DeploymentState.FAILED),
        ("Error", DeploymentState.FAILED),
        ("Dreaming", DeploymentState.UNKNOWN),
        ("", DeploymentState.UNKNOWN),
    ],
)
def test_phases_of_the_operation_map_and_keep_their_word(phase: str, state: DeploymentState) -> None:
    world = ArgoWorld()
    app = read_one(world.add("checkout", history=[], operationState=operation(phase, "ccc", world.clock)))
    found = read_deployments(app).operation
    assert found is not None
    assert (found.state, found.raw_state, found.revision) == (state, phase, "ccc")
    assert (found.finished_at is None) == (state is DeploymentState.RUNNING)


@pytest.mark.parametrize(
    "changes",
    [
        {"operation": {"sync": {"revision": "ccc", "dryRun": True}}},
        {"operation": {"sync": {"revision": "ccc", "resources": [{"kind": "Service", "name": "a"}]}}},
        {"operation": {"sync": {}}, "syncResult": None},
        {"operation": {}},
        {"startedAt": "yesterday"},
    ],
    ids=["dry run", "chosen resources", "no revision yet", "no sync", "no time"],
)
def test_an_operation_that_deploys_nothing_whole_is_no_deployment(changes: Any) -> None:
    world = ArgoWorld()
    state = operation("Succeeded", "ccc", world.clock, **changes)
    assert read_deployments(read_one(world.add("checkout", operationState=state))).operation is None


def test_only_a_return_to_an_earlier_revision_is_a_rollback() -> None:
    world = ArgoWorld()
    revisions = ["a", "a", "b", "a", "a", "c"]
    history = [entry(n, revision, world.clock + timedelta(hours=n)) for n, revision in enumerate(revisions)]
    app = world.add("checkout", history=history)
    found = read_deployments(read_one(app)).history
    assert [number for number, record in found.items() if record.is_rollback] == [3]
    app["status"]["history"] = history[::-1]
    again = read_deployments(read_one(app)).history
    assert [number for number, record in again.items() if record.is_rollback] == [3]


def test_a_rollback_is_known_while_it_runs() -> None:
    world = ArgoWorld()
    app = read_one(world.add("checkout", operationState=operation("Running", "aaa", world.clock)))
    found = read_deployments(app).operation
    assert found is not None
    assert found.is_rollback


def test_an_app_of_many_sources_has_one_revision_of_them_all() -> None:
    world = ArgoWorld()
    sources = [{"repoURL": "oci://charts.example", "chart": "redis", "targetRevision": "1.2.3"}, source(ref="values")]
    several = {"revisions": ["1.2.3", "f" * 40], "source": {}, "sources": sources}
    app = read_one(world.add("cache", history=[entry(0, "", world.clock, **several)]))
    (record,) = read_deployments(app).history.values()
    assert record.revision == f"1.2.3 + {'f' * 40}"
    assert record.labels["repository"] == f"oci://charts.example, {REPOSITORY}"
    assert record.labels["chart"] == "redis"
    many = {**several, "revisions": [f"{number:040x}" for number in range(20)]}
    app = read_one(world.add("many", history=[entry(0, "", world.clock, **many)]))
    (record,) = read_deployments(app).history.values()
    assert len(record.revision) <= 300


@pytest.mark.parametrize(
    ("way", "environment"),
    [("none", ""), ("namespace", "prod"), ("cluster", "in-cluster"), ("project", "shop"), ("label", "blue")],
)
def test_the_environment_comes_from_where_the_source_says(way: str, environment: str) -> None:
    app = ArgoWorld().add("checkout")
    app["metadata"]["labels"] |= {"tier": "blue", "environment": "elsewhere"}
    found = read_one(app, environment_from=way, environment_label="tier")
    assert found.environment == environment
    assert found.labels.get("environment") == ("elsewhere" if way == "none" else None)


@pytest.mark.parametrize(
    ("destination", "cluster"),
    [
        ({"name": "eu-1"}, "eu-1"),
        ({"server": "https://10.0.0.1:6443"}, "10.0.0.1"),
        ({"server": "https://["}, ""),
        ({}, ""),
    ],
)
def test_a_cluster_has_a_name_or_a_host(destination: Any, cluster: str) -> None:
    app = ArgoWorld().add("checkout")
    app["spec"]["destination"] = destination
    assert read_one(app, environment_from="cluster").environment == cluster


def test_an_app_outside_argos_namespace_is_called_with_its_own() -> None:
    app = ArgoWorld().add("checkout")
    app["metadata"]["namespace"] = "team-a"
    found = read_one(app)
    assert found.component == "team-a/checkout"
    assert found.url.endswith("/applications/team-a/checkout")


@pytest.mark.parametrize("word", ["Healthy", "Progressing", "Suspended", "Unknown", "", "Dreaming"])
def test_other_words_of_health_are_no_alert(word: str) -> None:
    world = ArgoWorld()
    assert read_alerts(read_one(world.add("checkout", health={"status": word})), now=world.clock) == []


def test_drift_waits_while_a_sync_runs_and_tells_why_it_cannot_compare() -> None:
    world = ArgoWorld()
    moving = operation("Running", "ccc", world.clock)
    (drift,) = read_alerts(
        read_one(world.add("a", sync={"status": "OutOfSync"}, operationState=moving)), now=world.clock
    )
    assert (drift.state, drift.severity) == (AlertState.PENDING, "info")
    condition = {"type": "ComparisonError", "message": "no such branch\nmore", "lastTransitionTime": iso(world.clock)}
    app = read_one(world.add("b", sync={"status": "Unknown"}, conditions=[condition]))
    (unknown,) = read_alerts(app, now=world.clock)
    assert unknown.summary == "ComparisonError: no such branch"
    assert read_alerts(app, now=world.clock, with_sync=False) == []


def test_the_list_is_narrowed_by_projects_and_labels() -> None:
    assert list_query(["a", "b"], "x=1,y in (2)") == "projects=a&projects=b&selector=x%3D1%2Cy+in+%282%29"
    assert list_query([], "") == ""


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"environment_from": "label"}, "environment_label"),
        ({"projects": [f"p{n}" for n in range(21)]}, "projects"),
        ({"backfill_days": 401}, "backfill_days"),
    ],
)
def test_a_setting_that_cannot_work_is_named(config: Any, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ArgoCdConnector.clean({"url": "https://argocd.example", **config})
    assert caught.value.field == field


def test_the_token_is_needed() -> None:
    config = {"url": "https://argocd.example/api/v1"}
    assert ArgoCdConnector.clean(config)["url"] == "https://argocd.example"
    error = failure(lambda http: ArgoCdConnector(config=config, secrets={}, http=http).fetch({}))
    assert isinstance(error, ConfigError)


def test_a_notification_needs_the_token_and_is_known_by_its_body() -> None:
    webhook = ArgoCdConnector.webhook
    assert webhook is not None
    body = b'{"event": "sync", "application": "checkout"}'
    one = webhook.read({"x-opsportal-token": "right"}, body, ["right"])
    assert (one.event, one.is_relevant) == ("sync", True)
    assert webhook.read({"x-opsportal-token": "right"}, body, ["right"]) == one
    assert webhook.read({"x-opsportal-token": "right"}, b"hello", ["right"]).delivery_id != one.delivery_id
    for headers in ({}, {"x-opsportal-token": "wrong"}):
        with pytest.raises(WebhookError):
            webhook.read(headers, body, ["right"])


METADATA = st.fixed_dictionaries({"uid": st.just("u"), "name": st.just("a")}, optional={"labels": JSON})
ENTRY = st.fixed_dictionaries({"id": JSON}, optional={"deployedAt": JSON, "revisions": JSON, "sources": JSON})
STATE = st.fixed_dictionaries({}, optional={"phase": JSON, "operation": JSON, "startedAt": JSON})
OTHERS = dict.fromkeys(("health", "sync", "conditions", "summary"), JSON)
STATUS = st.fixed_dictionaries(
    {}, optional={"history": st.lists(ENTRY | JSON, max_size=4), "operationState": STATE | JSON, **OTHERS}
)
APP = st.fixed_dictionaries({"metadata": METADATA | JSON}, optional={"spec": JSON, "status": STATUS | JSON})
CURSOR = st.fixed_dictionaries({"apps": st.dictionaries(st.just("u"), JSON, max_size=1)})


@patient
@given(items=st.lists(APP | JSON, max_size=4), cursor=CURSOR)
def test_whatever_the_server_says_a_poll_ends(items: Any, cursor: Any) -> None:
    poll = Poll(
        reading=Reading(ui="https://argocd.example", environment_from="cluster"),
        now=ArgoWorld().clock,
        backfill=timedelta(days=30),
        with_sync_alerts=True,
    )
    json.dumps(poll.read(items, Memory.load(cursor)).dump())
