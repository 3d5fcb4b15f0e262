"""Every verb: the outcome, its event, who may, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import AuditEntry
from apps.deployments.failing import ChangeFailure
from apps.evaluations.queries import current_cases
from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.incidents import services
from apps.incidents.models import ActionItem, Duty, Incident, Review
from apps.incidents.queries import cases
from apps.incidents.services.verdicts import Judged
from apps.incidents.status import MOVES, UPDATE_EVERY, IncidentState
from tests.evaluations.suites import make_suite

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def kinds() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_declaring_tells_it_and_makes_the_declarer_commander(incident, author, feature):
    assert incident.state == IncidentState.INVESTIGATING
    assert incident.time_to_detect == timedelta(minutes=40)
    duty = incident.duties.get()
    assert (duty.role, duty.user) == ("commander", author)
    event = Event.objects.get()
    assert (event.kind, event.feature, event.subject_id) == ("incidents:incident:declared", feature, incident.pk)
    assert AuditEntry.objects.get().action == "incident:declare"
    assert incident.snapshot.data["running"] == []


@pytest.mark.parametrize(
    ("clocks", "word"),
    [
        ({"impact_started_at": 0, "detected_at": -5}, "before the impact started"),
        ({"impact_started_at": 60}, "lies in the future"),
        ({"impact_started_at": -60, "resolved_at": -90}, "before the impact started"),
    ],
)
def test_impossible_times_are_refused(author, feature, at, clocks, word):
    said = services.Clocks(**{name: at + minutes * MINUTE for name, minutes in clocks.items()})
    draft = services.Declaration(title="x", features=[feature], clocks=said)
    with pytest.raises(services.IncidentError, match=word):
        services.declare(draft=draft, actor=author, at=at)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("before", list(IncidentState))
@pytest.mark.parametrize("to", list(IncidentState))
def test_every_move_follows_the_table(incident, author, at, before, to):
    Incident.objects.filter(pk=incident.pk).update(state=before)
    if to in MOVES[before]:
        assert services.move(incident_id=incident.pk, to=to, actor=author, at=at).state == to
        return
    with pytest.raises(services.IncidentError):
        services.move(incident_id=incident.pk, to=to, actor=author, at=at)
    assert Incident.objects.get().state == before


def test_resolving_sets_the_clocks_that_nobody_had_set(incident, author, at):
    found = services.move(incident_id=incident.pk, to="resolved", actor=author, at=at, note="rolled back")
    assert found.acknowledged_at == found.mitigated_at == found.resolved_at == at
    assert found.next_update_at is None
    assert kinds()[-1] == "incidents:incident:resolved"
    assert found.entries.get().text == "Resolved: rolled back"


def test_opening_it_again_forgets_the_end(incident, author, at):
    services.move(incident_id=incident.pk, to="resolved", actor=author, at=at)
    found = services.move(incident_id=incident.pk, to="investigating", actor=author, at=at)
    assert found.resolved_at is None
    assert found.next_update_at is not None
    assert kinds()[-1] == "incidents:incident:reopened"


def test_it_is_acknowledged_once(incident, author, at):
    assert services.acknowledge(incident_id=incident.pk, actor=author, at=at).time_to_acknowledge == 20 * MINUTE
    with pytest.raises(services.IncidentError, match="already"):
        services.acknowledge(incident_id=incident.pk, actor=author, at=at)
    assert kinds().count("incidents:incident:acknowledged") == 1


def test_a_hand_over_relieves_the_one_before(incident, author, approver, at):
    services.hand_over(incident_id=incident.pk, role="commander", to=approver, actor=author, at=at)
    before, now = incident.duties.order_by("pk")
    assert (before.user, before.until) == (author, at)
    assert (now.user, now.until) == (approver, None)
    with pytest.raises(services.IncidentError, match="has this role already"):
        services.hand_over(incident_id=incident.pk, role="commander", to=approver, actor=author, at=at)
    assert kinds()[-1] == "incidents:role:given"


def test_the_database_knows_one_commander(incident, approver, at):
    with pytest.raises(IntegrityError), transaction.atomic():
        Duty.objects.create(incident=incident, role="commander", user=approver, name="x", since=at)


def test_a_corrected_entry_keeps_what_it_said(incident, author, approver, at):
    entry = services.add_entry(incident_id=incident.pk, actor=author, at=at, text="v12 went out")
    found = services.change_entry(
        entry_id=entry.pk, actor=approver, at=at, text="v13 went out", happened_at=at - MINUTE, is_pinned=True
    )
    assert (found.text, found.author, found.is_pinned) == ("v13 went out", "Approver", True)
    assert [one["text"] for one in found.before] == ["v12 went out"]
    assert kinds()[-2:] == ["incidents:entry:written"] * 2


def test_an_entry_cannot_end_before_it_begins(incident, author, at):
    with pytest.raises(services.IncidentError):
        services.add_entry(incident_id=incident.pk, actor=author, at=at, text="x", until=at - MINUTE)


def test_an_event_is_pinned_once(incident, author, at):
    event = Event.objects.get()
    first = services.pin_event(incident_id=incident.pk, event_id=event.pk, actor=author, at=at)
    assert services.pin_event(incident_id=incident.pk, event_id=event.pk, actor=author, at=at) == first


def test_an_update_puts_off_the_next_one(incident, author, at):
    services.post_update(incident_id=incident.pk, actor=author, at=at, text="We know the cause.")
    assert Incident.objects.get().next_update_at == at + UPDATE_EVERY[incident.severity]
    assert kinds()[-1] == "incidents:update:posted"


def test_the_reminder_comes_once_when_it_is_time(incident, at):
    later = at + timedelta(hours=5)
    assert services.remind(at=at) == 0
    assert (services.remind(at=later), services.remind(at=later)) == (1, 0)
    assert kinds().count("incidents:update:due") == 1


def test_a_more_severe_incident_asks_for_news_sooner(incident, author, at):
    found = services.change_incident(incident_id=incident.pk, actor=author, at=at, values={"severity": "sev1"})
    assert found.next_update_at == at + timedelta(minutes=30)
    assert kinds()[-1] == "incidents:incident:changed"
    assert AuditEntry.objects.order_by("-pk")[0].after["severity"] == "sev1"


def test_saying_the_same_again_tells_nothing(incident, author, at):
    services.change_incident(incident_id=incident.pk, actor=author, at=at, values={"title": incident.title})
    assert "incidents:incident:changed" not in kinds()


def test_a_verified_action_says_how_its_effect_was_seen(incident, author, at):
    item = services.add_action(incident_id=incident.pk, actor=author, at=at, title="Alert sooner")
    with pytest.raises(services.IncidentError, match="effect"):
        services.change_action(action_id=item.pk, actor=author, at=at, state="verified")
    done = services.change_action(action_id=item.pk, actor=author, at=at, state="verified", effect="paged in 4 min")
    assert (done.done_at, done.verified_by) == (at, "Author")
    with pytest.raises(IntegrityError), transaction.atomic():
        ActionItem.objects.filter(pk=item.pk).update(effect="")


def test_a_save_that_did_not_see_the_last_one_is_refused(incident, author, approver, at):
    services.save_review(incident_id=incident.pk, text="mine", version=0, actor=author, at=at)
    services.save_review(incident_id=incident.pk, text="mine, better", version=1, actor=author, at=at)
    for version in (0, 1, 3):
        with pytest.raises(services.ConflictError, match="Author has saved"):
            services.save_review(incident_id=incident.pk, text="theirs", version=version, actor=approver, at=at)
    assert (Review.objects.get().text, Review.objects.get().version) == ("mine, better", 2)
    assert kinds().count("incidents:review:begun") == 1


def test_a_review_is_done_once_it_is_said(incident, author, at):
    services.save_review(incident_id=incident.pk, text="mine", version=0, actor=author, at=at)
    for _ in range(2):
        services.set_review(incident_id=incident.pk, state="done", owner=author, meeting_at=at, actor=author, at=at)
    assert kinds().count("incidents:review:moved") == 1


def test_what_failed_becomes_a_case_and_a_word_on_the_timeline(incident, author, at):
    suite = make_suite(cases=2)
    wanted = {"suite": suite, "inputs": {"question": "Is it free?"}, "expected": "no", "is_safety": True}
    case = services.add_regression_case(incident_id=incident.pk, actor=author, at=at, **wanted)
    assert (case.origin, case.tags) == (f"incident {incident.pk}", ["safety"])
    assert cases.cases_of(incident=incident) == [case]
    assert case.key in incident.entries.get().text
    assert len(current_cases(suite)) == 3


def test_a_case_that_the_suite_cannot_take_leaves_nothing(incident, author, at):
    suite = make_suite(cases=2)
    with pytest.raises(services.IncidentError):
        services.add_regression_case(
            incident_id=incident.pk, suite=suite, inputs={}, expected="no", is_safety=False, actor=author, at=at
        )
    assert not incident.entries.exists()


def test_only_who_may_change_suites_adds_a_case(signed_in, incident, author, outsider):
    suite = make_suite(cases=2)
    url = f"/incidents/{incident.pk}/case/"
    sent = {"case-suite": suite.pk, "case-inputs": '{"question": "Is it free?"}', "case-expected": "no"}
    assert signed_in(outsider).post(url, sent).status_code == 403
    assert signed_in(author).get(url).status_code == 405
    assert signed_in(author).post(url, {**sent, "case-inputs": "[]"}).status_code == 302
    assert not cases.cases_of(incident=incident)
    assert signed_in(author).post(url, sent).status_code == 302
    page = signed_in(author).get(f"/incidents/{incident.pk}/review/").content.decode()
    assert cases.cases_of(incident=incident)[0].key in page


def test_a_change_that_was_the_cause_counts_as_failed(incident, author, at):
    record_events(events=[NewEvent(kind="source:change:reported", at=at - HOUR, title="k is 5", is_change=True)])
    change = Event.objects.get(kind="source:change:reported")
    judged = Judged(
        key=f"event-{change.pk}", kind="config", title=change.title, at=change.at, component_id=None, rank=1, score=0.9,
        event_id=change.pk,
    )  # fmt: skip
    services.give_verdict(incident_id=incident.pk, suspect=judged, verdict="cause", note="seen", actor=author, at=at)
    link = ChangeFailure.objects.get()
    assert (link.change_id, link.reference, link.state) == (change.pk, f"incident-{incident.pk}", "confirmed")
    services.give_verdict(incident_id=incident.pk, suspect=judged, verdict="cleared", note="", actor=author, at=at)
    assert ChangeFailure.objects.get().state == "cut"
