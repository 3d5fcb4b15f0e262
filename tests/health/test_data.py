"""Old data are carried downstream to exactly the features that answer from them, and told once each way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Component, Dependency, Feature
from apps.connectors.records import RunState, Trigger
from apps.deployments.models import Deployment, Revision, Running
from apps.events.models import Event
from apps.health import queries, services
from apps.health.models import DataFreshness, FeatureHealth
from apps.pipelines import services as pipelines
from apps.pipelines.models import Expectation, Pipeline, Punctuality
from apps.sources.mapping import Mapper
from apps.sources.models import Source, SourceState
from tests.factories import make_component, make_environment, make_feature
from tests.health.factories import make_heard_source, make_promised_feature
from tests.metrics.factories import NOON
from tests.pipelines.records import a_run

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
WINDOW = {"warn_after_hours": 6.0, "fail_after_hours": 24.0, "due_by": "", "time_zone": "UTC"}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@dataclass
class World:
    """A pipeline below a diamond of two indexes, features on either side, and one that has nothing to do with it."""

    source: Source
    pipeline: Pipeline
    index: Component
    search: Feature  # through both sides of the diamond
    coach: Feature  # through one side
    judged: Feature  # by an evaluation that needs the pipeline
    other: Feature

    def ran(self, hours_ago: float, state: RunState = RunState.SUCCEEDED, **fields: Any) -> None:
        """A run of the pipeline that took 5 minutes."""
        at = NOON - hours_ago * HOUR
        fields = {"trigger": Trigger.SCHEDULE, "started_at": at, "finished_at": at + timedelta(minutes=5)} | fields
        name = f"run-{fields['started_at']:%d-%H%M}-{state}-{fields.get('partition_key', '')}"
        record = a_run(fields.pop("id", name), state, updated_at=at + timedelta(minutes=5), **fields)
        pipelines.upsert_runs(source=self.source, records=[record], mapper=Mapper(self.source), at=max(NOON, at))
        self.pipeline.refresh_from_db()

    def judge(self, at: datetime = NOON) -> None:
        """A sweep, with the source heard."""
        SourceState.objects.filter(source=self.source).update(last_success_at=at)
        services.judge_pipelines(at=at)
        services.refresh_health(feature_ids=Feature.objects.values_list("pk", flat=True), at=at)

    @property
    def behind(self) -> dict[str, str]:
        """feature -> why its answers may be old."""
        rows = FeatureHealth.objects.exclude(data_because="").select_related("feature")
        return {row.feature.name: row.data_because for row in rows}


@pytest.fixture
def world() -> World:
    source = make_heard_source()
    search, _ = make_promised_feature(name="Search", source=source)
    coach, _ = make_promised_feature(name="Coach", source=source)
    judged, _ = make_promised_feature(name="Judged", source=source)
    other, _ = make_promised_feature(name="Other", source=source)
    nightly = make_component(name="Nightly", kind="pipeline")
    left, right = (make_component(name=f"{side} index", kind="index") for side in ("Left", "Right"))
    search_api, coach_api, other_api = (make_component(feature=one) for one in (search, coach, other))
    helper = make_component(name="Helper")
    suite = make_component(feature=judged, kind="evaluation_suite")
    for consumer, provider in (
        (left, nightly), (right, nightly), (search_api, left), (search_api, right), (coach_api, right),
        (suite, nightly), (other_api, make_component(kind="index")), (left, helper), (helper, left),  # a circle
    ):  # fmt: skip
        Dependency.objects.create(consumer=consumer, provider=provider)
    pipeline = Pipeline.objects.create(
        source=source,
        external_id="nightly",
        name="Nightly index",
        component=nightly,
        first_seen_at=NOON,
        active_at=NOON,
    )
    return World(source, pipeline, left, search, coach, judged, other)


def _kinds(prefix: str) -> list[str]:
    return list(Event.objects.filter(kind__startswith=prefix).order_by("pk").values_list("kind", flat=True))


def _reasons(feature: Feature) -> dict[str, str]:
    health = FeatureHealth.objects.get(feature=feature)
    return {reason["key"]: reason["rule"] for reason in health.reasons}


def test_a_failed_run_marks_every_feature_downstream_and_only_those(world: World) -> None:
    world.ran(14)
    world.judge()
    assert world.behind == {}
    world.ran(1, RunState.FAILED)
    world.judge()
    assert world.behind == {
        "Search": "the pipeline “Nightly index” failed",
        "Coach": "the pipeline “Nightly index” failed",
    }
    health = world.search.health
    assert (health.status, health.data_as_of, health.data_since) == (
        "degraded",
        NOON - 14 * HOUR,
        NOON - 55 * timedelta(minutes=1),
    )
    assert "answers may be old, because the pipeline “Nightly index” failed" in health.sentence
    assert FeatureHealth.objects.get(feature=world.other).status == "healthy"
    assert FeatureHealth.objects.get(feature=world.judged).data_because == ""


def test_the_page_of_a_pipeline_names_exactly_the_features_that_are_marked(world: World) -> None:
    world.ran(14)
    world.ran(1, RunState.FAILED)
    world.judge()
    carried = queries.goes_stale_with(component_id=world.pipeline.component_id)
    assert {one.name for one in carried.features} == set(world.behind)
    assert {"Left index", "Right index"} <= {one.name for one in carried.components}


def test_recovery_clears_the_mark_and_each_way_is_told_once(world: World) -> None:
    world.ran(14)
    for minutes in range(3):
        world.judge(NOON + timedelta(minutes=minutes))
    world.ran(1, RunState.FAILED)
    for minutes in range(3, 6):
        world.judge(NOON + timedelta(minutes=minutes))
    assert _kinds("health:data") == ["health:data:behind"] * 2
    event = Event.objects.filter(kind="health:data:behind", feature=world.search).get()
    assert event.title == "Search: answers may be old, because the pipeline “Nightly index” failed"
    world.ran(0.2)
    for minutes in range(6, 9):
        world.judge(NOON + timedelta(minutes=minutes))
    assert world.behind == {}
    assert _kinds("health:data") == ["health:data:behind"] * 2 + ["health:data:current"] * 2


def test_a_backfill_of_an_old_partition_clears_nothing(world: World) -> None:
    world.ran(30)
    world.ran(6, RunState.FAILED)
    world.ran(2, trigger=Trigger.BACKFILL, partition_key="2026-11-02")
    world.ran(1, trigger=Trigger.BACKFILL)
    world.judge()
    assert set(world.behind) == {"Search", "Coach"}
    assert world.pipeline.data_as_of == NOON - 30 * HOUR


def test_a_run_by_hand_of_an_old_date_clears_nothing_and_one_of_the_newest_does(world: World) -> None:
    world.ran(40)
    world.ran(6, RunState.FAILED, partition_key="2026-11-23")
    world.ran(2, trigger=Trigger.MANUAL, partition_key="2026-11-10")
    world.judge()
    assert set(world.behind) == {"Search", "Coach"}
    world.ran(1, trigger=Trigger.MANUAL, partition_key="2026-11-23")
    world.judge()
    assert world.behind == {}


def test_a_failed_backfill_of_an_old_partition_marks_nothing(world: World) -> None:
    world.ran(6)
    world.ran(1, RunState.FAILED, trigger=Trigger.BACKFILL, partition_key="2026-11-02")
    world.judge()
    assert world.behind == {}
    assert FeatureHealth.objects.get(feature=world.search).status == "healthy"


def test_the_failed_run_itself_repeated_clears_the_mark(world: World) -> None:
    due = NOON - 6 * HOUR
    world.ran(30)
    world.ran(6, RunState.FAILED, id="same", scheduled_for=due)
    world.judge()
    assert set(world.behind) == {"Search", "Coach"}
    world.ran(1, id="same", scheduled_for=due)
    world.judge()
    assert world.behind == {}


def test_a_late_run_marks_the_features_with_what_is_late(world: World) -> None:
    world.ran(36)
    Expectation.objects.create(pipeline=world.pipeline, kind="cron", cron="0 2 * * *", zone="UTC")
    pipelines.judge_due(at=NOON)
    Punctuality.objects.update(expected_from=NOON - 72 * HOUR, judge_at=NOON)
    world.judge()
    assert set(world.behind.values()) <= {
        "the pipeline “Nightly index” is late",
        "the pipeline “Nightly index” missed a run",
    }
    assert set(world.behind) == {"Search", "Coach"}
    assert world.search.health.data_as_of == NOON - 36 * HOUR


def test_a_pipeline_of_an_environment_before_production_marks_nothing(world: World) -> None:
    Pipeline.objects.update(environment=make_environment(is_production=False))
    world.ran(14)
    world.ran(1, RunState.FAILED)
    world.judge()
    assert world.behind == {}


def _limit(world: World, **said: Any) -> None:
    Component.objects.filter(pk=world.index.pk).update(freshness=WINDOW | said)


def test_an_index_is_judged_by_the_runs_that_feed_it(world: World) -> None:
    _limit(world)
    world.judge()
    row = DataFreshness.objects.get()
    assert (row.status, row.sentence) == ("unknown", "the pipeline “Nightly index” has not refreshed it yet")
    world.ran(7)
    world.judge(NOON + timedelta(seconds=15))
    row = DataFreshness.objects.get()
    assert (row.status, row.as_of, row.since) == ("warn", NOON - 7 * HOUR, NOON - HOUR)
    assert world.behind == {"Search": "“Left index” was not refreshed in time"}, (
        "only one side of the diamond is limited"
    )
    assert FeatureHealth.objects.get(feature=world.search).status == "healthy", "a warning changes no status"
    assert _reasons(world.search)[f"data:{world.index.pk}"] == "data-aging"


def test_data_that_are_too_old_degrade_what_answers_from_them_and_time_alone_is_enough(world: World) -> None:
    _limit(world)
    world.ran(5)
    world.judge()
    assert DataFreshness.objects.get().status == "fresh"
    at = NOON + 19 * HOUR
    SourceState.objects.update(last_success_at=at)
    services.judge_pipelines(at=at)
    assert DataFreshness.objects.get().status == "fail"
    assert _reasons(world.search)[f"data:{world.index.pk}"] == "data-old"
    assert _kinds("health:dataset") == ["health:dataset:old"]
    world.ran(-18)
    world.judge(at + timedelta(minutes=1))
    assert _kinds("health:dataset") == ["health:dataset:old", "health:dataset:fresh"]
    assert world.behind == {}


def test_one_failure_is_told_as_one_trouble(world: World) -> None:
    _limit(world)
    world.ran(30)
    world.ran(1, RunState.FAILED)
    world.judge()
    assert {"pipeline-failed", "data-old"} <= set(_reasons(world.search).values())
    assert "more thing" not in world.search.health.sentence


def test_a_source_that_is_silent_makes_old_data_unknown_and_tells_nothing(world: World) -> None:
    _limit(world)
    world.ran(5)
    world.judge()
    services.judge_pipelines(at=NOON + 2 * HOUR)
    assert DataFreshness.objects.get().status == "unknown"
    assert _kinds("health:dataset") == []


def test_an_older_build_of_an_index_that_came_back_makes_it_old_again(world: World) -> None:
    _limit(world)
    world.ran(5)
    old = Revision.objects.create(component_name="left", kind="index", reference="b1", first_seen_at=NOON)
    common = {"source": world.source, "component": world.index, "component_name": "left", "environment_name": "prod"}
    common |= {"state": "succeeded", "raw_state": "ok", "upstream_at": NOON, "first_seen_at": NOON, "revision": old}
    Deployment.objects.create(external_id="d1", started_at=NOON - 50 * HOUR, **common)
    back = Deployment.objects.create(external_id="d2", started_at=NOON - HOUR, is_rollback=True, **common)
    Running.objects.create(
        component_name="left",
        environment_name="prod",
        kind="index",
        source=world.source,
        deployment=back,
        since=NOON - HOUR,
    )
    world.judge()
    row = DataFreshness.objects.get()
    assert (row.status, row.as_of) == ("fail", NOON - 50 * HOUR)
    world.ran(0.5)
    world.judge(NOON + timedelta(minutes=1))
    assert DataFreshness.objects.get().status == "fresh"


def test_the_sweep_costs_the_same_however_many_components_there_are(world: World) -> None:
    _limit(world)
    world.ran(5)
    world.judge()

    def cost(at: datetime) -> int:
        with CaptureQueriesContext(connection) as made:
            services.refresh_data(fed_by={world.pipeline.component_id or 0}, at=at)
        return len(made)

    before = cost(NOON + timedelta(seconds=15))
    for _ in range(20):
        make_component(kind="index")
    assert cost(NOON + timedelta(seconds=30)) <= before
    with CaptureQueriesContext(connection) as made:
        assert services.refresh_data(fed_by=set(), at=NOON + timedelta(seconds=31)) == set()
    assert len(made) <= 4, "nothing is due"


def test_limits_that_people_take_away_end_the_judgement(world: World) -> None:
    _limit(world)
    world.ran(30)
    world.judge()
    assert set(world.behind) == {"Search"}
    Component.objects.filter(pk=world.index.pk).update(freshness=None)
    world.judge(NOON + timedelta(minutes=1))
    assert world.behind == {}
    assert not queries.judged_data().exists()


def test_a_retired_feature_goes_stale_with_nothing(world: World) -> None:
    Feature.objects.filter(pk=world.coach.pk).update(is_retired=True)
    make_feature(name="New")
    carried = queries.goes_stale_with(component_id=world.pipeline.component_id)
    assert [one.name for one in carried.features] == ["Search"]
    assert queries.goes_stale_with(component_id=None).features == []
