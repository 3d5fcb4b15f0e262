"""What changed before an alert: told once, after the alarm, and never for the price of the alarm."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.urls import reverse

from apps.events.models import Event
from apps.incidents.models import Explanation
from apps.incidents.services import explaining
from apps.monitors.models import Alert
from tests.factories import make_source
from tests.incidents.world import a_change

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(feature, at):
    return make_alert(feature=feature, opened_at=at - timedelta(minutes=3))


def make_alert(**fields):
    source = make_source()
    return Alert.objects.create(
        **{"source": source, "external_id": f"a-{source.pk}", "name": "AnswersMissing", "state": "firing",
           "severity": "page", "last_seen_at": fields["opened_at"]} | fields
    )  # fmt: skip


def patiently(at):
    """A look every minute, as long as the portal is patient."""
    return sum(explaining.explain_alerts(at=at + timedelta(minutes=minute)) for minute in range(4))


def told():
    return Event.objects.filter(kind="monitors:alert:explained")


def test_the_suspects_are_kept_and_told_once_with_chance_and_link(alert, incident, at, settings):
    settings.PUBLIC_URL = "https://ops.example.com"
    change = a_change(incident, at=alert.opened_at - timedelta(minutes=2), title="Reranker switched on")
    patiently(at)
    assert explaining.explain_alerts(at=at + timedelta(minutes=9)) == 0
    event = told().get()
    (suspect,) = event.data["suspects"]
    assert suspect["title"] == "Reranker switched on"
    assert 0 < suspect["chance"] <= 1
    assert suspect["url"] == f"https://ops.example.com{change.get_absolute_url()}"
    assert (event.subject_kind, event.subject_id, event.feature_id) == ("alert", alert.pk, alert.feature_id)
    assert "Reranker switched on" in event.detail


def test_at_most_three_are_told(alert, incident, at):
    for number in range(5):
        a_change(incident, at=alert.opened_at - timedelta(minutes=number + 1), title=f"Flag {number}")
    patiently(at)
    assert len(Explanation.objects.get(alert=alert).suspects) == 3


def test_two_workers_tell_it_once(alert, at):
    later = at + explaining.PATIENCE
    assert [explaining.explain(alert=alert, at=when) for when in (at, later, later)] == [False, True, False]
    assert told().count() == 1


def test_a_convincing_answer_is_told_at_once_and_stays(alert, at, monkeypatch):
    monkeypatch.setattr(explaining, "_ranked", lambda _alert, at: (f"As of {at:%H:%M}", (), True))
    assert explaining.explain_alerts(at=at) == 1
    assert patiently(at) == 0
    assert Explanation.objects.get().sentence == f"As of {at:%H:%M}"


def test_an_alert_that_ends_meanwhile_is_told_all_the_same(alert, at):
    explaining.explain_alerts(at=at)
    Alert.objects.update(state="resolved", resolved_at=at)
    assert patiently(at) == 1


@pytest.mark.parametrize(
    "fields", [{"state": "pending"}, {"feature": None}, {"hours": 2}], ids=["pending", "placed nowhere", "old"]
)
def test_what_is_no_news_of_a_feature_is_not_explained(feature, at, fields):
    hours = fields.pop("hours", 0)
    make_alert(**{"feature": feature, "opened_at": at - timedelta(hours=hours)} | fields)
    assert explaining.explain_alerts(at=at) == 0


def test_a_ranking_that_takes_too_long_is_given_up(alert, at, monkeypatch):
    def slow(**_):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(explaining, "suspects_of_alert", slow)
    assert patiently(at) == 1
    assert Explanation.objects.get().sentence == explaining.TOO_SLOW
    assert explaining.explain_alerts(at=at + timedelta(minutes=9)) == 0


def test_a_turn_ends_with_its_budget(alert, feature, at, monkeypatch):
    make_alert(feature=feature, opened_at=at)
    monkeypatch.setattr(explaining, "BUDGET", -1.0)
    assert explaining.explain_alerts(at=at) == 0


def test_the_page_of_the_alert_shows_them(signed_in, outsider, alert, incident, at):
    reader, address = signed_in(outsider), reverse("incidents:alert-suspects", args=[alert.pk])
    assert "It is worked out in the background" in reader.get(address).content.decode()
    a_change(incident, at=alert.opened_at - timedelta(minutes=2), title="Reranker switched on")
    patiently(at)
    page = reader.get(address).content.decode()
    assert "Reranker switched on" in page
    assert f"?feature=search&amp;title={alert.name}" in page
    assert reader.post(address).status_code == 405
    assert reader.get(reverse("incidents:alert-suspects", args=[0])).status_code == 404
