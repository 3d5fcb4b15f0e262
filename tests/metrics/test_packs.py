"""Days that are packed: nobody above notices, late samples find their day, nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection

from apps.incidents.queries import symptoms
from apps.incidents.suspects.binning import Span
from apps.metrics import queries, services, tasks
from apps.metrics.models import Sample, Series
from apps.metrics.packing import pack
from apps.metrics.queries import Boundary, Window
from apps.metrics.services import packs
from apps.monitors import queries as monitors
from apps.portal import totals
from tests.factories import make_feature
from tests.metrics.factories import NOON, every, make_series, record, store

pytestmark = pytest.mark.django_db
OLD = NOON - timedelta(days=15)  # a day long over
START, END = OLD - timedelta(hours=30), OLD + timedelta(hours=6)
VALUES = [round(10 + (n * 7 % 23) / 10, 1) for n in range(700)]


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOON, tick=False):
        yield


def packed() -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT series_id, count FROM metrics_packed ORDER BY day, series_id")
        return cursor.fetchall()


def old_series(**fields) -> Series:
    return make_series(samples=every(180, VALUES, until=OLD), feature=make_feature(), **fields)


def answers(series: Series) -> list[object]:
    """What every reader of samples says of the days that are going to be packed."""
    rows = Series.objects.filter(pk=series.pk)
    feature = [series.feature_id]
    span = {"start": START, "end": END}
    bins = symptoms.read_bins(rows=list(rows), spans=[Span(START.timestamp(), END.timestamp(), 1800.0)])
    usual = symptoms.read_usual(rows=list(rows), start=(OLD - timedelta(days=3)).timestamp())
    limits = [Boundary(series.pk, 11.0, is_at_most, START, OLD) for is_at_most in (True, False)]
    between = {"series_id": series.pk, "after": START, "until": NOON}
    counted = {"series_id": series.pk, "limit": 11.0, "is_bad_above": True}
    return [
        queries.points_of(series=list(rows), **span),
        queries.series_points(series=series, start=OLD - timedelta(hours=2), end=OLD),
        queries.series_points(series=series, **span),
        queries.step_averages(series_ids=[series.pk], start=START, step=timedelta(hours=1), steps=36),
        queries.window_stats(windows=[Window(series.pk, START, OLD), Window(series.pk, OLD - timedelta(hours=1), OLD)]),
        queries.window_means(feature_ids=feature, measures=["latency_p95"], **span),
        queries.first_outside(boundaries=limits),
        queries.sketch_between(series=series, **span),
        queries.sparkline_points(feature_ids=feature, measure="latency_p95", **span),
        [[column.tolist() for column in bins[series.pk]], usual[series.pk].tolist()],
        list(monitors.samples_between(**between)),
        [monitors.last_sample_at(series_id=series.pk, until=at) for at in (NOON, OLD - timedelta(hours=13), START)],
        monitors.stretch_counts(**counted, **span),
        totals.totals(measures=["latency_p95"], **span),
        totals.total_points(slug="latency_p95", buckets=30, **span),
    ]


@pytest.mark.parametrize("kind", ["gauge", "counter"])
def test_nobody_who_reads_samples_notices(kind) -> None:
    series = old_series(kind=kind)
    before = answers(series)
    kept = services.pack_days(at=NOON)
    assert kept.days >= 2
    assert kept.samples == len(VALUES)
    assert sum(count for _, count in packed()) == len(VALUES)
    assert not Sample.objects.exists()
    assert answers(series) == before
    assert all(before)


def test_hours_can_be_rolled_up_from_packed_days() -> None:
    series, other = old_series(), old_series()
    services.roll_up_hours(at=NOON)
    services.pack_days(at=NOON)
    Series.objects.filter(pk=other.pk).update(rolled_until=None)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM metrics_hour WHERE series_id = %s", [other.pk])
    services.roll_up_hours(at=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT at, count, total, low, high, last FROM metrics_hour WHERE series_id = %s", [series.pk])
        first = sorted(cursor.fetchall())
        cursor.execute("SELECT at, count, total, low, high, last FROM metrics_hour WHERE series_id = %s", [other.pk])
        assert sorted(cursor.fetchall()) == first


def test_hot_days_stay_in_rows() -> None:
    make_series(samples=[(NOON - timedelta(days=days), 1.0) for days in (0, 7, 8, 9)])
    assert services.pack_days(at=NOON).samples == 1
    assert Sample.objects.count() == 3


def test_packing_again_changes_nothing() -> None:
    old_series()
    services.pack_days(at=NOON)
    before = packed()
    assert services.pack_days(at=NOON).samples == 0
    assert packed() == before
    assert "packed" in tasks.pack_days()


def test_a_late_sample_finds_its_packed_day() -> None:
    series = make_series()
    told = every(60, [1.0, 2.0, 3.0], until=OLD)
    store(series.source, record("wait", samples=told))
    services.pack_days(at=NOON)
    late = [(OLD - timedelta(seconds=30), 9.0), (OLD, 4.0)]
    assert store(series.source, record("wait", samples=late)).changed == 2
    assert store(series.source, record("wait", samples=[*told[:2], *late])).changed == 0
    stored = Series.objects.get(external_id="wait")
    found = list(monitors.samples_between(series_id=stored.pk, after=START, until=NOON))
    assert [value for _, value in found] == [1.0, 2.0, 9.0, 4.0]
    assert not Sample.objects.exists()


def test_a_late_sample_opens_its_hour_again() -> None:
    source = make_series().source
    store(source, record("wait", samples=every(60, [1.0, 2.0, 3.0], until=OLD)))
    services.roll_up_hours(at=NOON)
    services.pack_days(at=NOON)
    store(source, record("wait", samples=[(OLD, 4.0)]))
    assert Series.objects.get(external_id="wait").rolled_until == OLD


def test_a_new_series_of_a_packed_day_is_packed_beside_the_others() -> None:
    old_series()
    services.pack_days(at=NOON)
    before = packed()
    new = old_series()
    assert services.pack_days(at=NOON).samples == len(VALUES)
    assert [row for row in packed() if row[0] != new.pk] == before
    assert len(packed()) == 2 * len(before)


def test_a_day_that_would_not_come_out_stays_in_rows() -> None:
    old_series()
    with (
        patch.object(packs, "pack", lambda times, values: pack(times, values + 1)),
        pytest.raises(packs.UnfaithfulError),
    ):
        services.pack_days(at=NOON)
    assert packed() == []
    assert Sample.objects.count() == len(VALUES)


def test_days_that_are_no_longer_kept_go_from_the_packs_too(settings) -> None:
    old_series()
    services.pack_days(at=NOON)
    settings.SAMPLES_KEPT_DAYS = 14
    services.keep_partitions(at=NOON)
    assert packed() == []


@pytest.mark.django_db(transaction=True)
def test_a_day_that_is_being_read_waits_for_the_next_round() -> None:
    old_series()
    reader = connection.copy()
    try:
        reader.set_autocommit(False)
        with reader.cursor() as cursor, patch.object(packs, "_TRIES", 1):
            cursor.execute("SELECT count(*) FROM metrics_packed")
            assert services.pack_days(at=NOON).left.endswith("was in use and waits for the next round")
        assert packed() == []
        reader.rollback()
        assert services.pack_days(at=NOON).samples == len(VALUES)
    finally:
        reader.close()
        with connection.cursor() as cursor:  # no model knows these rows, so no flush would take them along
            cursor.execute("DELETE FROM metrics_packed")
            cursor.execute("DELETE FROM metrics_sample")
