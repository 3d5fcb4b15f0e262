"""Judging features and keeping the answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.catalog.models import Dependency
from apps.events.models import Event
from apps.health import queries, services, tasks
from apps.health.models import FeatureHealth, HealthSpan
from apps.metrics.models import Sample, Series
from apps.monitors.models import Alert
from apps.pipelines.models import Pipeline, Run
from apps.sources.models import SourceState
from tests.factories import make_component, make_environment, make_feature
from tests.health.factories import MINUTE, hear, make_heard_source, make_promise, make_promised_feature
from tests.metrics.factories import NOON, every, record, store

pytestmark = pytest.mark.django_db


def refresh(feature, at=NOON) -> int:
    return services.refresh_health(feature_ids={feature.pk}, at=at)


def spans(feature) -> list[tuple]:
    rows = HealthSpan.objects.filter(feature=feature).order_by("started_at")
    return list(rows.values_list("status", "started_at", "ended_at"))


def measure(series: Series, values: list[float], *, until) -> None:
    samples = every(60, values, until=until)
    known = record(series.external_id, name=series.name, samples=samples, labels={"feature": series.feature.slug})
    store(series.source, known, at=until)
    hear(series.source, until)


def test_a_kept_promise_makes_a_feature_healthy() -> None:
    feature, _ = make_promised_feature()
    assert refresh(feature) == 1
    health = FeatureHealth.objects.get(feature=feature)
    assert (health.status, health.version, health.since) == ("healthy", 1, NOON)
    assert health.sentence == "Nobody waits longer than promised."
    assert health.oldest_input_at == NOON
    assert spans(feature) == [("healthy", NOON, None)]
    assert not Event.objects.exists()


def test_refreshing_again_changes_nothing_that_people_read() -> None:
    feature, series = make_promised_feature()
    refresh(feature)
    measure(series, [2.1] * 3, until=NOON + 1 * MINUTE)
    assert refresh(feature, NOON + MINUTE) == 0
    health = FeatureHealth.objects.get(feature=feature)
    assert (health.version, health.since, health.evaluated_at) == (1, NOON, NOON + MINUTE)
    assert health.reasons[0]["inputs"][1]["text"] == "2.1 s"
    assert len(spans(feature)) == 1


def test_a_promise_that_breaks_is_told_once_with_the_moment_it_began() -> None:
    feature, series = make_promised_feature()
    refresh(feature)
    measure(series, [5.0] * 12, until=NOON + 12 * MINUTE)
    began = NOON + 1 * MINUTE
    for minute in (12, 13):
        hear(series.source, NOON + minute * MINUTE)
        refresh(feature, NOON + minute * MINUTE)
    health = FeatureHealth.objects.get(feature=feature)
    assert (health.status, health.since) == ("degraded", began)
    assert health.version == 3  # the break, then another average in the sentence
    assert spans(feature) == [("healthy", NOON, began), ("degraded", began, None)]
    event = Event.objects.get()
    assert (event.kind, event.tone, event.at, event.feature_id) == (
        "health:feature:degraded", "warn", began, feature.pk,
    )  # fmt: skip
    assert event.title == f"{feature.name} is degraded: People wait 4.4 s, more than the promised 3 s"


def test_recovery_is_told_and_closes_the_stretch() -> None:
    feature, series = make_promised_feature(value=7.0)
    refresh(feature)
    measure(series, [1.0] * 20, until=NOON + 20 * MINUTE)
    refresh(feature, NOON + 10 * MINUTE)
    hear(series.source, NOON + 20 * MINUTE)
    refresh(feature, NOON + 20 * MINUTE)
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds[0] == "health:feature:down"
    assert kinds[-1] == "health:feature:recovered"
    assert Event.objects.last() is not None
    assert [status for status, _, _ in spans(feature)][-1] == "healthy"
    ends = [ended for _, _, ended in spans(feature)][:-1]
    assert ends == [started for _, started, _ in spans(feature)][1:]


def test_staleness_turns_up_without_any_poll() -> None:
    feature, series = make_promised_feature()
    refresh(feature)
    state = SourceState.objects.get(source=series.source)
    state.error, state.failures = "Credentials refused.", 4
    state.save(update_fields=["error", "failures"])
    stale_at = FeatureHealth.objects.get(feature=feature).stale_at
    assert stale_at == NOON + timedelta(seconds=90)
    assert services.refresh_due(at=stale_at + timedelta(seconds=1)).startswith("1 features judged, 1 changed")
    health = FeatureHealth.objects.get(feature=feature)
    assert (health.status, health.since) == ("stale", stale_at + timedelta(seconds=1))
    assert health.sentence == f"{series.source.name} does not answer: Credentials refused."
    assert Event.objects.get().kind == "health:feature:stale"


def test_what_was_judged_just_now_is_not_due() -> None:
    feature, _ = make_promised_feature()
    assert queries.due_features(at=NOON) == {feature.pk}
    refresh(feature)
    assert queries.due_features(at=NOON + timedelta(seconds=29)) == set()
    assert queries.due_features(at=NOON + timedelta(seconds=30)) == {feature.pk}


def test_the_task_judges_by_the_clock_of_the_database() -> None:
    feature = make_feature()
    assert tasks.refresh_due_health() == "1 features judged, 1 changed, 0 replayed"
    assert tasks.refresh_due_health() == "0 features judged, 0 changed, 0 replayed"
    assert FeatureHealth.objects.get().feature == feature


def test_an_older_judgement_never_overwrites_a_newer_one() -> None:
    feature, _ = make_promised_feature()
    refresh(feature, NOON + MINUTE)
    assert refresh(feature, NOON) == 0
    assert FeatureHealth.objects.get().evaluated_at == NOON + MINUTE


def test_a_failed_pipeline_behind_a_dependency_degrades_the_feature() -> None:
    feature, _ = make_promised_feature()
    api = make_component(feature=feature, name="Search API")
    gateway = make_component(name="Gateway")
    index = make_component(name="Help center index", kind="index")
    Dependency.objects.create(consumer=api, provider=gateway)
    Dependency.objects.create(consumer=gateway, provider=index)
    Dependency.objects.create(consumer=index, provider=api)  # a circle does no harm
    source = make_heard_source()
    pipeline = _pipeline(
        source, component=index, last_succeeded_at=NOON - 60 * MINUTE, last_failed_at=NOON - 5 * MINUTE
    )
    for minutes in (90, 40, 5):
        _run(pipeline, "failed", NOON - minutes * MINUTE)
    refresh(feature)
    health = FeatureHealth.objects.get(feature=feature)
    assert (health.status, health.since) == ("degraded", NOON - 40 * MINUTE)
    assert "depends through Help center index" in health.sentence


@pytest.mark.parametrize(("kind", "status"), [("evaluation_suite", "healthy"), ("service", "degraded")])
def test_what_only_an_evaluation_needs_makes_no_answer_worse(kind, status) -> None:
    feature, _ = make_promised_feature()
    between = make_component(feature=feature, name="Between", kind=kind)
    nightly = make_component(name="Nightly", kind="pipeline")
    Dependency.objects.create(consumer=between, provider=nightly)
    pipeline = _pipeline(make_heard_source(), component=nightly, last_failed_at=NOON - 5 * MINUTE)
    _run(pipeline, "failed", NOON - 5 * MINUTE)
    refresh(feature)
    assert FeatureHealth.objects.get(feature=feature).status == status


@pytest.mark.parametrize("fields", [{"gone_at": NOON}, {"is_paused": True}, {"environment": "staging"}])
def test_a_pipeline_that_does_not_count_leaves_the_feature_healthy(fields) -> None:
    if "environment" in fields:
        fields = {"environment": make_environment(is_production=False)}
    feature, _ = make_promised_feature()
    _pipeline(make_heard_source(), feature=feature, last_failed_at=NOON, **fields)
    refresh(feature)
    assert FeatureHealth.objects.get(feature=feature).status == "healthy"


def test_a_firing_alert_of_a_component_degrades_its_feature_only() -> None:
    feature, _ = make_promised_feature()
    other, _ = make_promised_feature()
    component = make_component(feature=feature)
    Alert.objects.create(
        source=make_heard_source(), external_id="a", name="SearchErrors", state="firing", severity="page",
        component=component, opened_at=NOON - 9 * MINUTE, last_seen_at=NOON,
    )  # fmt: skip
    services.refresh_health(feature_ids={feature.pk, other.pk}, at=NOON)
    found = dict(FeatureHealth.objects.values_list("feature_id", "status"))
    assert found == {feature.pk: "degraded", other.pk: "healthy"}
    assert FeatureHealth.objects.get(feature=feature).since == NOON - 9 * MINUTE


def test_a_feature_without_anything_is_unknown_and_no_news() -> None:
    feature = make_feature()
    refresh(feature)
    assert FeatureHealth.objects.get().status == "unknown"
    assert not Event.objects.exists()


def test_after_a_long_sleep_the_time_between_belongs_to_no_stretch() -> None:
    feature, series = make_promised_feature()
    refresh(feature)
    later = NOON + timedelta(hours=5)
    measure(series, [2.0] * 5, until=later)
    refresh(feature, later)
    assert spans(feature) == [("healthy", later, None)]  # the first stretch was a single instant
    refresh(feature, later + MINUTE)
    hear(series.source, later + MINUTE)
    measure(series, [2.0] * 5, until=later + timedelta(hours=2))
    refresh(feature, later + timedelta(hours=2))
    assert spans(feature) == [
        ("healthy", later, later + MINUTE),
        ("healthy", later + timedelta(hours=2), None),
    ]


def test_the_database_refuses_stretches_that_overlap() -> None:
    feature = make_feature()
    HealthSpan.objects.create(
        feature=feature, status="healthy", sentence="", started_at=NOON, ended_at=NOON + 5 * MINUTE
    )
    with pytest.raises(IntegrityError, match="spans_never_overlap"), transaction.atomic():
        HealthSpan.objects.create(feature=feature, status="down", sentence="", started_at=NOON + 4 * MINUTE)
    HealthSpan.objects.create(feature=feature, status="down", sentence="", started_at=NOON + 5 * MINUTE)
    HealthSpan.objects.create(feature=make_feature(), status="down", sentence="", started_at=NOON)


@pytest.mark.parametrize("count", [5, 50])
def test_the_number_of_queries_does_not_grow_with_the_features(count, django_assert_num_queries) -> None:
    source = make_heard_source()
    features = [make_promised_feature(source=source, value=5.0)[0] for _ in range(count)]
    for feature in features:
        _pipeline(source, feature=feature, last_failed_at=NOON, external_id=f"p{feature.pk}")
        make_promise(feature, measure="answered_ratio", comparison="at_least", limit=0.9, fails_at=None)
    ids = {feature.pk for feature in features}
    with django_assert_num_queries(22):
        services.refresh_health(feature_ids=ids, at=NOON)
    with django_assert_num_queries(16):
        services.refresh_health(feature_ids=ids, at=NOON + timedelta(seconds=30))


def test_samples_of_other_series_never_leak_into_a_judgement() -> None:
    feature, series = make_promised_feature()
    other, _ = make_promised_feature(value=50.0)
    services.refresh_health(feature_ids={feature.pk, other.pk}, at=NOON)
    assert dict(FeatureHealth.objects.values_list("feature_id", "status")) == {feature.pk: "healthy", other.pk: "down"}
    assert Sample.objects.filter(series=series).count() == 30


def _pipeline(source, **fields) -> Pipeline:
    defaults = {
        "external_id": "p",
        "name": "Nightly index",
        "first_seen_at": NOON,
        "active_at": NOON,
        "last_run_at": NOON,
    }
    return Pipeline.objects.create(source=source, **defaults | fields)


def _run(pipeline, state, at) -> Run:
    return Run.objects.create(
        source=pipeline.source, pipeline=pipeline, external_id=f"{at}", name="run", state=state, raw_state=state, at=at,
        finished_at=at, upstream_at=at, first_seen_at=at,
    )  # fmt: skip
