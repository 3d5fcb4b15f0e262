"""Drafts out of the ledger: once, joined when they are the same, confirmed or dismissed by people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.incidents import services
from apps.incidents.models import Incident
from apps.incidents.services.drafting import draft_from_events
from tests.factories import make_feature

pytestmark = pytest.mark.django_db


def an_alert(feature, at, severity="page", title="Errors are high", kind="monitors:alert:opened"):
    record_events(events=[NewEvent(kind=kind, at=at, title=title, feature_id=feature.pk, data={"severity": severity})])
    return Event.objects.order_by("-pk")[0]


def test_an_alert_that_pages_becomes_a_draft(feature, at):
    assert draft_from_events(events=[an_alert(feature, at)], at=at) == 1
    found = Incident.objects.get()
    assert (found.state, found.severity, found.declared_by) == ("draft", "sev2", "OpsPortal")
    assert found.entries.get().text == "Errors are high"
    assert not found.duties.exists()


@pytest.mark.parametrize(("severity", "minutes"), [("ticket", 0), ("page", 90)])
def test_small_and_old_news_make_no_draft(feature, at, severity, minutes):
    event = an_alert(feature, at - timedelta(minutes=minutes), severity)
    assert draft_from_events(events=[event], at=at) == 0
    assert not Incident.objects.exists()


def test_the_same_trouble_joins_the_draft(feature, at):
    events = [an_alert(feature, at), an_alert(feature, at, title="Waits are long"), an_alert(make_feature(), at)]
    assert draft_from_events(events=events, at=at) == 2
    assert draft_from_events(events=events, at=at) == 0
    assert [one.entries.count() for one in Incident.objects.order_by("pk")] == [2, 1]


def test_news_of_an_open_incident_join_it(feature, incident, at):
    assert draft_from_events(events=[an_alert(feature, at)], at=at) == 0
    assert incident.entries.get().kind == "symptom"


def test_a_fall_of_the_feature_is_an_outage(feature, at):
    event = an_alert(feature, at, kind="health:feature:down", title="Search Answers is down")
    assert draft_from_events(events=[event], at=at) == 1
    assert Incident.objects.get().kind == "outage"


def test_a_person_confirms_or_dismisses_it(feature, author, at):
    draft_from_events(events=[an_alert(feature, at)], at=at)
    found = Incident.objects.get()
    services.move(incident_id=found.pk, to="investigating", actor=author, at=at)
    assert found.duties.get().user == author
    assert Event.objects.order_by("-pk")[0].kind == "incidents:incident:declared"


def test_after_a_dismissal_the_same_feature_may_have_a_new_draft(feature, author, at):
    draft_from_events(events=[an_alert(feature, at)], at=at)
    services.move(incident_id=Incident.objects.get().pk, to="dismissed", actor=author, at=at)
    assert draft_from_events(events=[an_alert(feature, at)], at=at) == 1
