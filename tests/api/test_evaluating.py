"""Evaluations over the API: started from the registry, read, and asked for a verdict."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.evaluations.models import EvaluationRun, Order
from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from tests.api.asking import error_of, make_token, push_source, send
from tests.evaluations.suites import make_endpoint, make_suite
from tests.factories import make_source

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_minute():
    cache.clear()


@pytest.fixture
def suite():
    return make_suite(cases=3, endpoint=make_endpoint())


@pytest.fixture
def version():
    at = timezone.now()
    prompt = Prompt.objects.create(
        source=make_source(connector="langfuse"),
        external_id="r",
        name="support-reply",
        first_seen_at=at,
        last_changed_at=at,
    )
    found = PromptVersion.objects.create(
        prompt=prompt, number=13, external_id="r/13", template="Answer: {{question}}", content_hash="x",
        model_config={"temperature": 0.2, "tools": []}, created_at=at, first_seen_at=at,
    )  # fmt: skip
    PromptLabel.objects.create(prompt=prompt, name="production", version=found, moved_at=at)
    return found


def get(path: str, token: str):
    return Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})


def test_a_run_is_started_from_the_registry_and_read(author, suite, version):
    token = make_token(author, "run:evaluations", "read")
    response = send(f"evaluations/suites/{suite.pk}/runs", {"subject": "support-reply", "version": "13"}, token=token)
    started = json.loads(response.content)
    assert (response.status_code, started["state"], started["version"]) == (201, "queued", "13")
    order = Order.objects.get()
    assert (order.messages, order.parameters) == (
        [{"role": "user", "content": "Answer: {{question}}"}],
        {"temperature": 0.2},
    )
    assert (order.reason, order.asked_by) == ("api", "author")
    read = json.loads(get(f"evaluations/runs/{started['id']}", token).content)
    assert read["progress"] == {"done": 0, "total": 3, "cost_usd": 0.0}


def test_a_label_says_which_version(author, suite, version):
    body = {"subject": "support-reply", "label": "production"}
    response = send(f"evaluations/suites/{suite.pk}/runs", body, token=make_token(author))
    assert json.loads(response.content)["version"] == "13"


def test_the_same_request_again_starts_nothing_twice(author, suite, version):
    token, body = make_token(author), {"subject": "support-reply", "version": "13"}
    answers = [
        send(f"evaluations/suites/{suite.pk}/runs", body, token=token, **{"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert EvaluationRun.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not usable JSON"),
        ({"subject": "support-reply"}, 422, "a version or a label"),
        ({"subject": "support-reply", "version": "99"}, 422, "No prompt has support-reply 99."),
        ({"subject": "support-reply", "version": "x"}, 422, "is a number"),
        ({"subject": "other", "label": "production"}, 422, "No prompt has other@production."),
        ({"subject": 5, "version": "13"}, 422, "Send texts"),
    ],
)
def test_what_cannot_be_run_is_said(author, suite, version, body, status, words):
    response = send(f"evaluations/suites/{suite.pk}/runs", body, token=make_token(author))
    assert response.status_code == status
    assert words in error_of(response)["message"]
    assert not EvaluationRun.objects.exists()


def test_it_takes_a_token_that_may(author, outsider, suite, version):
    path, body = f"evaluations/suites/{suite.pk}/runs", {"subject": "support-reply", "version": "13"}
    assert send(path, body).status_code == 401
    assert send(path, body, token=make_token(author, "read")).status_code == 403
    assert send("evaluations/suites/999999/runs", body, token=make_token(author)).status_code == 404
    assert get("evaluations/runs/999999", make_token(author)).status_code == 404
    assert get(path, make_token(author)).status_code == 405


def test_the_gate_answers_with_its_reasons(author, suite):
    token = make_token(author, "read")
    found = get(f"evaluations/gate?subject=support-reply&candidate=13&baseline=12&suite={suite.pk}", token)
    answer = json.loads(found.content)
    assert (answer["state"], answer["may"]) == ("waiting", False)
    assert len(answer["reasons"]) == 2
    assert json.loads(get("evaluations/gate?subject=x&candidate=1", token).content)["may"] is True
    assert get("evaluations/gate?subject=x", token).status_code == 422


def test_nobody_reports_in_the_name_of_the_portal(author, suite):
    push_source()
    item = {
        "suite": suite.name, "state": "succeeded", "subject": "support-reply", "version": "13", "external_id": "own-1",
        "scores": [{"scorer": "exact", "value": 1, "case": "case-1", "passed": True}],
    }  # fmt: skip
    response = send("sources/opsportal-evaluations/evaluations", {"items": [item]}, token=make_token(author))
    assert (response.status_code, error_of(response)["code"]) == (403, "own_source")
