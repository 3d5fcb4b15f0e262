from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from apps.connectors.records import DeploymentRecord, DeploymentState
from apps.deployments import services
from apps.deployments.models import Deployment, Revision, Running
from apps.sources.mapping import Mapper
from tests.factories import make_component, make_environment, make_feature, make_source

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 9, 24, tzinfo=UTC)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def a_deployment(revision: str = "2.40", hours: float = 1, **fields: Any) -> DeploymentRecord:
    started_at = hours_ago(hours)
    defaults = {
        "external_id": f"{revision}@{hours}",
        "component": "retrieval-api",
        "environment": "Production",
        "revision": revision,
        "state": DeploymentState.SUCCEEDED,
        "raw_state": "success",
        "started_at": started_at,
        "updated_at": started_at + timedelta(minutes=6),
        "finished_at": started_at + timedelta(minutes=6),
        "deployed_by": "Mei Lin",
    }
    return DeploymentRecord(**defaults | fields)


@pytest.fixture
def source():
    return make_source()


@pytest.fixture
def tell(source):
    def store(*records):
        return services.upsert_deployments(source=source, records=records, mapper=Mapper(source), at=NOW)

    return store


def running() -> dict[tuple[str, str], str]:
    rows = Running.objects.select_related("deployment__revision")
    return {(row.environment_name, row.kind): row.deployment.revision.reference for row in rows}


def test_a_deployment_is_stored_with_its_place_in_the_catalog(tell):
    feature = make_feature()
    component = make_component(slug="retrieval-api", feature=feature)
    production = make_environment(slug="production", name="Production")
    stored = tell(a_deployment())
    deployment = Deployment.objects.get()
    assert (deployment.component, deployment.feature, deployment.environment) == (component, feature, production)
    assert (deployment.deployed_by, deployment.revision.reference, deployment.revision.kind) == (
        "Mei Lin",
        "2.40",
        "code",
    )
    assert stored.feature_ids == {feature.pk}
    assert stored.topics == {"deployments", "changes", f"deployment-{deployment.pk}"}


def test_going_live_is_a_change_with_its_own_time(tell):
    (event,) = tell(a_deployment(hours=24 * 40)).events
    assert event.title == "retrieval-api 2.40 went live in Production"
    assert (event.kind, event.is_change, event.tone) == ("deployments:deployment:succeeded", True, "ok")
    assert event.at == hours_ago(24 * 40) + timedelta(minutes=6)
    assert event.actor == "Mei Lin"


@pytest.mark.parametrize(
    ("state", "kind", "title"),
    [
        (DeploymentState.RUNNING, "started", "retrieval-api 2.40 is rolling out to Production"),
        (DeploymentState.FAILED, "failed", "retrieval-api 2.40 failed to go live in Production"),
    ],
)
def test_a_rollout_and_a_failure_have_their_words(tell, state, kind, title):
    (event,) = tell(a_deployment(state=state)).events
    assert (event.kind, event.title) == (f"deployments:deployment:{kind}", title)
    assert running() == {}


def test_the_same_news_again_writes_nothing(tell):
    records = [a_deployment("2.39", 5), a_deployment("2.40", 1)]
    tell(*records)
    before = list(Deployment.objects.extra(select={"xmin": "xmin::text"}).values_list("pk", "xmin"))
    stored = tell(*records)
    assert (stored.changed, stored.events) == (0, [])
    assert list(Deployment.objects.extra(select={"xmin": "xmin::text"}).values_list("pk", "xmin")) == before
    assert Revision.objects.count() == 2


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_story_of_a_place_is_the_same_in_whatever_order_it_is_told(tell, order):
    story = [
        a_deployment("1", 9),
        a_deployment("2", 7),
        a_deployment("3", 5, state=DeploymentState.FAILED),
        a_deployment("1", 3),
    ]
    for index in order:
        tell(story[index])
    rows = Deployment.objects.order_by("started_at").values_list(
        "revision__reference", "previous_revision__reference", "is_rollback"
    )
    assert list(rows) == [("1", None, False), ("2", "1", False), ("3", "2", False), ("1", "2", True)]
    assert running() == {("Production", "code"): "1"}


def test_going_back_is_told_as_a_rollback(tell):
    tell(a_deployment("2.39", 9), a_deployment("2.40", 5))
    event, hold = tell(a_deployment("2.39", 1)).events
    assert (event.kind, hold.kind) == ("deployments:deployment:rolled-back", "deployments:hold:set")
    assert event.title == "retrieval-api was rolled back to 2.39 in Production"
    assert event.data == {"component": "retrieval-api", "revision": "2.39", "previous": "2.40"}


def test_deploying_the_same_revision_again_is_no_rollback(tell):
    tell(a_deployment("2.40", 9))
    (event,) = tell(a_deployment("2.40", 1)).events
    assert event.kind == "deployments:deployment:succeeded"


def test_a_source_that_calls_it_a_rollback_is_believed(tell):
    event, _hold = tell(a_deployment("2.39", is_rollback=True)).events
    assert event.kind == "deployments:deployment:rolled-back"


def test_a_success_that_turns_out_to_have_failed_gives_the_place_back(tell):
    tell(a_deployment("2.39", 9), a_deployment("2.40", 1))
    tell(a_deployment("2.40", 1, state=DeploymentState.FAILED, updated_at=NOW))
    assert running() == {("Production", "code"): "2.39"}
    tell(a_deployment("2.39", 9, state=DeploymentState.FAILED, updated_at=NOW))
    assert running() == {}


def test_kinds_of_revision_run_side_by_side(tell):
    tell(a_deployment("2.40"), a_deployment("build 7", labels={"kind": "index"}))
    assert running() == {("Production", "code"): "2.40", ("Production", "index"): "build 7"}


def test_older_news_never_overwrites_newer(tell):
    tell(a_deployment(updated_at=NOW))
    stored = tell(a_deployment(state=DeploymentState.RUNNING, updated_at=hours_ago(2)))
    assert stored.changed == 0
    assert Deployment.objects.get().state == "succeeded"


def test_one_bad_record_is_refused_alone(tell):
    stored = tell(a_deployment(revision="r" * 301), a_deployment("good"), a_deployment(component=""))
    assert [d.revision.reference for d in Deployment.objects.all()] == ["good"]
    assert [rejected.reason for rejected in stored.rejected] == [
        "The revision has 301 characters; at most 300 can be stored.",
        "The component is empty.",
    ]
