from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry
from apps.catalog.models import Environment
from apps.deployments import services
from apps.deployments.models import ChangeFailure
from apps.deployments.status import LinkState
from apps.events.models import Event
from apps.events.services import record_events
from apps.prompts import services as prompts
from apps.sources.mapping import Mapper
from tests.api.asking import error_of, make_token
from tests.deployments.test_deployment_upserts import a_deployment
from tests.factories import make_component, make_environment, make_feature, make_source, make_team

pytestmark = pytest.mark.django_db
URL = "/deployments/dora/"


def ago(hours: float):
    return timezone.now() - timedelta(hours=hours)


@pytest.fixture
def feature():
    return make_feature(name="Search Answers", slug="search", team=make_team(slug="finders", name="Finders"))


@pytest.fixture
def deploy(feature):
    """Store deployments of the component `api` into production as a poll would."""
    make_component(slug="retrieval-api", feature=feature)
    make_environment(slug="production", name="Production", rank=2, is_production=True)
    make_environment(slug="staging", name="Staging", rank=1)
    source = make_source()

    def store(reference: str, hours: float, **fields):
        times = {"started_at": ago(hours), "finished_at": ago(hours), "updated_at": ago(hours)}
        record = a_deployment(reference, hours, **times | fields)
        stored = services.upsert_deployments(source=source, records=[record], mapper=Mapper(source), at=timezone.now())
        record_events(events=stored.events)

    return store


def event(kind: str, hours: float, feature, **fields) -> Event:
    defaults = {"title": kind, "feature": feature, "subject_kind": "alert", "subject_id": 7}
    return Event.objects.create(kind=kind, at=ago(hours), **defaults | fields)


@pytest.fixture
def failed(deploy, feature):
    deploy("2.40", 5)
    event("monitors:alert:opened", 4.7, feature, title="SlowAnswers is firing")
    event("monitors:alert:resolved", 4.2, feature)
    change = Event.objects.get(kind="deployments:deployment:succeeded")
    return change, Event.objects.get(kind="monitors:alert:opened")


def answer(client, query="") -> dict:
    return json.loads(client.get(f"{URL}?format=json{query}").content)


def test_an_alert_soon_after_a_deployment_makes_it_a_failure(signed_in, outsider, failed):
    client = signed_in(outsider)
    told = answer(client)
    assert told["measures"]["change_failure_rate"] == {"rate": 1.0, "failed": 1, "of": 1}
    assert round(told["measures"]["failed_deployment_recovery_time"]["median_seconds"]) == 1800
    html = client.get(URL).content.decode()
    assert "SlowAnswers is firing" in html
    assert "within 1 hour after" in html
    assert "Confirm" not in html  # a viewer only looks


def test_the_bound_is_in_the_address(signed_in, outsider, failed):
    client = signed_in(outsider)
    assert answer(client, "&within=15")["measures"]["change_failure_rate"]["failed"] == 0
    assert "within 15 minutes after" in client.get(f"{URL}?within=15").content.decode()


def test_what_is_cut_no_longer_counts_and_can_be_confirmed_again(signed_in, author, failed):
    client, (change, cause) = signed_in(author), failed
    url = reverse("deployments:link-decide", args=[change.pk, cause.pk])
    response = client.post(url, {"state": "cut", "next": f"{URL}?period=7", "reason": "The load test did it."})
    assert response["Location"] == f"{URL}?period=7"
    assert answer(client)["measures"]["change_failure_rate"]["failed"] == 0
    assert Event.objects.get(kind="deployments:failure:cut").actor == str(author)
    client.post(url, {"state": "confirmed"})
    assert answer(client, "&within=15")["measures"]["change_failure_rate"]["failed"] == 1
    assert Event.objects.filter(kind="deployments:failure:confirmed").count() == 1
    assert AuditEntry.objects.filter(action__startswith="failure:").count() == 2
    client.post(url, {"state": "confirmed"})
    assert Event.objects.filter(kind="deployments:failure:confirmed").count() == 1


def test_only_those_who_work_on_it_decide(signed_in, outsider, failed):
    url = reverse("deployments:link-decide", args=[failed[0].pk, failed[1].pk])
    client = signed_in(outsider)
    assert client.post(url, {"state": "cut"}).status_code == 403
    assert client.get(url).status_code == 405
    assert not ChangeFailure.objects.exists()


