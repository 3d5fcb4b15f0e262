"""CloudEvents and notifications of Alertmanager become runs, deployments, alerts and lines of the ledger."""

from __future__ import annotations

import json

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.deployments.models import Deployment
from apps.events.models import Event
from apps.monitors.models import Alert
from apps.pipelines.models import Run, TaskRun
from apps.sources.models import DeadLetter
from tests.api.asking import error_of, make_token, push_source
from tests.factories import make_component, make_environment, make_feature

BATCH, ONE = "application/cloudevents-batch+json", "application/cloudevents+json"


@pytest.fixture(autouse=True)
def _fresh_minute(db):
    cache.clear()


@pytest.fixture
def source():
    return push_source()


@pytest.fixture
def token(source, author):
    return make_token(author)


def event(kind, *, at="10:00", identity="1", subject=None, data=None, **more):
    """The JSON of one event; `subject` makes it a CDEvent of version 0.4."""
    timestamp = f"2026-11-24T{at}:00Z"
    if subject is not None:
        kind = f"dev.cdevents.{kind}.0.2.0"
        data = {"context": {"id": identity, "source": "/ci", "type": kind, "timestamp": timestamp}, "subject": subject}
    told = {"specversion": "1.0", "id": identity, "source": "/ci", "type": kind, "time": timestamp}
    return told | ({"data": data} if data is not None else {}) | more


def run(happened, at, **content):
    subject = {"id": "r1", "type": "pipelineRun", "content": {"pipelineName": "build"} | content}
    return event(f"pipelinerun.{happened}", at=at, identity=happened, subject=subject)


def task(happened, at, **content):
    subject = {"id": "t1", "type": "taskRun", "content": {"taskName": "test"} | content}
    return event(f"taskrun.{happened}", at=at, identity=f"t-{happened}", subject=subject)


def service(predicate, version="1.2.3", **more):
    content = {"environment": {"id": "production"}, "artifactId": f"pkg:oci/ranker@{version}?arch=amd64"}
    subject = {"id": "service/ranker", "type": "service", "content": content}
    return event(f"service.{predicate}", identity=f"{predicate}-{version}", subject=subject, **more)


def send(body, *, token="", kind="", path="events/ci", **headers):
    kind = kind or (BATCH if isinstance(body, list) else ONE)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = ({"Authorization": f"Bearer {token}"} if token else {}) | headers
    return Client().post(f"/api/v1/{path}", data=data, content_type=kind, headers=headers)


def test_a_run_is_followed_from_queue_to_end_event_by_event(token):
    for told in (run("queued", "10:00"), run("started", "10:01", url="https://ci.example.com/r1")):
        assert send(told, token=token).json()["counts"] == {"stored": 1, "unchanged": 0, "refused": 0}
    send(run("finished", "10:05", outcome="failure", errors="tests failed\nmore"), token=token)
    found = Run.objects.get()
    assert (found.pipeline.name, found.state, found.error) == ("build", "failed", "tests failed")
    assert (found.started_at.minute, found.finished_at.minute, found.url) == (1, 5, "https://ci.example.com/r1")


def test_a_batch_says_the_same_in_any_order(token):
    batch = [run("finished", "10:05", outcome="success"), run("started", "10:01"), run("queued", "10:00")]
    response = send(batch, token=token)
    assert response.json()["counts"] == {"stored": 1, "unchanged": 0, "refused": 0}
    found = Run.objects.get()
    assert (found.state, found.started_at.minute, found.finished_at.minute) == ("succeeded", 1, 5)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("success", "succeeded"),
        ("failure", "failed"),
        ("error", "crashed"),
        ("cancel", "cancelled"),
        ("odd", "unknown"),
    ],
)
def test_every_outcome_has_its_state(token, outcome, state):
    send(run("finished", "10:05", outcome=outcome), token=token)
    assert Run.objects.get().state == state


def test_steps_belong_to_their_run_and_stand_alone_without_one(token):
    of_run = {"pipelineRun": {"id": "r1"}}
    send([run("started", "10:01"), task("started", "10:02", **of_run)], token=token)
    send(task("finished", "10:03", outcome="success", **of_run), token=token)
    step = TaskRun.objects.get()
    assert (step.run.pipeline.name, step.name, step.state) == ("build", "test", "succeeded")
    assert step.started_at.minute == 2
    send(task("finished", "10:03", outcome="success"), token=token)
    assert Run.objects.get(pipeline__name="test").state == "succeeded"


def test_a_step_of_an_unknown_run_is_refused_alone(token):
    response = send([task("started", "10:02", pipelineRun={"id": "r9"}), run("started", "10:01")], token=token)
    assert response.status_code == 207
    assert response.json()["counts"] == {"stored": 1, "unchanged": 0, "refused": 1}
    assert DeadLetter.objects.count() == 1


def test_services_are_deployed_upgraded_and_rolled_back(token):
    component = make_component(slug="ranker", feature=make_feature())
    production = make_environment(slug="production")
    for predicate, version in (("deployed", "1"), ("upgraded", "2"), ("rolledback", "1")):
        assert send(service(predicate, version), token=token).json()["counts"]["stored"] == 1
    found = list(Deployment.objects.order_by("pk"))
    assert [one.revision.reference for one in found] == ["1", "2", "1"]
    assert [one.is_rollback for one in found] == [False, False, True]
    assert {(one.component, one.environment) for one in found} == {(component, production)}


