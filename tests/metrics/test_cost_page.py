"""What features cost, the budgets people set, and the price of a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.urls import reverse
from time_machine import travel

from apps.accounts.models import AuditEntry
from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.metrics import queries, services
from apps.metrics.models import Budget, Series
from apps.metrics.queries.costs import daily_costs
from tests.factories import make_feature
from tests.metrics.factories import make_series

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def spend(feature, *, measure: str = "cost_rate", usual: float = 4.0, growth_at: int = 0, grown: float = 1.0, **fields):
    """Forty days of an hourly rate, every half hour, `grown` times as much since `growth_at` days ago."""
    dice = np.random.default_rng(len(measure))
    times = [NOW - timedelta(minutes=30 * n) for n in range(40 * 48)]
    values = [
        usual * float(np.exp(dice.normal(0, 0.05))) * (grown if at >= NOW - growth_at * DAY else 1.0) for at in times
    ]
    unit = "eur" if measure == "cost_rate" else "/s"
    made = make_series(
        feature=feature, measure=measure, unit=unit, samples=list(zip(times, values, strict=True)), **fields
    )
    services.roll_up_hours(at=NOW)
    return made


def moved(feature, *, days: float, title: str = "answer prompt v14") -> None:
    record_events(events=[
        NewEvent(kind="prompts:label:moved", at=NOW - days * DAY, title=title, is_change=True, feature_id=feature.pk)
    ])  # fmt: skip


def set_budget(feature, actor, amount: float | None) -> bool:
    return services.set_budget(feature_id=feature.pk, amount=amount, unit="eur", actor=actor, at=NOW)


def test_days_cost_what_their_samples_say() -> None:
    series = spend(make_feature())
    series.refresh_from_db()
    days = daily_costs(series=[series], at=NOW)[series.pk]
    assert days[-1].on == NOW.date()
    assert days[-1].cost == pytest.approx(4.0 * 12, rel=0.05)
    assert days[-2].cost == pytest.approx(4.0 * 24, rel=0.05)
    before_rolling = days
    Series.objects.update(rolled_until=None)
    series.refresh_from_db()
    again = daily_costs(series=[series], at=NOW)[series.pk]
    assert [day.cost for day in again] == pytest.approx([day.cost for day in before_rolling])


@travel(NOW, tick=False)
def test_a_budget_is_measured_against_the_end_of_the_month(author) -> None:
    feature = make_feature()
    spend(feature)
    set_budget(feature, author, 2000.0)
    [row] = queries.cost_rows(at=NOW)
    assert row.so_far == pytest.approx(4.0 * 24 * 19.5, rel=0.02)
    assert row.forecast.total == pytest.approx(4.0 * 24 * 30, rel=0.02)
    assert row.forecast.crosses_on == datetime(2026, 11, 21, tzinfo=UTC).date()
    assert (row.tone, row.missing_days) == ("is-bad", 0)


@travel(NOW, tick=False)
def test_days_without_numbers_are_told() -> None:
    feature = make_feature()
    make_series(feature=feature, measure="cost_rate", unit="eur", samples=[(NOW - DAY, 3.0), (NOW - 5 * DAY, 3.0)])
    [row] = queries.cost_rows(at=NOW)
    assert row.missing_days == 17
    assert row.forecast is None


@travel(NOW, tick=False)
def test_a_prompt_that_makes_answers_dearer_is_named_with_its_price() -> None:
    feature = make_feature()
    spend(feature, growth_at=5, grown=1.5)
    spend(feature, measure="requests_rate", usual=2.0)
    moved(feature, days=5)
    moved(feature, days=12, title="search-api 2.40")
    changes, unclear = queries.priced_changes(feature_id=feature.pk, at=NOW)
    assert [one.marker.title for one in changes] == ["answer prompt v14"]
    assert unclear == 1
    assert changes[0].added == pytest.approx(2.0 * 730.5, rel=0.15)
    assert changes[0].low < 2.0 * 730.5 < changes[0].high


@travel(NOW, tick=False)
def test_more_traffic_is_no_price_of_a_change() -> None:
    feature = make_feature()
    spend(feature, growth_at=5, grown=1.5)
    spend(feature, measure="requests_rate", usual=2.0, growth_at=5, grown=1.5)
    moved(feature, days=5)
    assert queries.priced_changes(feature_id=feature.pk, at=NOW) == ([], 1)


@travel(NOW, tick=False)
def test_the_page_shows_course_parts_prices_and_budget(signed_in, outsider, author) -> None:
    feature = make_feature(slug="search", name="Search Answers")
    spend(feature, growth_at=5, grown=1.5)
    for model, usual in (("large", 3.0), ("small", 1.0)):
        spend(feature, usual=usual, is_primary=False, labels={"model": model})
    moved(feature, days=5)
    set_budget(feature, author, 100_000.0)
    reader = signed_in(outsider)
    page = reader.get(reverse("metrics:cost") + "?feature=search").content.decode()
    assert "answer prompt v14" in page
    assert page.index("large") < page.index("small")
    assert "not this month" in page
    assert "The pace changed for good around" in page
    assert "Set a budget" not in page
    assert "Nobody sends the cost by prompt version" in page
    assert "Search Answers" in reader.get(reverse("metrics:cost")).content.decode()


@pytest.mark.parametrize("query", ["", "?feature=nothing"])
def test_without_numbers_the_page_says_what_to_send(signed_in, outsider, query) -> None:
    page = signed_in(outsider).get(reverse("metrics:cost") + query).content.decode()
    assert "cost_rate" in page


@travel(NOW, tick=False)
def test_the_list_takes_the_same_queries_for_any_number_of_features(signed_in, outsider, django_assert_num_queries):
    spend(make_feature())
    reader = signed_in(outsider)
    reader.get(reverse("metrics:cost"))
    for _ in range(3):
        spend(make_feature())
    with django_assert_num_queries(4):
        assert reader.get(reverse("metrics:cost")).status_code == 200


def test_a_budget_leaves_one_event_and_one_audit_row(author) -> None:
    feature = make_feature(name="Search Answers")
    assert set_budget(feature, author, 1900.0)
    assert not set_budget(feature, author, 1900.0)
    assert Budget.objects.get().set_by == str(author)
    assert [event.title for event in Event.objects.filter(kind="metrics:budget:set")] == [
        "Search Answers may cost €1,900 a month"
    ]
    assert AuditEntry.objects.filter(action="budget:set").count() == 1
    assert set_budget(feature, author, None)
    assert not Budget.objects.exists()
    assert Event.objects.order_by("-pk")[0].title == "Search Answers has no budget any more"


def test_engineers_set_a_budget(signed_in, author) -> None:
    feature = make_feature(slug="search")
    path = reverse("metrics:budget", args=["search"])
    writer = signed_in(author)
    assert writer.get(path).status_code == 200
    assert writer.post(path, {"amount": "-3", "unit": "eur"}).status_code == 422
    assert writer.post(path, {"amount": "1900", "unit": "eur"}).status_code == 302
    assert Budget.objects.get().amount == 1900.0
    assert writer.post(path, {"amount": "", "unit": "eur"}).status_code == 302
    assert not Budget.objects.filter(feature=feature).exists()


def test_those_who_only_look_set_none(signed_in, outsider, client) -> None:
    make_feature(slug="search")
    path = reverse("metrics:budget", args=["search"])
    assert client.post(path, {"amount": "5", "unit": "eur"}).status_code == 302
    assert signed_in(outsider).post(path, {"amount": "5", "unit": "eur"}).status_code == 403
    assert signed_in(outsider).get(path).status_code == 403
    assert not Budget.objects.exists()


def test_the_cost_page_only_shows(signed_in, outsider) -> None:
    assert signed_in(outsider).post(reverse("metrics:cost")).status_code == 405


def test_a_budget_needs_the_currency_of_the_numbers(signed_in, author) -> None:
    feature = make_feature(slug="search")
    make_series(feature=feature, measure="cost_rate", unit="usd", samples=[(NOW, 1.0)])
    path = reverse("metrics:budget", args=["search"])
    assert signed_in(author).post(path, {"amount": "5", "unit": "eur"}).status_code == 422
