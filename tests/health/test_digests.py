"""The week goes to whoever wants it, on Monday morning where they are, once, in plain words."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.urls import reverse

from apps.catalog.models import Membership
from apps.events.services import NewEvent, record_events
from apps.health import queries, services
from apps.health.digesting import due_week, status_words, week_before
from apps.health.facts import Status
from apps.health.models import Digest, DigestWish, HealthSpan
from apps.health.strips import Span
from apps.incidents.models import ActionItem, Incident
from apps.metrics.models import Budget
from tests.factories import make_feature, make_team
from tests.metrics.factories import every, make_series

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
SEVEN = datetime(2026, 11, 23, 7, 0, tzinfo=BERLIN)
LAST_WEEK = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def reader(outsider):
    """Somebody in Berlin who wants Search Answers every Monday."""
    outsider.email, outsider.time_zone = "viola@example.com", "Europe/Berlin"
    outsider.save()
    feature = make_feature(name="Search Answers", slug="search-answers")
    services.choose_digest(user=outsider, is_wanted=True, teams=[], features=[feature], at=SEVEN)
    return outsider


@pytest.mark.parametrize(
    ("at", "zone", "due"),
    [
        (SEVEN, BERLIN, MONDAY),
        (SEVEN - timedelta(seconds=1), BERLIN, None),
        (SEVEN + timedelta(hours=47), BERLIN, MONDAY),
        (SEVEN + timedelta(hours=48), BERLIN, None),
        (SEVEN, ZoneInfo("America/Toronto"), None),
        (SEVEN, ZoneInfo("Asia/Tokyo"), MONDAY),
    ],
)
def test_a_digest_is_due_on_monday_morning_where_the_person_is(at, zone, due) -> None:
    assert due_week(at, zone) == due


def test_a_week_ends_on_the_monday_and_bends_with_the_clocks() -> None:
    start, end = week_before(date(2026, 10, 26), BERLIN)
    assert (start.isoformat(), end.isoformat()) == ("2026-10-19T00:00:00+02:00", "2026-10-26T00:00:00+01:00")


def test_the_status_of_a_week_in_words() -> None:
    start, end = week_before(MONDAY, UTC)
    spans = [
        Span(Status.HEALTHY, start - HOUR, start + 90 * HOUR),
        Span(Status.DEGRADED, start + 90 * HOUR, start + 92 * HOUR),
        Span(Status.HEALTHY, start + 92 * HOUR, end + HOUR),
    ]
    assert status_words(spans, start=start, end=end) == "Healthy 98.8% of the time; 2 h degraded"
    assert status_words(spans[:1], start=start, end=end) == "Healthy all of the time"
    assert status_words([], start=start, end=end) == "Nothing is known about this week"


@pytest.mark.django_db
def test_the_mail_tells_the_week_in_text_and_html_with_a_link_that_ends_it(reader, settings) -> None:
    settings.PUBLIC_URL = "https://ops.example.com"
    feature = reader.digest_wish.features.get()
    HealthSpan.objects.create(feature=feature, status="healthy", sentence="", started_at=LAST_WEEK - timedelta(days=9))
    make_series(feature=feature, measure="cost_rate", unit="eur", samples=every(3600, [2.5] * 48, until=LAST_WEEK))
    Budget.objects.create(feature=feature, amount=2000, unit="eur", set_by="ada", set_at=SEVEN)
    clocks = dict.fromkeys(("impact_started_at", "detected_at", "declared_at", "updated_at"), LAST_WEEK)
    incident = Incident.objects.create(title="Slow & <b>bad</b> answers", declared_by="ada", severity="sev2", **clocks)
    incident.features.add(feature)
    ActionItem.objects.create(incident=incident, title="Cache more", created_at=SEVEN, created_by="ada")
    late = NewEvent(kind="pipelines:punctuality:late", at=LAST_WEEK, title="Nightly is late", feature_id=feature.pk)
    record_events(events=[late, late])
    assert services.send_digests(at=SEVEN) == "1 digests sent, 0 failed"
    [sent] = mail.outbox
    html = sent.alternatives[0][0]
    assert sent.to == ["viola@example.com"]
    assert sent.extra_headers["Message-ID"] == f"<digest-{reader.pk}-20261123@ops.example.com>"
    for text in ("Healthy all of the time", "€420 this week", "Nightly is late (2 times)", "Open action: Cache more"):
        assert text in sent.body
        assert text in html
    assert "Slow & <b>bad</b> answers, severity 2, investigating" in sent.body
    assert "<b>bad" not in html
    assert "https://ops.example.com/features/search-answers/" in sent.body
    assert 'href="https://ops.example.com/incidents/' in html
    assert sent.extra_headers["List-Unsubscribe"].strip("<>") in sent.body


@pytest.mark.django_db
def test_a_digest_is_sent_once_a_week(reader) -> None:
    for later in (0, 1, 30, 2 * 60):
        services.send_digests(at=SEVEN + timedelta(minutes=later))
    assert len(mail.outbox) == 1
    services.send_digests(at=SEVEN + timedelta(days=7))
    assert len(mail.outbox) == 2
    assert Digest.objects.filter(sent_at__isnull=False).count() == 2


@pytest.mark.django_db
def test_a_mail_server_that_refuses_is_asked_again_later_and_not_for_ever(reader, monkeypatch) -> None:
    def refuse(self) -> int:
        raise OSError("450 try later")

    monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
    assert services.send_digests(at=SEVEN) == "0 digests sent, 1 failed"
    assert services.send_digests(at=SEVEN + timedelta(minutes=5)) == "0 digests sent, 0 failed"
    told = [services.send_digests(at=SEVEN + timedelta(minutes=20 * (n + 1))) for n in range(8)]
    assert told.count("0 digests sent, 1 failed") == 4
    assert "450 try later" in Digest.objects.get().problem


@pytest.mark.django_db
def test_nobody_gets_what_they_did_not_ask_for(reader, approver, author) -> None:
    reader.is_active = False
    reader.save()
    approver.email = "a@example.com"
    approver.save()
    services.choose_digest(user=approver, is_wanted=False, teams=[], features=[], at=SEVEN)
    services.choose_digest(user=author, is_wanted=True, teams=[], features=[], at=SEVEN)
    assert services.send_digests(at=SEVEN.astimezone(UTC) + 2 * HOUR) == "0 digests sent, 0 failed"
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(reader) -> None:
    start, told = threading.Barrier(2), []

    def work() -> None:
        start.wait()
        told.append(services.send_digests(at=SEVEN))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sorted(told) == ["0 digests sent, 0 failed", "1 digests sent, 0 failed"]
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_without_a_choice_it_is_what_the_own_teams_own(outsider) -> None:
    mine, other = make_team(), make_team()
    feature = make_feature(team=mine)
    make_feature(team=other)
    make_feature(team=mine, is_retired=True)
    Membership.objects.create(team=mine, user=outsider)
    assert [one.feature for one in queries.week_of(user=outsider, at=SEVEN).features] == [feature]


@pytest.mark.django_db
def test_a_person_chooses_in_the_portal_and_sees_the_same_without_mail(signed_in, outsider) -> None:
    team = make_team(slug="search")
    make_feature(name="Search Answers", team=team)
    client, url = signed_in(outsider), reverse("health:digest")
    assert "no email address" in client.get(url).content.decode()
    answer = client.post(url, {"is_wanted": "on", "teams": ["search"]})
    assert answer.headers["Location"] == url
    assert DigestWish.objects.get().is_wanted
    assert client.post(url, {"teams": ["nobody"]}).status_code == 422
    preview = client.get(reverse("health:digest-preview")).content.decode()
    assert "Search Answers" in preview
    assert "Nothing is known about this week" in preview
    for week in ("2026-11-23", "2026-11-24", "2026-13-01", "soon"):
        assert client.get(reverse("health:digest-preview"), {"week": week}).status_code == 200
    assert not Digest.objects.exists()


@pytest.mark.django_db
def test_a_stranger_may_not_choose(client) -> None:
    assert client.post(reverse("health:digest"), {"is_wanted": "on"}).status_code in (302, 401)
    assert not DigestWish.objects.exists()


@pytest.mark.django_db
def test_the_link_in_the_mail_ends_it_without_signing_in_and_looking_at_it_does_not(reader, client) -> None:
    services.send_digests(at=SEVEN)
    path = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>").partition("8000")[2]
    assert "No more" in client.get(path).content.decode()
    assert DigestWish.objects.get().is_wanted
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not DigestWish.objects.get().is_wanted
    assert client.post(f"{path[:-2]}x/").status_code == 404
