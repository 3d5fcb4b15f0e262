from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.deployments import queries
from apps.deployments import services as deployments
from apps.deployments.models import Freeze, Running
from apps.health.models import FeatureConsistency, FeatureHealth
from apps.incidents.models import Incident
from apps.monitors.models import Alert, Slo
from apps.pipelines.models import Pipeline
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from tests.api.asking import error_of, make_token
from tests.deployments.test_deployment_upserts import NOW, a_deployment
from tests.evaluations.suites import add_cases, make_endpoint, make_suite, scored
from tests.factories import make_component, make_environment, make_feature, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def feature():
    make_environment(slug="production", name="Production", is_production=True)
    return make_feature(slug="search", name="Search Answers")


@pytest.fixture
def ask(author):
    def get(query: str = "feature=search&environment=production", *scopes: str):
        token = make_token(author, *(scopes or ("read",)))
        return Client().get(f"/api/v1/deployments/may?{query}", headers={"Authorization": f"Bearer {token}"})

    return get


def kinds(response) -> list[str]:
    assert response.status_code == 200
    answer = json.loads(response.content)
    assert answer["may"] is not bool(answer["reasons"])
    assert all(reason["url"].startswith("http://testserver/") for reason in answer["reasons"])
    return [reason["kind"] for reason in answer["reasons"]]


def test_nothing_against_it_is_a_yes(feature, ask):
    assert kinds(ask()) == []


def test_a_hold_says_who_asked_for_it_and_why(feature, ask, author):
    make_component(slug="retrieval-api", feature=feature)
    source = make_source()
    records = [a_deployment("2.39", 9), a_deployment("2.40", 5)]
    deployments.upsert_deployments(source=source, records=records, mapper=Mapper(source), at=NOW)
    running = Running.objects.get()
    (earlier,) = queries.earlier_in_place(running=running)
    deployments.ask_rollback(running=running, to=earlier, actor=author, reason="wrong answers", at=NOW)
    assert kinds(ask()) == ["hold"]
    text = json.loads(ask().content)["reasons"][0]["text"]
    assert text == f"retrieval-api should go back to 2.39, asked for by {author}: wrong answers"


def test_every_reason_is_named(feature, ask):
    at = timezone.now()
    hour = timedelta(hours=1)
    Freeze.objects.create(
        name="Launch", reason="calm", starts_at=at - hour, ends_at=at + hour, planned_by="Mei", created_at=at
    )
    Alert.objects.create(
        source=make_source(), external_id="1", name="Errors", feature=feature, state="firing", severity="page",
        opened_at=at, last_seen_at=at,
    )  # fmt: skip
    FeatureHealth.objects.create(feature=feature, status="down", sentence="It is down.", since=at, evaluated_at=at)
    FeatureConsistency.objects.create(feature=feature, status="mixed", sentence="Mixed.", since=at, judged_at=at)
    Incident.objects.create(
        title="Wrong answers", impact_started_at=at, detected_at=at, declared_at=at, updated_at=at
    ).features.add(feature)
    pipeline = Pipeline.objects.create(
        source=Source.objects.get(), external_id="nightly", name="nightly", first_seen_at=at, active_at=at
    )
    Slo.objects.create(
        name="Fast", feature=feature, pipeline=pipeline, objective=99, created_at=at, budget_left=-0.1, measured_at=at
    )
    assert kinds(ask()) == ["freeze", "incident", "alert", "budget", "down", "set"]


@pytest.mark.parametrize("query", ["feature=other&environment=production", "feature=search&environment=%00"])
def test_what_is_not_in_the_catalog_is_said(feature, ask, query):
    response = ask(query)
    assert response.status_code == 404
    assert "of the catalog has this short name" in error_of(response)["message"]


def test_a_token_without_the_scope_is_refused(feature, ask):
    assert ask("feature=search&environment=production", "push:runs").status_code == 403


def test_without_a_token_nobody_is_answered(feature):
    assert Client().get("/api/v1/deployments/may?feature=search&environment=production").status_code == 401


def test_the_example_carries_what_must_be_asked(db):
    from apps.api.documentation import endpoints
    from apps.api.endpoints import api

    (found,) = [one for one in endpoints(api.get_openapi_schema(), base_url="http://p") if one.name == "may-deploy"]
    assert "'?feature=my-feature&environment=my-environment'" in found.curl


def test_a_failed_safety_case_speaks_against_it_until_it_passes(feature, ask):
    suite = make_suite(cases=0, feature=feature, endpoint=make_endpoint())
    lines = ("plain", []), ("harm", ["safety"])
    text = "\n".join(
        json.dumps({"key": key, "inputs": {"question": "q"}, "expected": "x", "tags": tags}) for key, tags in lines
    )
    add_cases(suite, text, is_jsonl=True)
    assert kinds(ask()) == []
    scored(suite, good=0)
    assert kinds(ask()) == ["evaluation"]
    scored(suite, good=2, version="2")
    assert kinds(ask()) == []
