"""The past judged from samples."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.catalog.models import Dependency
from apps.health import queries, services
from apps.health.models import FeatureHealth, HealthSpan
from apps.health.replay import holes
from apps.health.strips import Span
from apps.metrics.models import Sample, Series
from apps.sources.models import SourceState
from tests.factories import make_component, make_feature
from tests.health.factories import make_heard_source, make_promise
from tests.metrics.factories import NOON, every, make_series
from tests.pipelines.factories import make_pipeline, make_run

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def made(values: list[float], *, step: float = 300.0):
    feature = make_feature()
    make_promise(feature)
    series = make_series(feature=feature, source=make_heard_source(), step_seconds=step, samples=every(step, values))
    services.refresh_health(feature_ids={feature.pk}, at=NOON)
    return feature, series


def past(feature) -> list[tuple]:
    rows = HealthSpan.objects.filter(feature=feature, is_replayed=True).order_by("started_at")
    return [
        (status, NOON - started, NOON - ended)
        for status, started, ended in rows.values_list("status", "started_at", "ended_at")
    ]


def test_the_past_is_told_in_stretches_up_to_the_first_judgement() -> None:
    day = 288  # samples of five minutes
    feature, _ = made(
        [2.0] * day + [4.0] * 24 + [7.0] * 12 + [2.0] * (day - 35)
    )  # one more, so that steps and samples meet
    assert services.backfill_health(feature_id=feature.pk, at=NOON) == 4
    assert [(status, round(start / HOUR), round(end / HOUR)) for status, start, end in past(feature)] == [
        ("healthy", 48, 24),
        ("degraded", 24, 22),
        ("down", 22, 21),
        ("healthy", 21, 0),
    ]
    assert HealthSpan.objects.get(status="degraded").sentence == "People wait 4 s, more than the promised 3 s."


def test_repeating_the_replay_changes_nothing() -> None:
    feature, _ = made([2.0] * 300)
    services.backfill_health(feature_id=feature.pk, at=NOON)
    before = past(feature)
    services.backfill_health(feature_id=feature.pk, at=NOON + HOUR)
    assert past(feature) == before


def test_time_without_samples_belongs_to_no_stretch() -> None:
    feature, series = made([2.0] * 12)
    series.first_at = NOON - 30 * HOUR
    series.save(update_fields=["first_at"])
    services.backfill_health(feature_id=feature.pk, at=NOON)
    assert [(start <= HOUR, end) for _, start, end in past(feature)] == [(True, timedelta(0))]


def test_rare_numbers_stand_until_the_next_one() -> None:
    feature, _ = made([2.0, 2.0, 7.0, 2.0], step=6 * 3600.0)
    services.backfill_health(feature_id=feature.pk, at=NOON)
    assert [(status, start / HOUR, end / HOUR) for status, start, end in past(feature)] == [
        ("healthy", 18, 6),
        ("down", 6, 0),
    ]


def test_a_feature_with_a_day_of_samples_is_replayed_by_the_round_and_then_left_alone() -> None:
    feature, _ = made([2.0] * 300)
    assert queries.features_to_replay(at=NOON, limit=9) == [feature.pk]
    assert services.refresh_due(at=NOON + timedelta(seconds=30)).endswith("1 replayed")
    assert queries.features_to_replay(at=NOON, limit=9) == []
    assert FeatureHealth.objects.get().history_from == NOON - timedelta(hours=25)
    assert services.refresh_due(at=NOON + timedelta(seconds=60)).endswith("0 replayed")
    assert FeatureHealth.objects.get().history_from is not None


def test_a_source_that_still_reads_its_past_is_waited_for() -> None:
    _, series = made([2.0] * 300)
    SourceState.objects.filter(source=series.source).update(has_backlog=True)
    assert queries.features_to_replay(at=NOON, limit=9) == []


def test_less_than_a_day_of_samples_is_not_replayed() -> None:
    made([2.0] * 200)
    assert queries.features_to_replay(at=NOON, limit=9) == []


def test_a_hole_left_by_a_sleep_is_filled_from_samples() -> None:
    feature, series = made([2.0] * 300)
    services.refresh_due(at=NOON + timedelta(seconds=30))
    later = NOON + 4 * HOUR
    make = every(300, [9.0] * 47, until=later)
    Sample.objects.bulk_create(Sample(series=series, at=at, value=value) for at, value in make)
    Series.objects.filter(pk=series.pk).update(last_at=later)
    SourceState.objects.update(last_success_at=later)
    services.refresh_due(at=later)
    strip = queries.strip(feature_ids=[feature.pk], start=NOON, end=later, buckets=4)[feature.pk]
    assert strip == ["bad", "bad", "bad", "bad"]


def test_holes_are_what_no_stretch_covers() -> None:
    def span(start: int, end: int) -> Span:
        return Span("healthy", NOON + start * HOUR, NOON + end * HOUR)

    found = holes([span(2, 3), span(3, 5), span(7, 8)], start=NOON, end=NOON + 10 * HOUR)
    assert [((a - NOON) / HOUR, (b - NOON) / HOUR) for a, b in found] == [(0, 2), (5, 7), (8, 10)]


def test_data_that_were_too_old_are_part_of_the_past() -> None:
    feature, series = made([2.0] * 576)  # two days
    limits = {"warn_after_hours": 3.0, "fail_after_hours": 6.0, "due_by": "", "time_zone": "UTC"}
    index = make_component(name="Help index", kind="index", freshness=limits)
    nightly = make_component(kind="pipeline")
    Dependency.objects.create(consumer=make_component(feature=feature), provider=index)
    Dependency.objects.create(consumer=index, provider=nightly)
    pipeline = make_pipeline(source=series.source, component=nightly)
    for hours in (*range(50, 30, -2), *range(20, 0, -2)):
        make_run(pipeline, at=NOON - hours * HOUR, finished_at=NOON - hours * HOUR, trigger="schedule")
    make_run(pipeline, at=NOON - 25 * HOUR, trigger="backfill", partition_key="2026-01-01")
    services.backfill_health(feature_id=feature.pk, at=NOON)
    assert [(status, round(start / HOUR), round(end / HOUR)) for status, start, end in past(feature)] == [
        ("healthy", 48, 26),
        ("degraded", 26, 20),
        ("healthy", 20, 0),
    ]
    sentence = HealthSpan.objects.get(status="degraded").sentence
    assert sentence == "Answers come fast, but answers may be old, because “Help index” was not refreshed in time."
