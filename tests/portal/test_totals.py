"""Key figures come from hours that are rolled up and from the samples around them, and say what the samples say."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection

from apps.metrics import services
from apps.portal.totals import total_points, totals
from tests.factories import make_feature, make_source
from tests.metrics.factories import NOON, every, make_series, record, store

pytestmark = pytest.mark.django_db
DAY, END = timedelta(days=1), NOON + timedelta(minutes=7)
MEASURES = ("latency_p95", "requests_rate")


@pytest.fixture
def measured() -> None:
    """Two features, each with an amount and a mean, a sample every five minutes of nine days."""
    dice = random.Random(3)
    for _ in range(2):
        feature = make_feature()
        for measure in MEASURES:
            values = [dice.random() for _ in range(9 * 288)]
            make_series(feature=feature, measure=measure, samples=every(300, values, until=END - timedelta(minutes=1)))


def _figures(start, end=END):
    found = totals(measures=MEASURES, start=start, end=end)
    return {slug: pytest.approx(value) for slug, (value, _unit) in found.items()}


@pytest.mark.parametrize("hours", [0.05, 1, 24, 7 * 24, 8 * 24])
def test_figures_from_hours_are_the_figures_from_samples(measured, hours: float) -> None:
    start = END - timedelta(hours=hours)
    before = _figures(start)
    assert set(before) == set(MEASURES)
    services.roll_up_hours(at=END)
    assert _figures(start) == before


@pytest.mark.parametrize(("span", "buckets"), [(DAY, 144), (7 * DAY, 168), (8 * DAY, 50)])
def test_points_from_hours_are_the_points_from_samples(measured, span: timedelta, buckets: int) -> None:
    def points():
        found = total_points(slug="requests_rate", start=END - span, end=END, buckets=buckets)
        return [(at, pytest.approx(value)) for at, value in found]

    before = points()
    assert len(before) > buckets / 2
    services.roll_up_hours(at=END)
    assert points() == before


def test_the_hours_are_truly_read_and_the_running_one_from_samples(measured) -> None:
    services.roll_up_hours(at=END)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE metrics_hour SET total = 1e6, count = 1")
    assert totals(measures=["latency_p95"], start=END - DAY, end=END)["latency_p95"][0] > 1e5
    assert totals(measures=["latency_p95"], start=NOON, end=END)["latency_p95"][0] < 1


def test_a_late_correction_counts_at_once() -> None:
    source, feature = make_source(), make_feature()
    samples = every(600, [1.0] * 144)
    store(source, record(samples=samples, labels={"feature": feature.slug}))
    services.roll_up_hours(at=NOON)
    start = samples[0][0]
    assert totals(measures=["latency_p95"], start=start, end=END)["latency_p95"][0] == 1.0
    store(source, record(samples=[(samples[10][0], 145.0)], labels={"feature": feature.slug}))
    assert totals(measures=["latency_p95"], start=start, end=END)["latency_p95"][0] == 2.0
