"""Error budgets: what is left, how fast it goes, and what people leave out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from apps.events.models import Event
from apps.metrics.models import Sample
from apps.monitors import queries, services
from apps.monitors.models import Slo, SloHour
from apps.monitors.status import SloState
from tests.metrics.factories import make_series

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def at() -> datetime:
    return timezone.now().replace(minute=59, second=0, microsecond=0) - 2 * HOUR


def _slo(at: datetime, values: list[float], objective: float = 90.0, **fields: Any) -> Slo:
    samples = [(at - 10 * MINUTE * (len(values) - 1 - row), value) for row, value in enumerate(values)]
    series = make_series(samples=samples)
    return services.create_slo(
        actor=None, at=at, name="Fast", series=series, limit=2.0, objective=objective, days=7, **fields
    )


def test_the_budget_is_what_good_samples_leave(at: datetime) -> None:
    slo = _slo(at, [1.0] * 95 + [3.0] * 5)
    assert (slo.good, slo.total) == (95, 100)
    assert slo.budget_left == pytest.approx(0.5)
    assert slo.state == SloState.WITHIN  # the last hour is all bad, but the day can bear it


def test_a_budget_burns_when_the_hour_and_the_day_are_too_fast(at: datetime) -> None:
    slo = _slo(at, [1.0] * 275 + [3.0] * 25)
    assert (slo.burn_hour or 0) > (slo.burn_day or 0) > 1
    assert slo.state == SloState.BURNING


def test_lower_can_be_worse(at: datetime) -> None:
    slo = _slo(at, [1.0] * 10 + [3.0] * 90, is_bad_above=False)
    assert (slo.good, slo.state) == (90, SloState.EXHAUSTED)


def test_an_exhausted_budget_is_told_once(at: datetime) -> None:
    slo = _slo(at, [1.0] * 80 + [3.0] * 20)
    services.measure_due(at=at + 2 * MINUTE)
    slo.refresh_from_db()
    assert slo.budget_left == pytest.approx(-1.0)
    assert Event.objects.filter(kind="monitors:slo:exhausted").count() == 1


def test_hours_are_counted_again_only_near_the_end(at: datetime) -> None:
    slo = _slo(at, [1.0] * 100)
    SloHour.objects.filter(slo=slo, at__lt=at - 5 * HOUR).update(good=0)
    slo.measured_at = None
    slo.save()
    services.measure_due(at=at + MINUTE)
    slo.refresh_from_db()
    assert slo.good < 50  # the old hours were not read from samples again


def test_what_is_left_out_does_not_count(at: datetime, author: Any) -> None:
    slo = _slo(at, [1.0] * 80 + [3.0] * 20)
    services.correct_slo(slo=slo, actor=author, starts_at=at - 4 * HOUR, ends_at=at + MINUTE, reason="Load test", at=at)
    slo.refresh_from_db()
    assert slo.total == slo.good
    assert slo.budget_left == 1.0
    assert Event.objects.filter(kind="monitors:slo:corrected", detail="Load test").exists()


def test_nothing_measured_is_said_so(at: datetime) -> None:
    series = make_series()
    slo = services.create_slo(actor=None, at=at, name="New", series=series, limit=1.0, objective=99.0, days=28)
    assert (slo.state, slo.budget_left, slo.share) == (SloState.NOT_MEASURED, None, None)


def test_the_least_budget_stands_first_and_the_unmeasured_last(at: datetime) -> None:
    good, bad = _slo(at, [1.0] * 100), _slo(at, [3.0] * 100)
    none = services.create_slo(actor=None, at=at, name="New", series=make_series(), limit=1.0, objective=99.0, days=28)
    assert list(queries.slos()) == [bad, good, none]


def test_an_objective_watches_exactly_one_thing(at: datetime) -> None:
    with pytest.raises(IntegrityError, match="slo_watches_one_thing"):
        Slo.objects.create(name="None", objective=99.0, created_at=at)


def test_the_days_of_a_period_add_up(at: datetime) -> None:
    slo = _slo(at, [1.0] * 300)
    assert sum(total for _, _, total in queries.slo_days(slo=slo, at=at)) == 300


def _events(at: datetime, goods: list[float], totals: list[float], kind: str) -> Slo:
    """Good and all events, ten minutes apart up to `at`."""
    told = [
        make_series(kind=kind, samples=[(at - 10 * MINUTE * (len(values) - 1 - n), v) for n, v in enumerate(values)])
        for values in (goods, totals)
    ]
    return services.create_slo(
        actor=None, at=at, name="Answered", good_series=told[0], total_series=told[1], objective=90.0, days=7
    )


def test_good_events_out_of_all_are_counted_over_a_reset(at: datetime) -> None:
    slo = _events(at, [100, 190, 280, 45, 90], [100, 200, 300, 50, 100], "counter")
    assert (slo.good, slo.total) == (270, 300)
    assert slo.budget_left == pytest.approx(0.0)


def test_series_that_tell_so_many_a_sample_are_added_up(at: datetime) -> None:
    slo = _events(at, [9, 10, 10, 10], [10, 10, 10, 10], "gauge")
    assert (slo.good, slo.total, slo.state) == (39, 40, SloState.WITHIN)


def test_good_events_are_never_more_than_all(at: datetime) -> None:
    assert _events(at, [30.0], [10.0], "gauge").share == 1.0


def test_hours_of_events_are_counted_on_from_the_sample_before(at: datetime) -> None:
    slo = _events(at, [0, 90], [0, 100], "counter")
    for series, value in ((slo.good_series, 90), (slo.total_series, 200)):
        Sample.objects.create(series=series, at=at + HOUR, value=value)
    services.measure_due(at=at + HOUR + MINUTE)
    slo.refresh_from_db()
    assert (slo.good, slo.total) == (90, 200)


def test_a_changed_objective_keeps_its_hours_and_says_why(at: datetime, author: Any) -> None:
    slo = _slo(at, [3.0] * 5 + [1.0] * 95)
    terms = {"objective": 99.0, "limit": 5.0}
    assert services.change_slo(slo_id=slo.pk, actor=author, reason="Promised to a customer", at=at, **terms)
    slo.refresh_from_db()
    assert (slo.objective, slo.limit) == (99.0, 5.0)
    assert (slo.good, slo.total) == (95, 100)  # what was bad by the limit of its time stays bad
    told = Event.objects.get(kind="monitors:slo:changed")
    assert (told.detail, told.subject_id) == ("Promised to a customer", slo.pk)
    assert "promise in percent 90 became 99, limit 2 became 5" in told.title
    assert not services.change_slo(slo_id=slo.pk, actor=author, reason="Again", at=at, **terms)
    assert Event.objects.filter(kind="monitors:slo:changed").count() == 1


def test_a_longer_period_is_counted_as_far_back_as_is_known(at: datetime, author: Any) -> None:
    slo = _slo(at, [1.0] * 1200)
    before = slo.total
    services.change_slo(slo_id=slo.pk, actor=author, reason="A month", at=at, days=28)
    slo.refresh_from_db()
    assert before < slo.total == 1200
