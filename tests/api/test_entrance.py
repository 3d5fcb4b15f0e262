"""Who gets in: only a good token, for what it may, where it may, not too often and not with too much."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import ApiToken, User
from apps.api import storing
from apps.api.errors import for_machines
from apps.api.reading import MOST_BYTES, read_body
from apps.sources.models import SourceState
from tests.api.asking import error_of, make_token, push_source, send
from tests.factories import make_source

HEARTBEAT = "sources/ci/heartbeat"


@pytest.fixture(autouse=True)
def _fresh_minute(db):
    cache.clear()


@pytest.fixture
def source():
    return push_source()


def heard(source) -> bool:
    return SourceState.objects.get(source=source).last_success_at is not None


def refused(source, response, status: int, code: str) -> str:
    assert response.status_code == status
    error = error_of(response)
    assert error["code"] == code
    assert not heard(source)
    return error["message"]


def test_a_token_opens_the_door(source, author):
    response = send(HEARTBEAT, token=make_token(author, "push:samples"))
    assert response.status_code == 200
    assert response.json() == {"results": [], "counts": {"stored": 0, "unchanged": 0, "refused": 0}}
    assert heard(source)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic b3BzcF94", "opsp_x", "Bearer opsp_wrong"])
def test_without_a_token_nobody_gets_in(source, header):
    response = send(HEARTBEAT, Authorization=header)
    refused(source, response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_token_in_the_address_is_not_looked_at(source, author):
    token = make_token(author)
    refused(source, send(f"{HEARTBEAT}?token={token}&access_token={token}"), 401, "unauthorized")


def test_a_session_opens_nothing(source, admin, client):
    client.force_login(admin)
    refused(source, send(HEARTBEAT, client=client), 401, "unauthorized")
    assert client.get("/api/v1/sources/ci").status_code == 401


def test_no_page_of_another_site_can_report(source, admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    refused(source, send(HEARTBEAT, client=client), 401, "unauthorized")


def test_a_wrong_scope_is_named(source, author):
    response = send(HEARTBEAT, token=make_token(author, "read"))
    assert "lacks the scope push:" in refused(source, response, 403, "forbidden")


def test_a_token_for_other_sources_is_refused(source, author):
    response = send(HEARTBEAT, token=make_token(author, sources=["other"]))
    refused(source, response, 403, "wrong_source")
    assert send(HEARTBEAT, token=make_token(author, sources=["ci"])).status_code == 200


def test_a_token_for_some_sources_does_not_learn_of_others(db, author):
    token = make_token(author, sources=["ci"])
    assert send("sources/secret/heartbeat", token=token).status_code == 403
    push_source(slug="secret")
    assert send("sources/secret/heartbeat", token=token).status_code == 403


def test_an_unknown_source_is_said(db, author):
    response = send(HEARTBEAT, token=make_token(author))
    assert (response.status_code, error_of(response)["code"]) == (404, "no_source")


def test_an_expired_token_is_refused(source, author):
    token = make_token(author, at=timezone.now() - timedelta(days=31))
    assert "expired" in refused(source, send(HEARTBEAT, token=token), 401, "unauthorized")


def test_a_revoked_token_is_refused_at_once(source, author):
    token = make_token(author)
    accounts.revoke_token(token_id=ApiToken.objects.get().pk, actor=author, at=timezone.now())
    assert "revoked" in refused(source, send(HEARTBEAT, token=token), 401, "unauthorized")


def test_the_token_of_a_locked_out_person_is_refused(source, author):
    token = make_token(author)
    User.objects.filter(pk=author.pk).update(is_active=False)
    assert "may not sign in" in refused(source, send(HEARTBEAT, token=token), 401, "unauthorized")


def test_the_token_of_a_person_who_became_a_viewer_is_refused(source, author):
    token = make_token(author)
    User.objects.filter(pk=author.pk).update(role="viewer")
    assert "may not do this any more" in refused(source, send(HEARTBEAT, token=token), 403, "forbidden")


def test_a_paused_and_a_polled_source_take_no_reports(author):
    token = make_token(author)
    push_source(is_enabled=False)
    make_source(slug="prom")
    for slug, word in (("ci", "paused"), ("prom", "polled")):
        response = send(f"sources/{slug}/heartbeat", token=token)
        assert response.status_code == 409
        assert word in error_of(response)["message"]


def test_too_many_requests_are_told_to_wait(source, author, settings):
    settings.API_PER_MINUTE = 2
    token, other = make_token(author), make_token(author)
    at = timezone.now()
    answers = [send(HEARTBEAT, token=token) for _ in range(3 if at.second < 55 else 6)]
    response = answers[-1]
    assert response.status_code == 429
    assert error_of(response)["code"] == "rate_limited"
    assert 1 <= int(response["Retry-After"]) <= 60
    assert send(HEARTBEAT, token=other).status_code == 200


def test_without_a_cache_reports_are_taken(source, author, monkeypatch):
    def broken(*_, **__):
        raise ConnectionError

    monkeypatch.setattr("apps.api.throttling.cache.add", broken)
    assert send(HEARTBEAT, token=make_token(author)).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_another_method_is_answered_in_the_one_shape(source, author, method):
    headers = {"Authorization": f"Bearer {make_token(author)}"}
    response = getattr(Client(), method)(f"/api/v1/{HEARTBEAT}", headers=headers)
    refused(source, response, 405, "method_not_allowed")
    assert response["Allow"] == "POST"


@pytest.mark.parametrize("path", ["", "nothing", "sources/ci/nothing", "sources/CI no/heartbeat"])
def test_an_address_that_is_none_is_answered_in_the_one_shape(db, path):
    response = send(path)
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_a_mistake_of_our_own_says_nothing_of_it(source, author, monkeypatch, caplog):
    def broken(**_):
        raise RuntimeError("the secret recipe")

    monkeypatch.setattr(storing, "store_push", broken)
    response = send(HEARTBEAT, token=make_token(author))
    message = refused(source, response, 500, "internal")
    assert "recipe" not in message
    assert "the secret recipe" in caplog.text


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_above_the_cap_is_refused_before_it_is_read(async_rf, announced):
    request = async_rf.post("/", data=b"x" * (MOST_BYTES + 1), content_type="application/json")
    if not announced:
        del request.META["CONTENT_LENGTH"]
    response = for_machines(lambda request: read_body(request))(request)
    assert (response.status_code, error_of(response)["code"]) == (413, "too_large")


def test_a_body_at_the_cap_is_read_whole(rf):
    assert len(read_body(rf.post("/", data=b"x" * MOST_BYTES, content_type="application/json"))) == MOST_BYTES


def test_no_token_is_written_into_a_log(source, author, outsider, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    tokens = [make_token(author), make_token(author, "read"), make_token(author, sources=["x"]), "opsp_" + "x" * 43]
    for token in tokens:
        send(HEARTBEAT, token=token)
    monkeypatch.setattr(storing, "store_push", lambda **_: 1 / 0)
    send(HEARTBEAT, token=tokens[0])
    assert "ZeroDivisionError" in caplog.text
    assert not [token for token in tokens if token in caplog.text]


def test_how_a_source_is_doing_can_be_read(source, author):
    token = make_token(author, "read", "push:runs")
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/sources/ci", headers=headers).json()["status"] == "unknown"
    send(HEARTBEAT, token=token)
    answer = Client().get("/api/v1/sources/ci", headers=headers).json()
    assert (answer["slug"], answer["status"]) == ("ci", "fresh")
    assert answer["last_heard_at"] == SourceState.objects.get(source=source).last_success_at.isoformat()
