"""Mail about incidents: to whom it belongs, once, and no longer than they want it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from apps.events.models import Event
from apps.incidents import services
from apps.notifications import following
from apps.notifications.letters import OWED, TOLD, WAITS, send_letters, write_letters, write_letters_about
from apps.notifications.models import Follower, Letter, MailPlace
from tests.factories import make_feature

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _with_mail(settings):
    settings.IS_MAIL_SET = True
    settings.PUBLIC_URL = "https://ops.example.com"


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def feature():
    return make_feature(slug="search", name="Search Answers")


@pytest.fixture
def reader(outsider):
    outsider.email = "reader@example.com"
    outsider.save()
    return outsider


@pytest.fixture
def commander(author):
    author.email = "author@example.com"
    author.save()
    return author


def declare(feature, actor, at, **said):
    draft = services.Declaration(title="Answers cite the wrong documents", features=[feature], **said)
    return services.declare(draft=draft, actor=actor, at=at)


def letters_of(events, at):
    """As the reader of the ledger would write them; a test's transaction is never settled."""
    return sum(write_letters_about(event=event, at=at) for event in events if event.kind in TOLD | OWED)


@pytest.mark.parametrize("follows", ["the feature", "everything"])
def test_followers_are_mailed_what_everybody_is_told(feature, reader, commander, at, follows):
    following.follow(user=reader, feature=feature if follows == "the feature" else None, at=at)
    incident = declare(feature, commander, at)
    services.post_update(incident_id=incident.pk, actor=commander, at=at, text="We take the change back.")
    assert letters_of(Event.objects.order_by("pk"), at) == 2
    assert send_letters(at=at) == 2
    assert send_letters(at=at) == 0
    assert {tuple(one.to) for one in mail.outbox} == {("reader@example.com",)}
    assert any("We take the change back." in one.body for one in mail.outbox)
    assert all(f"https://ops.example.com/incidents/{incident.pk}/" in one.body for one in mail.outbox)
    assert all("https://ops.example.com/notifications/updates/" in one.body for one in mail.outbox)


def test_who_follows_another_feature_or_stopped_gets_nothing(feature, reader, commander, at):
    following.follow(user=reader, feature=make_feature(), at=at)
    following.follow(user=reader, feature=feature, at=at)
    following.unfollow(user=reader, feature=feature)
    declare(feature, commander, at)
    assert letters_of(Event.objects.all(), at) == 0


def test_what_is_not_on_the_status_page_is_not_mailed(feature, reader, commander, at):
    following.follow(user=reader, feature=None, at=at)
    declare(feature, commander, at, visibility="responders")
    assert letters_of(Event.objects.all(), at) == 0


def test_the_commander_is_mailed_that_an_update_is_overdue(feature, commander, at):
    declare(feature, commander, at - timedelta(hours=5))
    assert services.remind(at=at) == 1
    assert letters_of(Event.objects.all(), at) == 1
    assert Letter.objects.get().user == commander


def test_the_owner_is_mailed_once_a_day_that_an_action_is_due(feature, reader, commander, at):
    incident = declare(feature, commander, at)
    item = services.add_action(
        incident_id=incident.pk, actor=commander, at=at, title="Alert sooner", owner=reader, due_on=at.date()
    )
    days = [at, at + timedelta(minutes=5), at + timedelta(days=1), at + timedelta(days=2)]
    assert [services.remind_of_actions(at=day) for day in days] == [1, 0, 1, 1]
    services.change_action(action_id=item.pk, actor=commander, at=at, state="done")
    assert services.remind_of_actions(at=at + timedelta(days=3)) == 0
    assert letters_of(Event.objects.all(), at) == 3
    assert {one.user for one in Letter.objects.all()} == {reader}
    assert "is due today" in Event.objects.filter(kind="incidents:action:due").earliest("pk").title


def test_without_a_mail_server_nothing_is_written(feature, reader, commander, at, settings):
    settings.IS_MAIL_SET = False
    following.follow(user=reader, feature=None, at=at)
    declare(feature, commander, at)
    assert letters_of(Event.objects.all(), at) == 0


def test_a_letter_that_fails_waits_longer_each_time_and_is_given_up(feature, reader, commander, at, monkeypatch):
    def refuse(_self):
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    following.follow(user=reader, feature=None, at=at)
    declare(feature, commander, at)
    letters_of(Event.objects.all(), at)
    for wait in WAITS:
        assert send_letters(at=at) == 0
        letter = Letter.objects.get()
        assert letter.next_try_at == at + wait
        assert "nobody listens" in letter.error
        at += wait
    send_letters(at=at)
    assert Letter.objects.get().next_try_at is None


def test_the_first_reading_begins_at_the_end(feature, reader, commander, at):
    following.follow(user=reader, feature=None, at=at)
    declare(feature, commander, at)
    assert write_letters(at=at) == 0
    assert MailPlace.objects.count() == 1


def test_everybody_decides_for_themselves(signed_in, reader, feature):
    client, address = signed_in(reader), reverse("notifications:follow")
    assert "Mail me updates" in client.get(f"{address}?feature=search").content.decode()
    client.post(address, {"feature": "search", "to": "on"})
    client.post(address, {"feature": "search", "to": "on"})
    assert Follower.objects.get().user == reader
    assert "Search Answers" in client.get(reverse("notifications:updates")).content.decode()
    client.post(address, {"feature": "search", "to": "off"})
    assert not Follower.objects.exists()
    assert client.post(address, {"feature": "no-such", "to": "on"}).status_code == 404
    assert client.post(reverse("notifications:updates")).status_code == 405


def test_strangers_follow_nothing(client, feature):
    assert client.post(reverse("notifications:follow"), {"feature": "search", "to": "on"}).status_code == 302
    assert not Follower.objects.exists()