@pytest.mark.parametrize("state", ["inferred", "nonsense", ""])
def test_a_link_is_only_confirmed_or_cut(signed_in, author, failed, state):
    url = reverse("deployments:link-decide", args=[failed[0].pk, failed[1].pk])
    response = signed_in(author).post(url, {"state": state, "next": "https://evil.example/"})
    assert response["Location"] == URL
    assert not ChangeFailure.objects.exists()


def test_events_that_are_no_change_and_trouble_are_refused(signed_in, author, failed):
    change, cause = failed
    for pair in ((cause.pk, change.pk), (change.pk, change.pk), (change.pk, 10**9), (10**9, cause.pk)):
        signed_in(author).post(reverse("deployments:link-decide", args=pair), {"state": "cut"})
    assert not ChangeFailure.objects.exists()


def test_a_rollback_makes_what_it_undoes_a_failure(signed_in, outsider, deploy):
    deploy("2.39", 9)
    deploy("2.40", 5)
    deploy("2.39", 4.5, external_id="back")
    told = answer(signed_in(outsider))
    assert (told["measures"]["changes"], told["measures"]["rollbacks"]) == (2, 1)
    assert told["measures"]["change_failure_rate"]["failed"] == 1
    assert round(told["measures"]["failed_deployment_recovery_time"]["median_seconds"]) == 1800
    assert told["measures"]["rework_rate"]["rework"] == 1


def test_lead_time_counts_from_the_commit_or_the_first_deployment_anywhere(signed_in, outsider, deploy):
    deploy("2.39", 5, environment="staging", external_id="staged")
    deploy("2.39", 3)
    deploy("2.40", 2, labels={"committed_at": ago(6).isoformat()})
    deploy("2.41", 1)
    deploy("2.42", 0.5, labels={"committed_at": "last tuesday"})
    told = answer(signed_in(outsider))
    leads = {row["title"].split()[1]: row["lead_seconds"] for row in told["changes"]}
    assert {name: lead and round(lead / 3600, 1) for name, lead in leads.items()} == {
        "2.39": 2.0, "2.40": 4.0, "2.41": None, "2.42": None,
    }  # fmt: skip
    assert told["measures"]["lead_time_for_changes"]["unknown"] == 2


def test_moved_labels_and_reported_configuration_are_changes_too(signed_in, outsider, feature):
    made = {"is_change": True, "subject_kind": "prompt_label", "subject_id": 3}
    event("prompts:label:moved", 5, feature, data={"to": 3, "created_at": ago(29).isoformat()}, **made)
    event("prompts:label:moved", 4.5, feature, data={"to": 2, "is_rollback": True}, **made)
    event("source:change:reported", 3, feature, data={"what": "flag"}, is_change=True, subject_kind="source")
    event("source:change:reported", 2, feature, data={"what": "release"}, is_change=True, subject_kind="source")
    told = answer(signed_in(outsider))
    kinds = {group["name"]: group for group in told["by_kind"]}
    assert {name: group["changes"] for name, group in kinds.items()} == {
        "Prompts": 1, "Models, indexes, configuration": 1,
    }  # fmt: skip
    assert kinds["Prompts"]["change_failure_rate"]["failed"] == 1
    assert round(kinds["Prompts"]["lead_time_for_changes"]["median_seconds"]) == 24 * 3600
    only = answer(signed_in(outsider), "&what=prompt")
    assert {row["what"] for row in only["changes"]} == {"prompt"}


def test_a_label_that_moves_says_when_its_version_was_made(feature):
    from tests.prompts.records import NOW, a_label, a_prompt, a_version

    source = make_source(connector="mlflow")
    prompts.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=NOW)
    for number in (1, 2):
        prompts.upsert_versions(source=source, records=[a_version(number)], at=NOW)
        stored = prompts.upsert_labels(source=source, records=[a_label(number)], at=NOW + timedelta(hours=number))
    assert stored.events[0].data["created_at"]
    assert stored.events[0].data["is_rollback"] is False


