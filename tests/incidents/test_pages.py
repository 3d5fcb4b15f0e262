"""Pages of incidents: who may do what on them, and that each of them opens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.incidents import services
from apps.incidents.models import Incident, Verdict
from tests.incidents.world import a_change

pytestmark = pytest.mark.django_db

READS = ["incident-detail", "suspects", "timeline", "review"]
WRITES = {
    "incident-move": {"to": "identified"},
    "incident-acknowledge": {},
    "incident-role": {"role-role": "scribe"},
    "incident-entry": {"entry-text": "Seen in the chart", "entry-kind": "finding"},
    "incident-update": {"update-text": "We know the cause."},
    "incident-verdict": {"suspect": "event-1", "verdict": "cause"},
    "review-text": {"text": "# Review", "version": "0"},
    "action-add": {"action-title": "Alert sooner"},
}


def url(name: str, incident: Incident) -> str:
    return reverse(f"incidents:{name}", args=[incident.pk])


@pytest.mark.parametrize("name", READS)
def test_everybody_reads(signed_in, outsider, incident, name):
    response = signed_in(outsider).get(url(name, incident))
    assert response.status_code == 200
    assert "It was the cause" not in response.content.decode()


@pytest.mark.parametrize("name", ["incident-list", "status-page", "as-of", "open-now"])
def test_the_other_pages_open(signed_in, outsider, incident, name):
    assert signed_in(outsider).get(reverse(f"incidents:{name}")).status_code == 200


@pytest.mark.parametrize("name", WRITES)
def test_viewers_write_nothing(signed_in, outsider, incident, name):
    before = (incident.entries.count(), incident.updates.count(), incident.duties.count())
    assert signed_in(outsider).post(url(name, incident), WRITES[name]).status_code == 403
    assert (incident.entries.count(), incident.updates.count(), incident.duties.count()) == before


@pytest.mark.parametrize("name", WRITES)
def test_looking_changes_nothing(signed_in, author, incident, name):
    assert signed_in(author).get(url(name, incident)).status_code == 405


@pytest.mark.parametrize("name", WRITES)
def test_the_commander_does_all_of_it(signed_in, author, approver, incident, name):
    asked = WRITES[name] | ({"role-to": approver.pk} if name == "incident-role" else {})
    assert signed_in(author).post(url(name, incident), asked).status_code == 302


def test_another_engineer_does_not_lead(signed_in, incident, django_user_model):
    other = django_user_model.objects.create_user("other", password="correct horse battery", role="engineer")
    client = signed_in(other)
    assert client.post(url("incident-move", incident), {"to": "resolved"}).status_code == 403
    assert client.get(url("incident-change", incident)).status_code == 403
    assert client.post(url("incident-entry", incident), WRITES["incident-entry"]).status_code == 302
    assert Incident.objects.get().state == "investigating"
    assert incident.entries.get().text == "Seen in the chart"


def test_an_incident_is_declared_on_its_page(signed_in, author, feature):
    form = {
        "title": "Slow",
        "features": [feature.pk],
        "severity": "sev2",
        "kind": "degradation",
        "visibility": "internal",
    }
    response = signed_in(author).post(reverse("incidents:incident-declare"), form)
    assert response.status_code == 302
    assert Incident.objects.get().duties.get().user == author


def test_the_form_says_what_is_missing(signed_in, author, feature):
    response = signed_in(author).post(reverse("incidents:incident-declare"), {"title": ""})
    assert response.status_code == 422
    assert "is needed" in response.content.decode()


def test_viewers_declare_nothing(signed_in, outsider):
    assert signed_in(outsider).get(reverse("incidents:incident-declare")).status_code == 403


def test_a_verdict_is_given_beside_the_suspect(signed_in, author, incident, at):
    a_change(incident, at=incident.impact_started_at - timedelta(minutes=3), title="Reranker switched on")
    client = signed_in(author)
    page = client.get(url("suspects", incident)).content.decode()
    assert "Reranker switched on" in page
    key = page.partition('id="suspect-')[2].partition('"')[0]
    client.post(url("incident-verdict", incident), {"suspect": key, "verdict": "cause", "note": "seen"})
    verdict = Verdict.objects.get()
    assert (verdict.kind, verdict.verdict, verdict.rank) == ("config", "cause", 1)
    assert "The cause" in client.get(url("suspects", incident)).content.decode()


def test_the_review_begins_with_the_record_and_is_saved_as_one_types(signed_in, author, incident):
    client = signed_in(author)
    page = client.get(url("review", incident) + "?edit=1").content.decode()
    assert "## What made it possible" in page
    saved = client.post(url("review-text", incident), {"text": "# Mine", "version": 0}, HTTP_HX_REQUEST="true")
    assert 'name="version" value="1"' in saved.content.decode()
    late = client.post(url("review-text", incident), {"text": "# Late", "version": 0}, HTTP_HX_REQUEST="true")
    assert late.status_code == 409
    assert "# Mine" in late.content.decode()
    plain = client.post(url("review-text", incident), {"text": "# Late", "version": 0})
    assert plain.status_code == 409
    assert "# Late" in plain.content.decode()


def test_a_review_shows_no_markup_of_its_own(signed_in, author, incident, at):
    text = "# Title\n<script>alert(1)</script> [x](javascript:alert(1))"
    services.save_review(incident_id=incident.pk, text=text, version=0, actor=author, at=at)
    page = signed_in(author).get(url("review", incident)).content.decode()
    assert "<script>alert(1)" not in page
    assert 'href="javascript' not in page


@pytest.mark.parametrize("kind", ["md", "json", "csv"])
def test_it_is_exported(signed_in, outsider, incident, author, at, kind):
    services.add_entry(incident_id=incident.pk, actor=author, at=at, text="=cmd()")
    response = signed_in(outsider).get(reverse("incidents:export", args=[incident.pk, kind]))
    assert response.status_code == 200
    body = response.content.decode()
    assert ("'=cmd()" if kind == "csv" else "Answers cite the wrong documents") in body


def test_an_unknown_export_is_not_there(signed_in, outsider, incident):
    assert signed_in(outsider).get(reverse("incidents:export", args=[incident.pk, "exe"])).status_code == 404


@pytest.mark.parametrize("at", ["", "nonsense", "2026-11-01T14:05", "2026-11-01T14:05:00Z", "9999-12-31T00:00"])
def test_any_moment_in_the_address_is_answered(signed_in, outsider, at):
    assert signed_in(outsider).get(reverse("incidents:as-of") + f"?at={at}").status_code == 200


def test_what_responders_keep_is_not_on_the_status_page(signed_in, outsider, incident):
    page = reverse("incidents:status-page")
    assert incident.title in signed_in(outsider).get(page).content.decode()
    Incident.objects.update(visibility="responders")
    assert incident.title not in signed_in(outsider).get(page).content.decode()
