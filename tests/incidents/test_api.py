"""The addresses of incidents: what they take, who may, what they refuse; the catalog, sources and times past."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from apps.catalog.models import Component, Dependency
from apps.events.models import Event
from apps.incidents.models import Incident
from apps.prompts.models import LabelMove, PromptLabel
from apps.sources.models import Source
from tests.api.asking import error_of, make_token, push_source, send
from tests.incidents.world import a_change, caller

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_minute(db):
    cache.clear()


@pytest.fixture
def call(admin):
    return caller(admin)


@pytest.fixture
def ask(author):
    """`ask(method, path, body, *scopes)`: the raw response."""

    def asked(method, path, body=None, *scopes, user=None, **headers):
        token = make_token(user or author, *(scopes or ("incidents:write", "read")))
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} | headers
        return Client().generic(method, f"/api/v1/{path}", data, content_type="application/json", headers=headers)

    return asked


BODY = {
    "title": "Wrong answers",
    "features": ["search"],
    "severity": "sev1",
    "impact_started_at": "2026-10-01T12:00:00Z",
    "detected_at": "2026-10-01T13:00:00Z",
}


def test_it_is_declared_in_the_past_and_read_again(ask, feature):
    made = ask("POST", "incidents", BODY)
    assert made.status_code == 201
    found = ask("GET", f"incidents/{made.json()['id']}").json()
    assert (found["title"], found["state"], found["features"]) == ("Wrong answers", "investigating", ["search"])
    assert found["time_to_detect"] == 3600
    assert found["roles"][0]["role"] == "commander"
    listed = ask("GET", "incidents?state=open&feature=search&since=2026-09-01T00:00:00Z").json()["incidents"]
    assert [one["id"] for one in listed] == [found["id"]]
    assert ask("GET", "incidents?until=2026-09-01T00:00:00Z").json()["incidents"] == []


def test_the_same_key_declares_once(author, feature):
    key, token = {"Idempotency-Key": "one"}, make_token(author, "incidents:write")
    answers = [send("incidents", BODY, token=token, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"features": ["other"]}, "features"),
        ({"features": []}, "features"),
        ({"severity": "sev9"}, "severity"),
        ({"title": " "}, "title"),
        ({"detected_at": "yesterday"}, "detected_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(ask, feature, change, field):
    response = ask("POST", "incidents", BODY | change)
    assert response.status_code == 422
    assert error_of(response)["field"].startswith(field)
    assert not Incident.objects.exists()


def test_impossible_times_are_a_conflict(ask, feature):
    response = ask("POST", "incidents", BODY | {"detected_at": "2026-10-01T11:00:00Z"})
    assert response.status_code == 409
    assert "before the impact started" in error_of(response)["message"]


@pytest.mark.parametrize("path", ["", "/suspects", "/timeline", "/updates"])
def test_an_incident_that_is_not_there(ask, path):
    assert ask("GET", f"incidents/999{path}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "incidents", BODY),
        ("PATCH", "incidents/{pk}", {"title": "x"}),
        ("POST", "incidents/{pk}/timeline", {"text": "x"}),
        ("POST", "incidents/{pk}/updates", {"text": "x"}),
        ("POST", "incidents/{pk}/verdicts", {"suspect": "event-1", "verdict": "cause"}),
    ],
)
def test_a_token_that_reads_writes_nothing(ask, incident, outsider, method, path, body):
    path = path.format(pk=incident.pk)
    assert ask(method, path, body, "read").status_code == 403
    assert ask(method, path, body, "incidents:write", user=outsider).status_code == 403
    assert Client().generic(method, f"/api/v1/{path}", b"{}", content_type="application/json").status_code == 401


def test_it_is_moved_with_its_clocks(ask, incident):
    body = {"state": "resolved", "cause_class": "prompt", "note": "back to v12", "features": ["search"]}
    found = ask("PATCH", f"incidents/{incident.pk}", body).json()
    assert (found["state"], found["cause_class"]) == ("resolved", "prompt")
    assert found["resolved_at"]
    again = ask("PATCH", f"incidents/{incident.pk}", {"state": "identified"})
    assert again.status_code == 409


def test_a_resolution_in_the_past_keeps_its_time(ask, incident):
    at = (incident.detected_at + timedelta(minutes=5)).isoformat()
    found = ask("PATCH", f"incidents/{incident.pk}", {"state": "resolved", "resolved_at": at}).json()
    assert found["resolved_at"] == at


def test_only_who_leads_moves_it(ask, incident, django_user_model):
    other = django_user_model.objects.create_user("other", password="correct horse battery", role="engineer")
    path, scope = f"incidents/{incident.pk}", "incidents:write"
    assert ask("PATCH", path, {"state": "resolved"}, scope, user=other).status_code == 403
    assert ask("PATCH", path, {"title": "y"}, scope, user=other).status_code == 200


def test_the_timeline_and_updates_are_fed(ask, incident):
    at = "2026-10-01T12:30:00+00:00"
    entry = ask("POST", f"incidents/{incident.pk}/timeline", {"text": "Seen", "kind": "symptom", "at": at}).json()
    update = ask("POST", f"incidents/{incident.pk}/updates", {"text": "We know.", "brief": "Known", "at": at}).json()
    assert (entry["at"], update["at"]) == (at, at)
    assert ask("GET", f"incidents/{incident.pk}/timeline").json()["entries"] == [entry]
    assert ask("GET", f"incidents/{incident.pk}/updates").json()["updates"] == [update]


def test_suspects_carry_reasons_and_take_verdicts(ask, incident):
    a_change(incident, at=incident.impact_started_at - timedelta(minutes=2), title="Reranker on")
    answer = ask("GET", f"incidents/{incident.pk}/suspects").json()
    (suspect,) = answer["suspects"]
    assert (suspect["title"], suspect["kind"], suspect["rank"]) == ("Reranker on", "config", 1)
    assert suspect["reasons"][0]["name"] == "time"
    assert answer["none_score"] + suspect["score"] == pytest.approx(1, abs=0.001)
    verdict = {"suspect": suspect["key"], "verdict": "cleared", "note": "off again, no change"}
    assert ask("POST", f"incidents/{incident.pk}/verdicts", verdict).status_code == 201
    assert ask("GET", f"incidents/{incident.pk}/suspects").json()["suspects"][0]["verdict"] == "cleared"
    assert ask("POST", f"incidents/{incident.pk}/verdicts", verdict | {"suspect": "event-0"}).status_code == 422


def test_what_was_not_known_yet_is_no_suspect(ask, incident):
    a_change(incident, at=incident.detected_at, title="Later")
    before = (incident.detected_at - timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    assert ask("GET", f"incidents/{incident.pk}/suspects?at={before}").json()["suspects"] == []
    assert ask("GET", f"incidents/{incident.pk}/suspects?at=soon").status_code == 422


def test_the_catalog_is_told_as_a_document(call, ask):
    document = {
        "features": [{"slug": "search", "name": "Search"}],
        "components": [
            {"slug": "api", "name": "API", "kind": "service", "feature": "search"},
            {"slug": "index", "name": "Index", "kind": "index"},
        ],
        "dependencies": [{"from": "api", "to": "index"}],
    }
    assert call("PUT", "catalog", document)["counts"] == {"new": 4, "changed": 0, "removed": 0}
    assert call("PUT", "catalog", document)["counts"]["new"] == 0
    assert Dependency.objects.get().provider == Component.objects.get(slug="index")
    assert "search" in call("GET", "catalog")["features"]
    wrong = ask("PUT", "catalog", {"components": [{"slug": "x"}]}, "catalog:write")
    assert wrong.status_code == 422
    assert ask("PUT", "catalog", document, "read").status_code == 403


def test_a_source_that_reports_is_made_once(call, ask):
    assert call("PUT", "sources/world", {"name": "World"}) == {"slug": "world", "name": "World"}
    assert call("PUT", "sources/world", {}) == {"slug": "world", "name": "World"}
    assert Source.objects.get(slug="world").is_polled is False
    assert ask("PUT", "sources/other", {}, "read").status_code == 403


def test_labels_that_were_moved_in_the_past_keep_their_order_and_times(call):
    push_source()
    moves = [(1, "2026-09-01T10:00:00Z"), (2, "2026-09-02T10:00:00Z"), (1, "2026-09-03T10:00:00Z")]
    items = [
        {"prompt": "greeting", "number": number, "template": f"v{number}", "aliases": ["production"], "moved_at": at}
        for number, at in moves
    ]
    call("POST", "sources/ci/prompt-versions", {"items": items})
    told = list(LabelMove.objects.order_by("at").values_list("to_version__number", "is_rollback"))
    assert told == [(1, False), (2, False), (1, True)]
    assert PromptLabel.objects.get().moved_at == datetime(2026, 9, 3, 10, tzinfo=UTC)
    events = Event.objects.filter(kind="prompts:label:moved").order_by("at")
    assert [event.at.day for event in events] == [1, 2, 3]
    late = {"prompt": "greeting", "number": 2, "template": "v2", "aliases": ["production"]}
    call("POST", "sources/ci/prompt-versions", {"items": [late | {"moved_at": "2026-09-02T12:00:00Z"}]})
    assert PromptLabel.objects.get().version.number == 1


def test_the_portal_at_a_moment_is_read(ask, feature):
    Event.objects.create(kind="health:feature:down", at=datetime(2026, 10, 1, tzinfo=UTC), title="h", feature=feature)
    (one,) = ask("GET", "as-of?at=2026-10-02T00:00:00Z").json()["health"]
    assert (one["feature"], one["version"]) == ("Search Answers", "down")
    assert ask("GET", "as-of?at=2026-10-02T00:00:00").status_code == 422
