"""API tokens: shown once, kept as a digest, bound to a person, ended by time, by people or with the person."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.accounts import services
from apps.accounts.models import ApiToken, AuditEntry, Role, User
from apps.accounts.permissions import MAY
from apps.accounts.scopes import SCOPES
from apps.accounts.status import TokenState

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
NEW = {"name": "checkout CI", "scopes": ["push:runs", "push:samples"], "sources": "ci, other-ci", "days": "90"}


def make_token(user, **values):
    return services.create_token(**{"user": user, "name": "ci", "scopes": ["push:runs"], "days": 30, "at": AT} | values)


def test_every_scope_names_a_right_that_exists():
    assert {scope.action for scope in SCOPES.values()} <= set(MAY)


def test_a_token_is_shown_once_and_only_its_digest_is_kept(signed_in, author):
    client = signed_in(author)
    response = client.post("/account/tokens/new/", NEW)
    assert "no-store" in response["Cache-Control"]
    text = re.search(r"opsp_[A-Za-z0-9_-]{43}", response.content.decode()).group()
    token = ApiToken.objects.get()
    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert (token.user, token.scopes, token.sources) == (author, ["push:runs", "push:samples"], ["ci", "other-ci"])
    assert text not in client.get("/account/tokens/").content.decode()
    assert text not in str(list(ApiToken.objects.values())) + str(list(AuditEntry.objects.values()))
    assert AuditEntry.objects.get(action="token:create").after["scopes"] == ["push:runs", "push:samples"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": ""}, "Name is needed."),
        ({"scopes": []}, "What it may do is needed."),
        ({"scopes": ["fly"]}, "Select a valid choice"),
        ({"sources": "ci ../x"}, "is not the short name of a source"),
        ({"days": "3650"}, "Select a valid choice"),
    ],
)
def test_a_bad_token_is_refused_with_the_reason(signed_in, author, values, sentence):
    response = signed_in(author).post("/account/tokens/new/", NEW | values)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not ApiToken.objects.exists()


def test_the_form_takes_what_the_page_before_asks_for(signed_in, author):
    page = signed_in(author).get("/account/tokens/new/?source=ci&scope=push:runs&scope=fly").content.decode()
    assert 'value="ci"' in page
    assert page.count(" checked") == 1


@pytest.mark.parametrize("days", [0, 366])
def test_no_token_lives_longer_than_a_year(author, days):
    with pytest.raises(ValueError, match="365"):
        make_token(author, days=days)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.create(
            user=author, name="x", digest="x", scopes=[], created_at=AT, expires_at=AT + timedelta(days=366)
        )


def test_an_unknown_scope_is_refused(author):
    with pytest.raises(ValueError, match="fly"):
        make_token(author, scopes=["fly"])


def test_a_viewer_makes_none_and_sees_only_the_own_ones(signed_in, outsider, author):
    make_token(author, name="secret plan")
    client = signed_in(outsider)
    assert client.get("/account/tokens/new/").status_code == 403
    assert "secret plan" not in client.get("/account/tokens/").content.decode()


def test_an_administrator_sees_and_revokes_everybodys(signed_in, admin, author):
    token, text = make_token(author, name="nightly job")
    client = signed_in(admin)
    assert "nightly job" in client.get("/account/tokens/").content.decode()
    client.post(f"/account/tokens/{token.pk}/revoke/")
    assert AuditEntry.objects.get(action="token:revoke").actor == admin
    with pytest.raises(services.TokenRefusedError, match="revoked"):
        services.check_token(text=text, at=AT)
    answer = client.post(f"/account/tokens/{token.pk}/revoke/", follow=True)
    assert "was revoked before" in answer.content.decode()
    assert AuditEntry.objects.filter(action="token:revoke").count() == 1


def test_nobody_else_revokes_it(signed_in, approver, author):
    token, _ = make_token(author)
    assert signed_in(approver).post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_token_opens_until_it_expires(author):
    token, text = make_token(author)
    assert services.check_token(text=text, at=AT + timedelta(days=29)).pk == token.pk
    with pytest.raises(services.TokenRefusedError, match="expired"):
        services.check_token(text=text, at=AT + timedelta(days=30))
    with pytest.raises(services.TokenRefusedError, match="not known"):
        services.check_token(text=text[:-1], at=AT)


def test_a_token_sleeps_while_its_person_is_locked_out(author):
    token, text = make_token(author)
    User.objects.filter(pk=author.pk).update(is_active=False)
    with pytest.raises(services.TokenRefusedError, match="may not sign in"):
        services.check_token(text=text, at=AT)
    token.refresh_from_db()
    assert token.state_at(AT) == TokenState.ASLEEP


def test_a_token_loses_what_its_persons_role_loses(author):
    token, _ = make_token(author, scopes=["push:runs", "read"])
    assert services.may_use(token=token, scope="push:runs")
    assert not services.may_use(token=token, scope="push:alerts")
    token.user.role = Role.VIEWER
    assert not services.may_use(token=token, scope="push:runs")
    assert services.may_use(token=token, scope="read")


def test_its_use_is_written_once_a_minute(author, django_assert_num_queries):
    token, text = make_token(author)
    services.check_token(text=text, at=AT)
    with django_assert_num_queries(1):
        services.check_token(text=text, at=AT + timedelta(seconds=59))
    services.check_token(text=text, at=AT + timedelta(seconds=60))
    token.refresh_from_db()
    assert token.last_used_at == AT + timedelta(seconds=60)


def test_the_list_can_leave_ended_ones_out(signed_in, author):
    make_token(author, name="long gone", at=AT - timedelta(days=400))
    assert "long gone" in signed_in(author).get("/account/tokens/").content.decode()
    assert "long gone" not in signed_in(author).get("/account/tokens/?ended=1").content.decode()
