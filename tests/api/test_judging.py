from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from tests.api.asking import error_of, make_token
from tests.factories import make_feature
from tests.metrics.factories import make_series

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(db):
    """A change eight hours ago, after which everything takes twice as long."""
    feature, now = make_feature(slug="search"), timezone.now()
    samples = [(now - timedelta(minutes=m), 4.0 if m <= 480 else 2.0) for m in range(1, 900)]
    make_series(feature=feature, samples=samples)
    at = now - timedelta(hours=8)
    record_events(events=[
        NewEvent(kind="prompts:label:moved", at=at, title="v14", is_change=True, feature_id=feature.pk)
    ])  # fmt: skip
    return Event.objects.get()


@pytest.fixture
def ask(author):
    def get(path: str, *scopes: str):
        token = make_token(author, *(scopes or ("read",)))
        return Client().get(f"/api/v1/changes/{path}", headers={"Authorization": f"Bearer {token}"})

    return get


def test_a_change_is_judged_for_machines_as_for_people(change, ask):
    response = ask(f"{change.pk}/impact?window=6h")
    assert response.status_code == 200
    answer = json.loads(response.content)
    assert (answer["verdict"], answer["feature"], answer["is_over"]) == ("worse", "search", True)
    assert answer["collisions"] == []
    [row] = answer["measures"]
    assert (row["measure"], row["before"], row["after"], row["outside_promise_after_minutes"]) == (
        "latency_p95", 2.0, 4.0, None
    )  # fmt: skip
    assert Client().get(answer["url"]).status_code == 302


def test_what_cannot_be_known_yet_is_null_and_never_nan(ask):
    feature = make_feature()
    make_series(feature=feature, samples=[(timezone.now() - timedelta(minutes=1), 1.0)])
    record_events(events=[
        NewEvent(kind="prompts:label:moved", at=timezone.now(), title="now", is_change=True, feature_id=feature.pk)
    ])  # fmt: skip
    answer = json.loads(ask(f"{Event.objects.get().pk}/impact").content)
    assert answer["verdict"] == "too_little_data"
    assert answer["measures"][0]["low"] is None


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("999/impact", 404, "No change of the ledger"),
        ("99999999999999999999999/impact", 404, "No change of the ledger"),
        ("{pk}/impact?window=2w", 422, "`window` is one of"),
    ],
)
def test_what_cannot_be_answered_is_said(change, ask, path, status, word):
    response = ask(path.format(pk=change.pk))
    assert response.status_code == status
    assert word in error_of(response)["message"]


def test_a_token_without_the_scope_is_refused(change, ask):
    assert ask(f"{change.pk}/impact", "push:runs").status_code == 403
    assert Client().get(f"/api/v1/changes/{change.pk}/impact").status_code == 401
