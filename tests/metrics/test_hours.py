"""Hours that are over are rolled up, and never lie."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection

from apps.metrics import queries, services
from apps.metrics.models import Series
from apps.metrics.services.hours import forget_old
from tests.factories import make_source
from tests.metrics.factories import NOON, every, record, store

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def month(series: Series) -> list[tuple]:
    rows = queries.series_points(series=series, start=NOON - 30 * DAY, end=NOON, buckets=240).rows
    return [(row.at, pytest.approx(row.mean), row.low, row.high, row.count) for row in rows]


def stored() -> Series:
    dice = random.Random(7)
    store(make_source(), record(samples=every(600, [dice.random() for _ in range(20 * 144)])))
    return Series.objects.get()


def rolled(series: Series) -> Series:
    services.roll_up_hours(at=NOON)
    series.refresh_from_db()
    return series


def test_a_month_from_hours_is_the_month_from_samples() -> None:
    series = stored()
    before = month(series)
    assert services.roll_up_hours(at=NOON) == 2
    series.refresh_from_db()
    assert series.rolled_until == NOON - timedelta(hours=1)
    assert month(series) == before
    assert services.roll_up_hours(at=NOON) == 0


def test_the_hours_are_truly_read(django_assert_num_queries) -> None:
    series = rolled(stored())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE metrics_hour SET high = 99")
    assert max(row[3] for row in month(series)) == 99


@pytest.mark.parametrize("hours", [2, 100, 400])
def test_a_late_correction_is_seen_at_once_and_rolled_up_again(hours: int) -> None:
    series = rolled(stored())
    late = NOON - timedelta(hours=hours, minutes=20)
    assert store(series.source, record(samples=[(late, 55.0)])).changed == 1
    series.refresh_from_db()
    assert series.rolled_until <= late
    assert max(row[3] for row in month(series)) == 55.0
    before = month(series)
    assert month(rolled(series)) == before
    assert series.rolled_until == NOON - timedelta(hours=1)


def test_an_unchanged_poll_reopens_nothing() -> None:
    series = rolled(stored())
    store(series.source, record(samples=every(600, [1.0], until=NOON)))
    series.refresh_from_db()
    assert series.rolled_until == NOON - timedelta(hours=1)


def test_a_zoomed_month_in_the_past_ends_where_it_should() -> None:
    series = rolled(stored())
    rows = queries.series_points(series=series, start=NOON - 30 * DAY, end=NOON - 5 * DAY, buckets=100).rows
    assert rows[-1].at < NOON - 5 * DAY
    assert sum(row.count for row in rows) == 15 * 144 - 1


def test_hours_of_days_no_longer_kept_are_forgotten(settings) -> None:
    series = rolled(stored())
    settings.SAMPLES_KEPT_DAYS = settings.HOURS_KEPT_DAYS = settings.DAYS_KEPT_DAYS = 10
    assert forget_old(at=NOON) > 200
    assert "stretches rolled up" in services.keep_house(at=NOON)
    assert Series.objects.filter(pk=series.pk).exists()
