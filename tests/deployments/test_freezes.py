from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from time_machine import travel

from apps.accounts.models import AuditEntry
from apps.connectors.records import DeploymentState
from apps.deployments import services
from apps.deployments.models import Deployment, Freeze
from apps.events.models import Event
from apps.events.services import record_events
from apps.sources.mapping import Mapper
from tests.deployments.test_deployment_upserts import NOW, a_deployment, hours_ago
from tests.factories import make_component, make_environment, make_feature, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def feature():
    found = make_feature(name="Search Answers", slug="search")
    make_component(slug="retrieval-api", feature=found)
    return found


@pytest.fixture
def production(feature):
    return make_environment(slug="production", name="Production", rank=2, is_production=True)


@pytest.fixture
def plan(author):
    def make(**fields) -> Freeze:
        defaults = {
            "name": "Holidays",
            "reason": "nobody is here",
            "starts_at": hours_ago(4),
            "ends_at": NOW + timedelta(days=1),
            "features": [],
            "environments": [],
        }
        return services.plan_freeze(actor=author, at=hours_ago(6), **defaults | fields)

    return make


@pytest.fixture
def tell(production):
    source = make_source()

    def store(*records):
        stored = services.upsert_deployments(source=source, records=records, mapper=Mapper(source), at=NOW)
        record_events(events=stored.events)
        return [event.kind for event in stored.events]

    return store


def test_a_deployment_inside_a_freeze_is_marked_and_told(tell, plan):
    freeze = plan()
    assert "deployments:freeze:broken" in tell(a_deployment("2.40", 2))
    assert Deployment.objects.get().frozen_by == freeze
    assert Event.objects.get(kind="deployments:freeze:broken").title.endswith("inside the freeze “Holidays”")


@pytest.mark.parametrize("hours", [5, 4.01])
def test_what_began_before_the_freeze_is_no_breach(tell, plan, hours):
    plan()
    tell(a_deployment("2.40", hours))
    assert Deployment.objects.get().frozen_by is None


def test_a_freeze_that_was_planned_later_marks_nothing(tell, plan, author):
    freeze = plan()
    Freeze.objects.filter(pk=freeze.pk).update(created_at=hours_ago(1))
    tell(a_deployment("2.40", 2))
    assert Deployment.objects.get().frozen_by is None


def test_a_freeze_of_another_feature_or_environment_marks_nothing(tell, plan):
    plan(features=[make_feature()])
    plan(environments=[make_environment(slug="staging")])
    tell(a_deployment("2.40", 2))
    assert Deployment.objects.get().frozen_by is None


def test_the_news_of_a_breach_comes_once(tell, plan, feature, production):
    plan(features=[feature], environments=[production])
    tell(a_deployment("2.40", 2, state=DeploymentState.RUNNING, updated_at=hours_ago(2)))
    tell(a_deployment("2.40", 2))
    assert Event.objects.filter(kind="deployments:freeze:broken").count() == 1


def test_a_lifted_freeze_marks_nothing_more(tell, plan, author):
    freeze = plan()
    services.lift_freeze(freeze_id=freeze.pk, actor=author, reason="urgent fix", at=hours_ago(3))
    with pytest.raises(services.FreezeError, match="lifted this freeze already"):
        services.lift_freeze(freeze_id=freeze.pk, actor=author, reason="again", at=NOW)
    tell(a_deployment("2.40", 2))
    assert Deployment.objects.get().frozen_by is None
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["freeze:plan", "freeze:lift"]


def test_a_freeze_that_is_over_cannot_be_lifted(plan, author):
    freeze = plan(ends_at=hours_ago(1))
    with pytest.raises(services.FreezeError, match="is over"):
        services.lift_freeze(freeze_id=freeze.pk, actor=author, reason="late", at=NOW)


@pytest.fixture
def client_of_an_engineer(signed_in, author):
    return signed_in(author)


def a_form(**fields) -> dict:
    return {
        "name": "Weekends",
        "reason": "nobody watches",
        "rhythm": "weekly",
        "time_zone": "Europe/Berlin",
        "starts_at": "2026-11-20T00:00",
        "ends_at": "",
        "first_day": "4",
        "first_time": "16:00",
        "last_day": "0",
        "last_time": "08:00",
    } | fields


def test_the_form_plans_a_weekly_freeze_by_the_clock_of_its_zone(client_of_an_engineer, production):
    answer = client_of_an_engineer.post(
        reverse("deployments:freeze-plan"), a_form(environments=[production.pk], rhythm="weekly")
    )
    assert answer.status_code == 302
    freeze = Freeze.objects.get()
    assert freeze.rhythm == "Friday 16:00 to Monday 08:00, Europe/Berlin"
    assert freeze.starts_at.isoformat() == "2026-11-19T23:00:00+00:00"
    assert freeze.who_for == "every feature in Production"
    assert "Friday 16:00" in client_of_an_engineer.get(freeze.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"rhythm": "once"}, "A freeze that comes once needs an end."),
        ({"ends_at": "2026-11-19T00:00"}, "This is not after the beginning."),
        ({"first_time": ""}, "A weekly freeze needs this time."),
        ({"time_zone": "Mars"}, "is not a time zone"),
        ({"starts_at": "soon"}, "Write a day and a time such as"),
        ({"reason": ""}, "is needed"),
    ],
)
def test_the_form_says_what_is_wrong(client_of_an_engineer, fields, sentence):
    answer = client_of_an_engineer.post(reverse("deployments:freeze-plan"), a_form(**fields))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Freeze.objects.exists()


def test_a_freeze_is_lifted_on_its_page(client_of_an_engineer, plan):
    with travel(NOW, tick=False):
        freeze = plan()
        url = reverse("deployments:freeze-lift", args=[freeze.pk])
        assert client_of_an_engineer.post(url, {"reason": "urgent fix"}).status_code == 302
        assert "urgent fix" in client_of_an_engineer.get(freeze.get_absolute_url()).content.decode()


def test_the_calendar_lays_deployments_beside_freezes(client_of_an_engineer, tell, plan):
    plan()
    tell(*(a_deployment(f"2.{n}", 2 + n / 100) for n in range(15)))
    html = client_of_an_engineer.get(reverse("deployments:calendar") + "?week=2026-11-26").content.decode()
    assert "15 deployments" in html
    assert "All 15 of this day" in html
    assert "Holidays" in html
    assert "inside a freeze" in html


@pytest.mark.parametrize("week", ["", "nonsense", "9999-12-31", "0001-01-01", "2026-W48"])
def test_any_week_in_the_address_is_answered(client_of_an_engineer, week):
    assert client_of_an_engineer.get(reverse("deployments:calendar") + f"?week={week}").status_code == 200


def test_pages_cost_the_same_with_many_rows(client_of_an_engineer, tell, plan, django_assert_num_queries):
    pages = {"calendar": 5, "freeze-list": 3}
    client_of_an_engineer.get(reverse("deployments:calendar"))
    for times in range(2):
        for n in range(1 + 9 * times):
            plan(name=f"Freeze {times} {n}")
            tell(*(a_deployment(f"{times}.{n}.{m}", 2 + n / 10) for m in range(3)))
        for name, number in pages.items():
            with django_assert_num_queries(number + 1):
                client_of_an_engineer.get(reverse(f"deployments:{name}") + ("?week=2026-11-24" * (name == "calendar")))


def test_only_engineers_plan(signed_in, outsider):
    client = signed_in(outsider)
    assert client.get(reverse("deployments:freeze-plan")).status_code == 403
    assert "Plan a freeze</a>" not in client.get(reverse("deployments:freeze-list")).content.decode()