def test_health_that_falls_and_recovers_is_one_trouble(signed_in, outsider, deploy, feature):
    deploy("2.40", 5)
    of_feature = {"subject_kind": "feature", "subject_id": feature.pk}
    event("health:feature:degraded", 4.8, feature, **of_feature)
    event("health:feature:down", 4.6, feature, **of_feature)
    event("health:feature:recovered", 4.3, feature, **of_feature)
    told = answer(signed_in(outsider))
    assert told["changes"][0]["failures"] == "health:feature:degraded (inferred)"
    assert round(told["changes"][0]["recovery_seconds"]) == 1800


def test_apps_above_add_links_that_people_may_overrule(signed_in, outsider, author, deploy):
    deploy("2.40", 50)
    change = Event.objects.get(kind="deployments:deployment:succeeded")
    told = {
        "change_id": change.pk, "reference": "incident-7", "title": "Answers are wrong", "url": "/incidents/7/",
        "began_at": ago(40), "ended_at": None, "actor": "Ada", "at": timezone.now(),
    }  # fmt: skip
    services.link_incident(state=LinkState.INFERRED, **told)
    client = signed_in(outsider)
    assert answer(client)["measures"]["failed_deployment_recovery_time"]["unknown"] == 1
    assert "Answers are wrong" in client.get(URL).content.decode()
    services.link_incident(state=LinkState.CUT, user=author, **told)
    ended_at = ago(39)
    services.link_incident(state=LinkState.CONFIRMED, **told | {"ended_at": ended_at})
    row = ChangeFailure.objects.get()
    assert (row.state, row.ended_at) == (LinkState.CUT, ended_at)
    assert answer(client)["measures"]["change_failure_rate"]["failed"] == 0
    with pytest.raises(services.LinkError):
        services.link_incident(state=LinkState.CONFIRMED, **told | {"change_id": 10**9})


def test_what_is_not_in_production_counts_only_when_asked_for(signed_in, outsider, deploy):
    deploy("2.40", 5, environment="staging")
    client = signed_in(outsider)
    assert "Nothing went live in this time" in client.get(URL).content.decode()
    assert answer(client, "&where=everywhere")["measures"]["changes"] == 1


def test_an_alert_in_staging_is_no_failure_of_a_change_in_production(signed_in, outsider, deploy, feature):
    deploy("2.40", 5)
    event("monitors:alert:opened", 4.7, feature, environment=Environment.objects.get(slug="staging"))
    assert answer(signed_in(outsider))["measures"]["change_failure_rate"]["failed"] == 0


def test_team_and_feature_narrow_what_counts(signed_in, outsider, failed):
    client = signed_in(outsider)
    assert answer(client, "&team=finders&feature=search")["measures"]["changes"] == 1
    assert answer(client, "&team=nobody")["measures"]["changes"] == 0


def test_the_export_opens_in_a_spreadsheet(signed_in, outsider, failed):
    body = signed_in(outsider).get(f"{URL}?format=csv").content.decode("utf-8-sig")
    heads, row = list(csv.reader(io.StringIO(body)))
    assert dict(zip(heads, row, strict=True))["Failures after it"] == "SlowAnswers is firing (inferred)"


def test_the_page_costs_the_same_for_one_change_and_for_many(
    signed_in, outsider, deploy, django_assert_max_num_queries
):
    client = signed_in(outsider)
    deploy("1", 30)
    client.get(URL)
    for _ in range(2):
        with django_assert_max_num_queries(12):
            client.get(URL)
        for number in range(12):
            deploy(f"2.{number}", 20 - number)


def test_machines_ask_with_a_token(client, author, failed):
    headers = {"Authorization": f"Bearer {make_token(author, 'read')}"}
    told = client.get("/api/v1/dora?feature=search&within=240", headers=headers).json()
    assert told["measures"]["change_failure_rate"]["failed"] == 1
    assert "changes" not in told
    assert client.get("/api/v1/dora?changes=true", headers=headers).json()["changes"][0]["feature"] == "search"
    assert error_of(client.get("/api/v1/dora?feature=nowhere", headers=headers))["code"] == "not_found"
    assert error_of(client.get("/api/v1/dora?period=12", headers=headers))["code"] == "invalid"
    assert client.get("/api/v1/dora").status_code == 401
