"""Whoever may hear no more is found in the one query that asks for all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from apps.accounts.services import change_user, end_sessions, set_password
from apps.portal.readers import Reader, still_standing

pytestmark = pytest.mark.django_db


def _reader(user) -> Reader:
    client = Client()
    client.force_login(user)
    return Reader(user.pk, client.session.session_key, user.get_session_auth_hash())


def test_all_are_asked_for_in_one_query(author, outsider, admin, django_assert_num_queries) -> None:
    readers = {_reader(user) for user in (author, author, outsider, admin)}
    assert len(readers) == 4
    with django_assert_num_queries(1):
        assert still_standing(readers) == readers


@pytest.mark.parametrize(
    "deed",
    [
        lambda user, admin: Session.objects.exclude(pk="").delete(),
        lambda user, admin: Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)),
        lambda user, admin: change_user(actor=admin, user_id=user.pk, is_active=False),
        lambda user, admin: change_user(actor=admin, user_id=user.pk, role="engineer"),
        lambda user, admin: set_password(user=user, password="battery staple correct", actor=admin),
        lambda user, admin: end_sessions(user=user, actor=admin),
        lambda user, admin: user.delete(),
    ],
    ids=["signed out", "expired", "account closed", "role changed", "new password", "sessions ended", "deleted"],
)
def test_a_reader_whose_rights_ended_is_not_among_them(outsider, admin, deed) -> None:
    reader = _reader(outsider)
    assert still_standing([reader]) == {reader}
    deed(outsider, admin)
    assert still_standing([reader]) == set()


def test_a_session_speaks_for_its_own_person_only(author, outsider) -> None:
    reader = _reader(outsider)
    assert still_standing([reader._replace(user_id=author.pk)]) == set()
    assert still_standing([reader._replace(session_key="another")]) == set()
