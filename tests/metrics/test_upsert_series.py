"""Storing what sources say about series."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.connectors.records import SeriesRecord
from apps.metrics.models import Sample, Series
from apps.metrics.services import Telling, upsert_all_series
from apps.metrics.services import samples as sample_writing
from apps.sources.mapping import Mapper, Names
from apps.sources.models import Source
from tests.factories import make_component, make_environment, make_feature, make_source
from tests.metrics.factories import NOON, every, record, store

pytestmark = pytest.mark.django_db


def table() -> list[tuple[str, datetime, float]]:
    return list(Sample.objects.order_by("series__external_id", "at").values_list("series__external_id", "at", "value"))


def test_a_first_poll_stores_series_and_samples() -> None:
    feature = make_feature(slug="search")
    source = make_source()
    stored = store(source, record(samples=every(60, [1.0, 2.0, 3.0]), labels={"feature": "search"}))
    series = Series.objects.get()
    assert stored.changed == 4
    assert stored.feature_ids == {feature.pk}
    assert stored.topics == {f"feature-{feature.pk}"}
    assert (series.last_at, series.last_value, series.step_seconds) == (NOON, 3.0, 60.0)
    assert series.first_at == NOON - timedelta(minutes=2)
    assert series.is_primary
    assert [value for _, _, value in table()] == [1.0, 2.0, 3.0]


def test_an_unchanged_poll_writes_no_row() -> None:
    make_feature(slug="search")
    source = make_source()
    batch = record(samples=every(60, [1.0, 2.0]), labels={"feature": "search"})
    store(source, batch)
    versions = list(Series.objects.extra(select={"xmin": "xmin::text"}).values_list("xmin", flat=True))
    again = store(source, batch)
    assert (again.changed, again.feature_ids, again.topics) == (0, set(), set())
    assert versions == list(Series.objects.extra(select={"xmin": "xmin::text"}).values_list("xmin", flat=True))


def test_whole_numbers_are_numbers_too() -> None:
    source = make_source()
    store(source, record("a", samples=every(60, [1, 2.5])), record("b", samples=every(60, [1, 2])))
    assert [value for _, _, value in table()] == [1.0, 2.5, 1.0, 2.0]


def test_older_samples_never_move_the_newest_value_back() -> None:
    source = make_source()
    store(source, record(samples=every(60, [5.0])))
    stored = store(source, record(samples=every(60, [1.0], until=NOON - timedelta(hours=1))))
    series = Series.objects.get()
    assert stored.changed == 1
    assert (series.last_at, series.last_value) == (NOON, 5.0)
    assert series.first_at == NOON - timedelta(hours=1)


def test_a_corrected_newest_sample_corrects_the_series() -> None:
    source = make_source()
    store(source, record(samples=every(60, [5.0, 6.0])))
    stored = store(source, record(samples=every(60, [5.0, 7.0])))
    assert stored.changed == 1
    assert Series.objects.get().last_value == 7.0


def test_what_cannot_be_believed_is_refused_and_its_neighbors_stored() -> None:
    source = make_source()
    bad = [
        (NOON - timedelta(days=500), 1.0),
        (NOON + timedelta(days=2), 1.0),
        (NOON, nan),
        (NOON - timedelta(minutes=1), inf),
        (datetime(2026, 11, 24, 11, 0), 1.0),  # noqa: DTZ001 - the point of the test
        (NOON - timedelta(minutes=3), 4.0),
    ]
    stored = store(source, record(samples=bad), record("fine", samples=every(60, [9.0])))
    assert [row[2] for row in table()] == [9.0, 4.0]
    assert len(stored.rejected) == 1
    assert stored.rejected[0].reason.startswith("5 samples were refused: it is older than 120 days, or it lies more")
    assert "no zone" in stored.rejected[0].reason
    assert "not a finite number" in stored.rejected[0].reason


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"external_id": ""}, "needs an id"),
        ({"name": ""}, "needs an id and a name"),
        ({"name": "n" * 513}, "512 characters"),
        ({"measure": "m" * 61}, "60 characters"),
        ({"labels": {"pod": "a\x00b"}}, "U+0000"),
    ],
)
def test_a_record_that_fits_no_row_is_refused_with_a_sentence(fields: dict[str, object], words: str) -> None:
    stored = store(make_source(), SeriesRecord(**_fields(fields)))
    assert words in stored.rejected[0].reason
    assert not Series.objects.exists()


def _fields(changed: dict[str, object]) -> dict[str, object]:
    return {"external_id": "wait", "name": "wait", "samples": tuple(every(60, [1.0]))} | changed


def test_milliseconds_and_percent_become_the_units_of_the_glossary() -> None:
    source = make_source()
    store(
        source,
        record("wait", measure="latency_p95", unit="ms", samples=every(60, [4100.0])),
        record("answered", measure="answered_ratio", unit="%", samples=every(60, [98.0])),
    )
    found = {series.external_id: (series.unit, series.last_value) for series in Series.objects.all()}
    assert found == {"wait": ("s", pytest.approx(4.1)), "answered": ("ratio", pytest.approx(0.98))}


def test_a_series_that_moves_to_another_feature_touches_both() -> None:
    old, new = make_feature(slug="old"), make_feature(slug="new")
    source = make_source()
    store(source, record(labels={"feature": "old"}, samples=every(60, [1.0])))
    stored = store(source, record(labels={"feature": "new"}, samples=every(60, [1.0])))
    assert stored.feature_ids == {old.pk, new.pk}
    assert Series.objects.get().feature == new


def test_the_aggregate_in_production_speaks_for_the_feature() -> None:
    feature = make_feature(slug="search")
    make_environment(slug="production", is_production=True)
    make_environment(slug="staging")
    make_component(slug="api", feature=feature)
    source = make_source()
    labels = {"feature": "search"}
    store(
        source,
        record("staging", labels={**labels, "environment": "staging"}, samples=every(60, [1.0])),
        record("by client", labels={**labels, "environment": "production", "client": "app"}, samples=every(60, [1.0])),
        record("whole", labels={**labels, "environment": "production", "component": "api"}, samples=every(60, [1.0])),
        record("no place", labels=labels, samples=every(60, [1.0])),
        record("other measure", measure="cost_rate", labels=labels, samples=every(60, [1.0])),
        record("no measure", measure="", labels=labels, samples=every(60, [1.0])),
    )
    primary = Series.objects.filter(is_primary=True).values_list("external_id", flat=True)
    assert set(primary) == {"whole", "other measure"}


def test_an_abandoned_series_no_longer_speaks_once_another_lives() -> None:
    make_feature(slug="search")
    source = make_source()
    store(source, record("old", labels={"feature": "search"}, samples=every(60, [1.0], until=NOON - timedelta(days=3))))
    store(source, record("new", labels={"feature": "search", "pod": "a"}, samples=every(60, [2.0])))
    assert Series.objects.get(is_primary=True).external_id == "new"


def test_large_batches_are_staged_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source()
    first = record(samples=every(60, [float(n) for n in range(300)]))
    monkeypatch.setattr(sample_writing, "STAGED_FROM", 10)
    assert store(source, first).changed == 301
    assert store(source, first).changed == 0
    assert store(source, record(samples=every(60, [float(n) for n in range(1, 301)]))).changed == 300
    assert len(table()) == 300


def test_samples_on_both_sides_of_midnight_find_their_days() -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    samples = every(60, [1.0, 2.0, 3.0, 4.0], until=midnight + timedelta(minutes=2))
    store(make_source(), record(samples=samples))
    assert len(table()) == 4
    with_partition = Sample.objects.extra(select={"where": "tableoid::regclass::text"}).values_list("where", flat=True)
    assert sorted(with_partition) == ["metrics_sample_20261123", *["metrics_sample_20261124"] * 3]


_batches = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0.0, 1.0, 2.5])), max_size=12),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=_batches, seed=st.integers(0, 1000))
def test_shuffled_and_repeated_polls_end_in_the_same_table(batches: list, seed: int) -> None:
    Sample.objects.all().delete()
    Series.objects.all().delete()
    truth: dict[tuple[str, datetime], float] = {}
    for name, samples in batches:
        for minute, value in samples:
            truth.setdefault((name, NOON - timedelta(minutes=minute)), value)
    one, other = make_source(), make_source()
    dice = random.Random(seed)
    for source in (one, other):
        parts = [
            record(name, samples=[(at, truth[name, at]) for at in (NOON - timedelta(minutes=m) for m, _ in samples)])
            for name, samples in batches
        ]
        dice.shuffle(parts)
        for part in [*parts, *dice.choices(parts, k=3)]:
            store(source, part)
    found = {source.pk: contents(source) for source in (one, other)}
    assert found[one.pk] == found[other.pk]
    assert {(name, at): value for name, at, value in found[one.pk][1]} == truth


def contents(source: Source) -> tuple[list, list]:
    """Everything stored of one source, without the ids."""
    series = Series.objects.filter(source=source).order_by("external_id")
    samples = Sample.objects.filter(series__source=source).order_by("series__external_id", "at")
    return (
        list(series.values_list("external_id", "last_at", "last_value", "first_at")),
        list(samples.values_list("series__external_id", "at", "value")),
    )


def test_many_sources_are_stored_with_the_statements_of_one() -> None:
    def tell(count: int, value: float) -> list[Telling]:
        names = Names()
        _ = names.rules, names.components, names.features, names.environments  # shared by all sources of a batch
        series = record("same", samples=every(60, [value]))
        return [Telling(source, [series], Mapper(source, names)) for source in sources[:count]]

    sources = [make_source() for _ in range(13)]
    with CaptureQueriesContext(connection) as alone:
        upsert_all_series(tellings=tell(1, 1.0), at=NOON)
    told = tell(13, 2.0)
    with CaptureQueriesContext(connection) as together:
        outcomes = upsert_all_series(tellings=told, at=NOON)
    assert len(together) <= len(alone), "it does not grow with the sources"
    assert [stored.changed for stored in outcomes] == [1, *[2] * 12], "a sample each, and a series where it was new"
    assert [stored.changed for stored in upsert_all_series(tellings=told, at=NOON)] == [0] * 13