def test_what_is_no_deployment_is_a_line_in_the_ledger(token):
    incident = {"id": "i1", "content": {"description": "Answers are slow", "environment": {"id": "production"}}}
    told = [
        service("removed"),
        service("published"),
        event("incident.detected", identity="i1", subject=incident),
        event("incident.resolved", identity="i2", subject=incident),
        event("com.example.flag.changed", identity="f1", data={"message": "Reranker on"}, component="ranker"),
        event("dev.cdevents.artifact.published.0.2.0", identity="a1", data=[1]),
    ]
    assert send(told, token=token).json()["counts"] == {"stored": 6, "unchanged": 0, "refused": 0}
    titles = set(Event.objects.filter(kind="source:change:reported").values_list("title", flat=True))
    assert titles == {
        "Service removed: ranker",
        "Service published: ranker",
        "Incident detected: Answers are slow",
        "Incident resolved: Answers are slow",
        "com.example.flag.changed: Reranker on",
        "dev.cdevents.artifact.published.0.2.0",
    }


def test_source_and_id_are_the_identity_of_an_event(token):
    changed = event("com.example.flag.changed", data={})
    send(changed, token=token)
    assert send(changed, token=token).json()["counts"] == {"stored": 0, "unchanged": 1, "refused": 0}
    assert send(changed | {"source": "/other"}, token=token).json()["counts"]["stored"] == 1


def test_the_sdks_binary_and_structured_modes_are_read(token):
    attributes = {"type": "com.example.flag.changed", "source": "/flags", "id": "7"}
    made = CloudEvent(attributes=attributes | {"datacontenttype": "application/json"}, data={"title": "Reranker on"})
    for message in (to_binary_event(made), to_structured_event(made)):
        headers = {name: value for name, value in message.headers.items() if name != "content-type"}
        response = send(message.body, token=token, kind=message.headers["content-type"], **headers)
        assert response.status_code == 200
    assert Event.objects.get(kind="source:change:reported").title == "com.example.flag.changed: Reranker on"


def test_every_kind_of_event_wants_its_own_scope(source, author):
    token = make_token(author, "push:changes")
    response = send([service("removed"), run("started", "10:00")], token=token)
    assert response.status_code == 403
    assert "push:runs" in error_of(response)["message"]
    assert not Event.objects.filter(kind="source:change:reported").exists()
    assert send(service("removed"), token=token).status_code == 200
    assert send(service("removed"), token=make_token(author, "push:samples")).status_code == 403
    assert send(service("removed"), token=make_token(author, sources=["other"])).status_code == 403
    assert send(service("removed")).status_code == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"{}", ONE),
        (b"[1]", BATCH),
        (b"{}", BATCH),
        (b"[" * 10_000, BATCH),
        (b'{"specversion": "1.0", "id": 1e999}', ONE),
        (json.dumps(event("x") | {"time": "yesterday"}).encode(), ONE),
        (json.dumps(event("x") | {"specversion": "9"}).encode(), ONE),
        (json.dumps([event("x")] * 501).encode(), BATCH),
    ],
)
def test_what_is_no_event_is_refused_with_its_reason(token, body, kind):
    response = send(body, token=token, kind=kind)
    assert response.status_code == 400
    assert error_of(response)["code"] == "malformed"


def test_a_large_body_is_refused(token):
    assert send(b" " * (2**20 + 1), token=token).status_code == 413


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KINDS = ["pipelinerun.started", "pipelinerun.finished", "taskrun.finished", "service.deployed", "incident.reported", ""]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40
)
@given(kind=st.sampled_from(KINDS), subject=JSON, content=JSON, body=st.binary(max_size=50))
def test_odd_events_never_are_our_mistake(token, kind, subject, content, body):
    cache.clear()
    for given_subject in (subject, {"id": "1", "content": content}):
        assert send([event(kind, subject=given_subject)], token=token).status_code < 500
    for mode in (ONE, BATCH, "application/json"):
        response = send(body, token=token, kind=mode, **{"ce-specversion": "1.0", "ce-type": "x"})
        assert response.status_code < 500


def notification(**states):
    alerts = [
        {
            "status": state,
            "labels": {"alertname": name, "severity": "page", "component": "ranker"},
            "annotations": {"summary": f"{name} is broken"},
            "startsAt": "2026-11-24T10:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.com/graph",
            "fingerprint": f"f-{name}",
        }
        for name, state in states.items()
    ]
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "portal", "alerts": alerts}


def notify(body, token):
    return send(body, token=token, kind="application/json", path="sources/ci/alertmanager")


def test_every_alert_of_a_notification_is_in_its_own_state(token):
    component = make_component(slug="ranker", feature=make_feature())
    assert notify(notification(Slow="firing", Wrong="firing"), token).json()["counts"]["stored"] == 2
    found = Alert.objects.get(name="Slow")
    assert (found.state, found.severity, found.summary) == ("firing", "page", "Slow is broken")
    assert found.component == component
    assert notify(notification(Slow="firing"), token).json()["counts"]["unchanged"] == 1
    notify(notification(Slow="resolved", Wrong="firing"), token)
    assert {alert.name: alert.state for alert in Alert.objects.all()} == {"Slow": "resolved", "Wrong": "firing"}


def test_a_bad_alert_is_refused_alone_and_a_body_without_alerts_as_a_whole(token, author):
    body = notification(Slow="firing")
    body["alerts"] += [7, {"status": "odd", "labels": {"alertname": "x"}}]
    assert notify(body, token).json()["counts"] == {"stored": 1, "unchanged": 0, "refused": 2}
    for other in ({}, {"alerts": []}, {"alerts": 7}, []):
        assert error_of(notify(other, token))["field"] == "alerts"
    assert notify(b"{", token).status_code == 400
    assert notify(body, make_token(author, "push:changes")).status_code == 403
