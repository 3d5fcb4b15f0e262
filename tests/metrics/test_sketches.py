"""Percentiles from sketches are those of the observations, however they were cut and whenever they came."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import numpy as np
import pytest
from ddsketch import DDSketch
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.metrics import queries, services
from apps.metrics.models import Series
from apps.metrics.sketches import ACCURACY, SMALLEST, from_row, key_of, merged, sketch_of, value_of
from tests.factories import make_source
from tests.metrics.factories import NOON, record, store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
values = st.one_of(
    st.floats(1e-6, 1e9), st.floats(-1e9, -1e-6), st.just(0.0), st.floats(-1e-10, 1e-10), st.floats(0.01, 60.0)
)
SLOW = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@SLOW
@given(values)
def test_the_value_of_a_bin_is_near_everything_in_it(value: float) -> None:
    told = value_of(key_of(value))
    assert abs(told - value) <= ACCURACY * abs(value) * (1 + 1e-9) + SMALLEST


@SLOW
@given(st.lists(values, min_size=1, max_size=200), st.sampled_from([0.0, 0.05, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_off_by_the_accuracy_at_most(drawn: list[float], share: float) -> None:
    exact = float(np.quantile(drawn, share, method="lower"))
    found = sketch_of(drawn).quantile(share)
    assert abs(found - exact) <= ACCURACY * abs(exact) * (1 + 1e-9) + SMALLEST


@SLOW
@given(st.lists(st.lists(values, max_size=40), max_size=6))
def test_sketches_add_up_however_they_were_cut(pieces: list[list[float]]) -> None:
    whole = sketch_of([value for piece in pieces for value in piece])
    assert merged(map(sketch_of, pieces)) == whole
    assert merged(map(sketch_of, reversed(pieces))) == whole


def test_percentiles_are_those_of_the_published_implementation() -> None:
    dice, theirs = random.Random(3), DDSketch(ACCURACY)
    drawn = [dice.lognormvariate(0.5, 0.8) for _ in range(5000)]
    for value in drawn:
        theirs.add(value)
    ours = sketch_of(drawn)
    for share in (0.5, 0.9, 0.95, 0.99):
        assert ours.quantile(share) == pytest.approx(theirs.get_quantile_value(share), rel=1e-9)


def test_an_empty_sketch_has_no_percentile() -> None:
    assert sketch_of([]).quantile(0.5) is None
    assert from_row(None, None).count == 0


def observed(seed: int = 7, days: int = 4) -> tuple[Series, list[tuple]]:
    """Waits of single requests, every two minutes, slow in the evenings."""
    dice = random.Random(seed)
    found = [
        (at := NOON - timedelta(minutes=2 * n), dice.lognormvariate(0.8 if at.hour > 17 else 0.0, 0.5))
        for n in range(days * 720)
    ]
    store(make_source(), record("wait", measure="latency", samples=sorted(found)))
    return Series.objects.get(), found


def truth(found: list[tuple], start, end, share: float) -> float:
    return float(np.quantile([value for at, value in found if start <= at < end], share, method="lower"))


@pytest.mark.django_db
@pytest.mark.parametrize("is_rolled", [False, True])
@pytest.mark.parametrize(
    ("begins", "ends"),
    [(3 * DAY, DAY), (2.5 * DAY + timedelta(minutes=7), timedelta(minutes=3)), (HOUR, timedelta(0)),
     (4 * DAY, timedelta(0)), (timedelta(minutes=30), timedelta(minutes=10))],
)  # fmt: skip
def test_the_slowest_of_any_stretch_is_that_of_its_observations(is_rolled: bool, begins, ends) -> None:
    series, found = observed()
    if is_rolled:
        services.roll_up_hours(at=NOON)
        series.refresh_from_db()
    start, end = NOON - begins, NOON - ends
    sketch = queries.sketch_between(series=series, start=start, end=end)
    assert sketch.count == sum(start <= at < end for at, _ in found)
    for share in (0.5, 0.95, 0.99):
        assert sketch.quantile(share) == pytest.approx(truth(found, start, end, share), rel=ACCURACY * 1.001)


@pytest.mark.django_db
def test_a_mean_of_hourly_percentiles_would_have_been_wrong() -> None:
    series, found = observed()
    services.roll_up_hours(at=NOON)
    series.refresh_from_db()
    start, end = NOON - 3 * DAY, NOON - 2 * DAY
    hours = [start + n * HOUR for n in range(24)]
    naive = np.mean([truth(found, hour, hour + HOUR, 0.95) for hour in hours])
    right = truth(found, start, end, 0.95)
    assert abs(naive / right - 1) > 0.1
    assert abs(queries.sketch_between(series=series, start=start, end=end).quantile(0.95) / right - 1) < 0.011


@pytest.mark.django_db
def test_late_and_corrected_observations_are_in_the_next_sketch() -> None:
    series, _ = observed()
    services.roll_up_hours(at=NOON)
    late = [(NOON - 2 * DAY + timedelta(seconds=61 + n), 500.0) for n in range(400)]
    store(series.source, record("wait", measure="latency", samples=late))
    for _ in range(2):  # before and after the hours are done again
        series.refresh_from_db()
        day = queries.sketch_between(series=series, start=NOON - 2.5 * DAY, end=NOON - 1.5 * DAY)
        assert day.quantile(0.95) == pytest.approx(500.0, rel=0.011)
        services.roll_up_hours(at=NOON)


@pytest.mark.django_db
def test_rolling_up_twice_changes_nothing() -> None:
    observed(days=2)
    services.roll_up_hours(at=NOON)
    before = rows()
    Series.objects.update(rolled_until=None)
    services.roll_up_hours(at=NOON)
    assert rows() == before
    assert len(before) > 40


@pytest.mark.django_db
def test_hours_and_days_hold_what_a_direct_computation_gives() -> None:
    _, found = observed(days=2)
    services.roll_up_hours(at=NOON)
    for width, table in ((3600, "metrics_hour"), (86_400, "metrics_day")):
        for at, count, total, low, high, last, bins, counts in rows(table):
            own = sorted(pair for pair in found if at <= pair[0] < at + timedelta(seconds=width))
            own = [pair for pair in own if pair[0] < NOON - HOUR]
            numbers = [value for _, value in own]
            assert (count, low, high, last) == (len(own), min(numbers), max(numbers), numbers[-1])
            assert math.isclose(total, math.fsum(numbers))
            assert from_row(bins, counts) == sketch_of(numbers)


@pytest.mark.django_db
def test_a_number_that_is_a_percentile_already_gets_no_sketch() -> None:
    samples = [(NOON - timedelta(minutes=n), 1.0) for n in range(600)]
    store(make_source(), record("p95", measure="latency_p95", samples=sorted(samples)))
    services.roll_up_hours(at=NOON)
    assert {row[6] for row in rows()} == {None}


def rows(table: str = "metrics_hour") -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT at, count, total, low, high, last, bins, counts FROM {table} ORDER BY at")
        return cursor.fetchall()
