"""Drafts out of the ledger: once, joined when they are the same, confirmed or dismissed by people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.catalog.models import Dependency
from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.incidents import services
from apps.incidents.models import Incident
from apps.incidents.services.drafting import draft_from_events
from tests.factories import make_component, make_environment, make_feature

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


def news(kind, at, **where):
    record_events(events=[NewEvent(kind=kind, at=at, title="Something happened", **where)])
    return Event.objects.order_by("-pk")[0]


@pytest.mark.parametrize(("is_production", "drafted"), [(True, 1), (False, 0)])
def test_a_rollback_drafts_only_in_production(feature, at, is_production, drafted):
    place = make_environment(is_production=is_production)
    event = news("deployments:deployment:rolled-back", at, feature_id=feature.pk, environment_id=place.pk)
    assert draft_from_events(events=[event], at=at) == drafted
    assert list(Incident.objects.values_list("severity", flat=True)) == ["sev3"] * drafted


def test_a_rollback_after_the_end_belongs_to_the_incident_that_it_ended(feature, incident, author, at):
    services.move(incident_id=incident.pk, to="resolved", actor=author, at=at)
    place = make_environment(is_production=True)
    event = news("deployments:deployment:rolled-back", at, feature_id=feature.pk, environment_id=place.pk)
    assert draft_from_events(events=[event], at=at) == 0
    entry = incident.entries.get(event_id=event.pk)
    assert (entry.kind, entry.is_pinned) == ("action", True)


@pytest.mark.parametrize(("is_critical", "drafted"), [(True, 1), (False, 0)])
def test_a_missed_run_of_a_critical_pipeline_drafts(feature, at, is_critical, drafted):
    part = make_component(kind="pipeline", feature=feature, is_critical=is_critical)
    event = news("pipelines:punctuality:missed", at, feature_id=feature.pk, component_id=part.pk)
    assert draft_from_events(events=[event], at=at) == drafted
    assert list(Incident.objects.values_list("kind", flat=True)) == ["data"] * drafted


def test_a_shared_critical_pipeline_hurts_every_feature_that_needs_it(feature, at):
    shared = make_component(kind="pipeline", is_critical=True)
    for one in (feature, make_feature(name="Another")):
        Dependency.objects.create(consumer=make_component(feature=one), provider=shared)
    events = [news("pipelines:punctuality:missed", at, component_id=shared.pk) for _ in range(2)]
    assert draft_from_events(events=events, at=at) == 1
    found = Incident.objects.get()
    assert {one.name for one in found.features.all()} == {"Search Answers", "Another"}
    assert found.entries.count() == 2


def test_a_missed_run_that_nobody_needs_drafts_nothing(at):
    part = make_component(kind="pipeline", is_critical=True)
    assert draft_from_events(events=[news("pipelines:punctuality:missed", at, component_id=part.pk)], at=at) == 0


def test_a_spent_error_budget_joins_the_alert_that_told_of_its_burn(feature, at):
    events = [an_alert(feature, at), news("monitors:slo:exhausted", at, feature_id=feature.pk)]
    assert draft_from_events(events=events, at=at) == 1
    assert Incident.objects.get().entries.count() == 2


def test_a_spent_error_budget_alone_drafts(feature, at):
    event = news("monitors:slo:exhausted", at, feature_id=feature.pk)
    assert draft_from_events(events=[event], at=at) == 1


def test_the_end_of_its_alert_and_the_recovery_are_noted_on_the_incident(feature, at):
    alert = {"subject_kind": "alert", "subject_id": 5, "feature_id": feature.pk}
    opened = news("monitors:alert:opened", at, data={"severity": "page"}, **alert)
    others = news("monitors:alert:resolved", at, **(alert | {"subject_id": 6}))
    ended = news("monitors:alert:resolved", at, **alert)
    recovered = news("health:feature:recovered", at, feature_id=feature.pk)
    assert draft_from_events(events=[opened, others, ended, recovered, ended], at=at) == 1
    noted = Incident.objects.get().entries.filter(kind="recovery")
    assert set(noted.values_list("event_id", flat=True)) == {ended.pk, recovered.pk}


def test_a_recovery_alone_drafts_nothing(feature, at):
    assert draft_from_events(events=[news("health:feature:recovered", at, feature_id=feature.pk)], at=at) == 0
    assert not Incident.objects.exists()


def test_a_draft_is_called_after_what_people_notice(feature, at):
    event = an_alert(feature, at, title="SlowAnswers is firing: The slowest 5% wait 4.1 s")
    draft_from_events(events=[event], at=at)
    assert Incident.objects.get().title == "The slowest 5% wait 4.1 s"
