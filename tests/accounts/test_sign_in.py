"""Coming and going: who gets in, how often a wrong guess is possible, and when a session ends."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import services
from apps.accounts.idle import IDLE_LIMIT, NOTED_FOR, was_idle
from apps.accounts.models import AuditEntry, SignInAttempt, User

PASSWORD = "correct horse battery"
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SIGN_IN = "/account/sign-in/"


@pytest.fixture
def hash_checks(monkeypatch):
    """A list that grows by one with every hash that is computed."""
    counted = []
    original = MD5PasswordHasher.encode

    def encode(self, password, salt):
        counted.append(salt)
        return original(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    return counted


def attempt(username="author", password="wrong", *, at=AT, address="192.0.2.7"):
    return services.check_password(username=username, password=password, address=address, at=at)


def test_the_right_password_opens_the_portal(client, author):
    response = client.post(SIGN_IN, {"username": "author", "password": PASSWORD})
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert client.session["_auth_user_id"] == str(author.pk)
    assert AuditEntry.objects.get(action="session:start").actor == author


def test_a_wrong_password_gets_one_sentence_and_no_session(client, author):
    response = client.post(SIGN_IN, {"username": "author", "password": "guess"})
    assert response.status_code == 422
    assert "do not belong together" in response.content.decode()
    assert "_auth_user_id" not in client.session
    assert not AuditEntry.objects.filter(action="session:start").exists()


def test_an_unknown_name_gets_the_same_sentence_and_costs_a_hash_too(client, db, hash_checks):
    response = client.post(SIGN_IN, {"username": "nobody", "password": "guess"})
    assert response.status_code == 422
    assert "do not belong together" in response.content.decode()
    assert len(hash_checks) == 1


def test_a_locked_out_person_does_not_get_in(client, author):
    User.objects.filter(pk=author.pk).update(is_active=False)
    assert client.post(SIGN_IN, {"username": "author", "password": PASSWORD}).status_code == 422


def test_empty_boxes_cost_no_attempt(client, author):
    response = client.post(SIGN_IN, {"username": "author", "password": ""})
    assert response.status_code == 422
    assert "Give your user name and your password" in response.content.decode()
    assert not SignInAttempt.objects.exists()


def test_the_sixth_wrong_guess_is_refused_before_any_hash(client, author, hash_checks):
    for _ in range(5):
        assert client.post(SIGN_IN, {"username": "author", "password": "guess"}).status_code == 422
    hash_checks.clear()
    response = client.post(SIGN_IN, {"username": "author", "password": PASSWORD})
    assert response.status_code == 429
    assert "Too many wrong attempts. Wait 5 minutes, then try again." in response.content.decode()
    assert response["Retry-After"] == "300"
    assert not hash_checks


def test_no_five_minutes_hold_more_than_five_guesses(author):
    for second in (0, 100, 200, 290, 299):
        attempt(at=AT + timedelta(seconds=second))
    with pytest.raises(services.TooManyAttemptsError) as refusal:
        attempt(at=AT + timedelta(seconds=299.5))
    assert refusal.value.minutes == 1
    assert attempt(at=AT + timedelta(seconds=301)) is None  # the first one is older than the window now
    with pytest.raises(services.TooManyAttemptsError):
        attempt(at=AT + timedelta(seconds=302))


def test_a_refused_attempt_does_not_prolong_the_wait(author):
    for _ in range(5):
        attempt()
    for second in range(1, 290, 10):
        with pytest.raises(services.TooManyAttemptsError):
            attempt(at=AT + timedelta(seconds=second))
    assert attempt(password=PASSWORD, at=AT + timedelta(seconds=301)) == author


def test_success_gives_the_attempts_back(author):
    for _ in range(4):
        attempt()
    assert attempt(password=PASSWORD) == author
    assert not SignInAttempt.objects.filter(key__startswith="user:").exists()
    for _ in range(5):
        assert attempt() is None


def test_spellings_of_one_name_share_a_counter(author):
    for name in ("author", "AUTHOR", "Author", "ａｕｔｈｏｒ", "aUthor"):
        attempt(name)
    with pytest.raises(services.TooManyAttemptsError):
        attempt("author")


def test_one_address_has_fifty_guesses_over_all_names(db):
    for n in range(50):
        attempt(f"name-{n}", address="2001:db8::1")
    with pytest.raises(services.TooManyAttemptsError):
        attempt("another", address="2001:db8::ffff")  # the same /64
    assert not SignInAttempt.objects.filter(key=services.sign_in._name_key("another")).exists()
    assert attempt("another", address="2001:db8:0:1::1") is None


def test_what_somebody_typed_as_a_name_is_not_kept_in_clear(db):
    attempt("my secret password")
    assert not SignInAttempt.objects.filter(key__icontains="secret").exists()


def test_old_counters_are_forgotten_at_the_next_good_sign_in(author):
    attempt("somebody", at=AT - timedelta(hours=1))
    attempt(password=PASSWORD)
    assert not SignInAttempt.objects.filter(last_at__lt=AT).exists()


@pytest.mark.django_db(transaction=True)
def test_forty_guesses_at_once_compute_five_hashes_at_most(author, hash_checks):
    barrier = threading.Barrier(40)
    codes = []

    def guess(n):
        client = Client(REMOTE_ADDR=f"192.0.2.{n}")
        barrier.wait()
        try:
            codes.append(client.post(SIGN_IN, {"username": "author", "password": f"guess {n}"}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(codes) == 40
    assert codes.count(422) == 5
    assert codes.count(429) == 35
    assert len(hash_checks) == 5


def test_next_leads_back_to_a_page_of_the_portal(client, author):
    response = client.post(f"{SIGN_IN}?next=/catalog/", {"username": "author", "password": PASSWORD})
    assert response["Location"] == "/catalog/"


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"])
def test_next_leads_nowhere_else(client, author, evil):
    response = client.post(SIGN_IN, {"username": "author", "password": PASSWORD, "next": evil})
    assert response["Location"] == "/"


def test_who_is_signed_in_already_does_not_see_the_form(signed_in, author):
    assert signed_in(author).get(f"{SIGN_IN}?next=/catalog/")["Location"] == "/catalog/"


def test_signing_in_changes_the_session_key(client, author):
    client.get(SIGN_IN)
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    client.cookies["opsportal_session"] = before
    client.post(SIGN_IN, {"username": "author", "password": PASSWORD})
    assert client.session.session_key != before


def test_the_form_is_refused_without_its_token(author):
    client = Client(enforce_csrf_checks=True)
    assert client.post(SIGN_IN, {"username": "author", "password": PASSWORD}).status_code == 403


def test_signing_out_ends_the_session_on_the_server(signed_in, author):
    client = signed_in(author)
    cookie = client.cookies["opsportal_session"].value
    response = client.post("/account/sign-out/")
    assert response["Location"] == reverse("accounts:sign-in")
    assert AuditEntry.objects.get(action="session:end").actor == author
    client.cookies["opsportal_session"] = cookie
    assert client.get("/account/profile/").status_code == 302


def test_a_link_cannot_sign_anybody_out(signed_in, author):
    client = signed_in(author)
    assert client.get("/account/sign-out/").status_code == 405
    assert client.get("/account/profile/").status_code == 200


def test_a_session_that_nobody_used_for_hours_is_over(signed_in, author):
    client = signed_in(author)
    client.get("/account/profile/")
    long_ago = timezone.now() - IDLE_LIMIT - timedelta(minutes=1)
    cache.set(f"seen:{client.session.session_key}", long_ago.timestamp())
    with time_machine.travel(timezone.now() + NOTED_FOR):
        response = client.get("/account/profile/")
    assert response.status_code == 302
    assert response["Location"].startswith(SIGN_IN)


def test_an_open_page_that_refreshes_itself_does_not_count_as_somebody(db):
    key = "some-session"
    cache.delete(f"seen:{key}")
    assert not was_idle(session_key=key, at=AT, is_person=True)
    assert not was_idle(session_key=key, at=AT + timedelta(hours=7), is_person=False)
    assert was_idle(session_key=key, at=AT + timedelta(hours=8, minutes=1), is_person=False)
    assert was_idle(session_key=key, at=AT + timedelta(hours=8, minutes=1), is_person=True)


def test_somebody_who_keeps_reading_stays_signed_in(db):
    key = "another-session"
    cache.delete(f"seen:{key}")
    for hours in range(0, 24, 6):
        assert not was_idle(session_key=key, at=AT + timedelta(hours=hours), is_person=True)


def test_a_fragment_without_a_session_gets_401_and_the_way_to_sign_in(client, db):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/account/profile/?a=1"}
    response = client.get("/account/profile/", headers=headers)
    assert response.status_code == 401
    assert response["HX-Redirect"] == f"{SIGN_IN}?next=/account/profile/%3Fa%3D1"
