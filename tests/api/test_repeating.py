"""The same request again is answered again and stored once, whatever breaks in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client

from apps.accounts.models import ApiToken
from apps.api import repeating, storing
from apps.api.models import KeptAnswer
from apps.api.repeating import tidy_answers
from apps.api.tasks import forget_answers
from apps.pipelines.models import Run
from apps.sources import queries
from apps.sources.models import Poll, Source, SourceState
from apps.sync import pushing
from tests.api.asking import error_of, make_token, push_source, send

BODY = {"items": [{"external_id": "r1", "pipeline": "nightly", "state": "running"}]}
PATH = "sources/ci/runs"


@pytest.fixture(autouse=True)
def _fresh_minute():
    cache.clear()


@pytest.fixture
def token(author):
    push_source()
    return make_token(author)


def again(token, body=BODY, key="k1", path=PATH):
    return send(path, body, token=token, **{"Idempotency-Key": key})


def test_the_same_request_again_gets_the_first_answer(token):
    first, second = again(token), again(token)
    assert first.json() == second.json()
    assert second.json()["results"][0]["status"] == "stored"
    assert (first.status_code, second.status_code) == (200, 200)
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Poll.objects.get().requests == 1


def test_a_partly_refused_answer_is_kept_as_well(token):
    body = {"items": [*BODY["items"], {"external_id": "r2"}]}
    first, second = again(token, body), again(token, body)
    assert first.status_code == second.status_code == 207
    assert first.json() == second.json()


@pytest.mark.parametrize(
    ("path", "body"),
    [(PATH, {"items": [BODY["items"][0] | {"state": "failed"}]}), ("sources/ci/alerts", BODY)],
    ids=["body", "address"],
)
def test_the_same_key_with_another_request_is_refused(token, path, body):
    again(token)
    response = again(token, body, path=path)
    assert (response.status_code, error_of(response)["code"]) == (422, "key_reused")
    assert Run.objects.get().state == "running"


def test_another_key_and_another_token_are_requests_of_their_own(token, author):
    again(token)
    assert again(token, key="k2").json()["results"][0]["status"] == "unchanged"
    assert again(make_token(author)).json()["results"][0]["status"] == "unchanged"
    assert Poll.objects.get().requests == 3


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "käse\x7f"])
def test_a_key_that_cannot_be_one_is_refused(token, key):
    response = again(token, key=key)
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_key")
    assert not Run.objects.exists()


def test_a_refusal_of_the_whole_request_is_not_kept(token):
    Source.objects.update(is_enabled=False)
    assert again(token).status_code == 409
    assert not KeptAnswer.objects.exists()
    Source.objects.update(is_enabled=True)
    assert again(token).status_code == 200


def test_when_storing_breaks_off_neither_records_nor_answer_are_there(token, monkeypatch):
    real = storing.answer_of

    def broken(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(storing, "answer_of", broken)
    assert again(token).status_code == 500
    assert not Run.objects.exists()
    assert not KeptAnswer.objects.exists()
    monkeypatch.setattr(storing, "answer_of", real)
    assert again(token).json()["results"][0]["status"] == "stored"


def test_an_answer_is_forgotten_after_a_day(token):
    again(token)
    KeptAnswer.objects.update(at=queries.database_time() - timedelta(hours=25))
    assert again(token).json()["results"][0]["status"] == "unchanged"
    assert KeptAnswer.objects.count() == 1


def test_old_answers_are_tidied_and_young_ones_stay(token):
    again(token)
    again(token, key="k2")
    KeptAnswer.objects.filter(key="k1").update(at=queries.database_time() - timedelta(hours=25))
    assert forget_answers() == "1 answers forgotten"
    assert tidy_answers(at=queries.database_time()) == 0
    assert KeptAnswer.objects.get().key == "k2"


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_key_one_stores_and_all_get_its_answer(token):
    barrier, answers = threading.Barrier(6), []

    def ask():
        barrier.wait()
        answers.append(again(token))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert Poll.objects.get().requests == 1


@contextmanager
def held(hold: Callable[[], object]) -> Iterator[None]:
    """Something else does `hold` in a transaction that stays open meanwhile."""
    holding, done = threading.Event(), threading.Event()

    def work():
        with transaction.atomic():
            hold()
            holding.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    holding.wait(30)
    try:
        yield
    finally:
        done.set()
        thread.join(30)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_held_for_too_long_says_so(token, monkeypatch):
    monkeypatch.setattr(repeating, "limit_waiting", _impatient)
    values = {"token": ApiToken.objects.get(), "key": "k1", "digest": "x", "at": queries.database_time()}
    with held(lambda: KeptAnswer.objects.create(**values)):
        response = again(token)
    assert (response.status_code, error_of(response)["code"]) == (409, "in_progress")
    assert response["Retry-After"] == "2"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}], ids=["without a key", "with a key"])
def test_a_source_that_is_busy_for_too_long_says_so(token, monkeypatch, headers):
    monkeypatch.setattr(pushing, "limit_waiting", _impatient)
    with held(lambda: SourceState.objects.select_for_update().get()):
        response = send(PATH, BODY, token=token, **headers)
    assert (response.status_code, error_of(response)["code"]) == (503, "busy")
    assert response["Retry-After"] == "2"
    assert not KeptAnswer.objects.exists()
    assert send(PATH, BODY, token=token, **headers).json()["counts"]["stored"] == 1


def _impatient():
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '300ms', true)")
    return queries.database_time()


@pytest.mark.django_db(transaction=True)
def test_many_reports_at_once_about_one_source_are_all_stored(token):
    barrier, answers = threading.Barrier(4), []

    def ask(number):
        barrier.wait()
        item = BODY["items"][0] | {"external_id": f"r{number}"}
        answers.append(send(PATH, {"items": [item]}, token=token, client=Client()))
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert Run.objects.count() == 4
    assert Poll.objects.get().requests == 4
