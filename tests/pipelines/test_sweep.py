"""The sweep: what is due is judged, what turns is told once, and an alert follows and resolves itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.connectors.records import Kind, Listing, RunState, Trigger
from apps.events.models import Event
from apps.health import services as health
from apps.monitors import services as monitors
from apps.monitors.models import Alert
from apps.pipelines import services
from apps.pipelines.models import Expectation, PauseSpan, Pipeline, Punctuality
from apps.sources.mapping import Mapper
from apps.sources.models import SourceState
from tests.factories import make_feature, make_source
from tests.pipelines.factories import make_pipeline, make_run
from tests.pipelines.records import a_pipeline, a_run

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUE = datetime(2026, 11, 24, 2, tzinfo=UTC)
LATE = DUE + timedelta(minutes=16)


def _heard(at, source=None):
    sources = SourceState.objects.filter(source=source) if source else SourceState.objects.all()
    sources.update(last_success_at=at + timedelta(seconds=30))


def _sweep(at, *, is_heard=True):
    if is_heard:
        _heard(at)
    services.judge_due(at=at)
    monitors.follow_punctuality(at=at)
    return Punctuality.objects.order_by("pk").first()


@pytest.fixture
def nightly(source):
    """A pipeline that its source says runs at 02:00 UTC, watched since Monday noon."""
    services.upsert_pipelines(
        source=source, records=[a_pipeline(schedule="0 2 * * *")], mapper=Mapper(source), at=MONDAY
    )
    SourceState.objects.get_or_create(source=source)
    _sweep(MONDAY)
    return Pipeline.objects.get()


def _kinds():
    return list(
        Event.objects.filter(kind__startswith="pipelines:punctuality").order_by("pk").values_list("kind", flat=True)
    )


def _ran(at, **fields):
    defaults = {"started_at": at, "finished_at": at + timedelta(minutes=5), "updated_at": at + timedelta(minutes=5)}
    return a_run(f"run-{at:%d-%H%M}", **defaults | fields)


def test_a_schedule_alone_makes_a_pipeline_watched(nightly):
    row = nightly.punctuality
    assert (row.state, row.basis, row.expected) == ("waiting", "schedule", "0 2 * * * (UTC)")
    assert row.next_due_at == DUE
    assert row.judge_at == DUE + timedelta(seconds=1)


def test_only_what_is_due_is_judged(nightly):
    make_pipeline(source=nightly.source)
    assert services.judge_due(at=MONDAY + timedelta(hours=1)).judged == 0
    with CaptureQueriesContext(connection) as queries:
        services.judge_due(at=MONDAY + timedelta(hours=1))
    assert len(queries) <= 4


def test_a_late_run_is_told_once_and_opens_one_alert(nightly):
    _sweep(DUE + timedelta(minutes=1))
    row = _sweep(LATE)
    assert (row.state, row.since) == ("late", DUE + timedelta(minutes=15))
    assert row.sentence == "No run has been seen; one was due Tue 02:00 and 15 min of grace have passed."
    for minutes in (1, 2, 3):
        _sweep(LATE + timedelta(minutes=minutes))
    assert _kinds() == ["pipelines:punctuality:late"]
    alert = Alert.objects.get()
    assert (alert.state, alert.is_own, alert.name) == ("firing", True, "Nightly evaluation is not on time")
    assert alert.summary == row.sentence
    assert set(Event.objects.values_list("url", flat=True)) == {nightly.url, ""}, "links of events lead to the source"


def test_a_dead_job_is_missed_and_stays_one_alert_for_days(nightly):
    for hours in (0, 5, 23, 24, 30, 48, 60, 72, 95):
        _sweep(DUE + timedelta(hours=hours, minutes=20))
    assert _kinds() == ["pipelines:punctuality:late", "pipelines:punctuality:missed"]
    assert Alert.objects.count() == 1
    assert Event.objects.filter(kind="monitors:alert:opened").count() == 1


def test_a_run_that_comes_resolves_it_at_the_next_sweep(nightly, tell):
    _sweep(LATE)
    came = DUE + timedelta(minutes=40)
    tell(_ran(came), at=came + timedelta(minutes=6))
    row = _sweep(came + timedelta(minutes=7))
    assert row.state == "recovered"
    assert _kinds() == ["pipelines:punctuality:late", "pipelines:punctuality:recovered"]
    assert Alert.objects.get().state == "resolved"
    assert Event.objects.filter(kind="monitors:alert:resolved").count() == 1


def test_a_run_in_time_tells_nothing(nightly, tell):
    tell(_ran(DUE + timedelta(minutes=2)), at=DUE + timedelta(minutes=8))
    assert _sweep(DUE + timedelta(minutes=20)).state == "on_time"
    assert _kinds() == []
    assert not Alert.objects.exists()


def test_a_backfill_changes_nothing(nightly, tell):
    tell(_ran(DUE + timedelta(minutes=2), trigger=Trigger.BACKFILL), at=DUE + timedelta(minutes=8))
    assert _sweep(LATE).state == "late"


def test_a_silent_source_is_no_alarm_and_keeps_an_open_one(nightly):
    _heard(DUE - timedelta(hours=1))
    row = _sweep(LATE, is_heard=False)
    assert (row.state, Alert.objects.count()) == ("unknown", 0)
    _sweep(LATE + timedelta(minutes=2))
    assert Alert.objects.get().state == "firing"
    services.judge_due(at=DUE + timedelta(hours=24, minutes=1))
    monitors.follow_punctuality(at=DUE + timedelta(hours=24, minutes=1))
    assert Punctuality.objects.get().state == "unknown"
    assert Alert.objects.get().state == "firing"


def test_news_from_before_the_deadline_proves_nothing(nightly):
    _heard(DUE + timedelta(minutes=14, seconds=50))
    assert _sweep(DUE + timedelta(minutes=15, seconds=10), is_heard=False).state == "waiting"


def test_a_pause_is_recorded_and_excuses(nightly, source):
    def say(at, **fields):
        records = [a_pipeline(schedule="0 2 * * *", **fields)]
        services.upsert_pipelines(source=source, records=records, mapper=Mapper(source), at=at)

    say(DUE - timedelta(hours=1), is_paused=True)
    assert _sweep(LATE).state == "paused"
    say(DUE + timedelta(hours=1), is_paused=False)
    span = PauseSpan.objects.get()
    assert (span.started_at, span.ended_at) == (DUE - timedelta(hours=1), DUE + timedelta(hours=1))
    assert _sweep(DUE + timedelta(hours=2)).state == "waiting"
    assert _sweep(DUE + timedelta(days=1, minutes=16)).state == "late"
    assert _kinds() == ["pipelines:punctuality:late"]


def test_a_changed_schedule_begins_anew(nightly, source):
    records = [a_pipeline(schedule="0 1 * * *")]
    services.upsert_pipelines(source=source, records=records, mapper=Mapper(source), at=DUE - timedelta(minutes=30))
    assert _sweep(LATE).state == "waiting"


def test_what_people_expect_goes_before_the_schedule(nightly, django_user_model):
    wanted = Expectation(kind="cron", cron="0 3 * * *", zone="UTC", grace_seconds=60)
    services.set_expectation(pipeline=nightly, wanted=wanted, actor=None, at=MONDAY)
    row = _sweep(MONDAY + timedelta(seconds=1))
    assert (row.basis, row.expected) == ("person", "0 3 * * * (UTC)")
    assert _sweep(DUE + timedelta(minutes=30)).state == "waiting"
    assert _sweep(DUE + timedelta(minutes=62)).state == "late"
    services.remove_expectation(pipeline=nightly, actor=None, at=DUE + timedelta(hours=2))
    assert _sweep(DUE + timedelta(hours=2)).expected == "0 2 * * * (UTC)"


def test_an_open_alert_follows_what_is_known_and_where_it_belongs(nightly):
    _sweep(LATE)
    feature = make_feature()
    Pipeline.objects.update(feature=feature)
    row = _sweep(DUE + timedelta(days=1, minutes=1))
    alert = Alert.objects.get()
    assert "never came" in alert.summary
    assert (alert.summary, alert.feature) == (row.sentence, feature)


def test_a_muted_pipeline_is_judged_without_an_alert(nightly):
    wanted = Expectation(kind="schedule", is_muted=True)
    services.set_expectation(pipeline=nightly, wanted=wanted, actor=None, at=MONDAY)
    assert _sweep(LATE).state == "late"
    assert not Alert.objects.exists()


def test_muting_resolves_the_alert(nightly):
    _sweep(LATE)
    services.set_expectation(pipeline=nightly, wanted=Expectation(is_muted=True), actor=None, at=LATE)
    _sweep(LATE + timedelta(minutes=1))
    assert Alert.objects.get().state == "resolved"


def test_a_follower_is_judged_when_the_pipeline_before_it_succeeded(nightly, source, tell):
    follower = make_pipeline(source=source, name="Load answers")
    wanted = Expectation(kind="after", upstream=nightly, within_seconds=600, grace_seconds=60)
    services.set_expectation(pipeline=follower, wanted=wanted, actor=None, at=MONDAY)
    _sweep(MONDAY)
    assert Punctuality.objects.get(pk=follower.pk).state == "waiting"
    tell(_ran(DUE), at=DUE + timedelta(minutes=6))
    _sweep(DUE + timedelta(minutes=7))
    _sweep(DUE + timedelta(minutes=17))
    row = Punctuality.objects.get(pk=follower.pk)
    assert row.state == "late"
    assert row.expected == "within 10 min after Nightly evaluation"


def test_a_complete_listing_of_the_sources_alerts_leaves_ours_open(nightly):
    _sweep(LATE)
    monitors.mark_absent(source=nightly.source, listing=Listing(kind=Kind.ALERT, external_ids=frozenset()), at=LATE)
    assert Alert.objects.get().resolved_at is None


def test_a_pipeline_that_is_gone_expects_nothing(nightly, source):
    for _ in range(2):
        listing = Listing(kind=Kind.PIPELINE, external_ids=frozenset())
        services.mark_absent(source=source, listing=listing, at=DUE - timedelta(minutes=5))
    row = _sweep(LATE)
    assert (row.state, row.reason) == ("", "Its source no longer lists it.")


def test_a_long_run_is_told_by_what_history_taught(nightly, tell):
    for day in range(1, 13):
        at = DUE - timedelta(days=day)
        make_run(nightly, at=at, finished_at=at + timedelta(minutes=10), trigger="schedule")
    Punctuality.objects.update(learned_at=None)
    tell(_ran(DUE, state=RunState.RUNNING, finished_at=None, updated_at=DUE), at=DUE + timedelta(minutes=1))
    assert _sweep(DUE + timedelta(minutes=15)).state == "on_time"
    row = _sweep(DUE + timedelta(minutes=21))
    assert row.state == "running_long"
    assert row.sentence == "Running for 21 min since Tue 02:00, longer than the 20 min expected."
    assert _kinds() == ["pipelines:punctuality:running-long"]


def test_a_hundred_due_pipelines_take_no_more_queries_than_one(db):
    def queries_of(count):
        source = make_source(connector="prefect")
        SourceState.objects.get_or_create(source=source)
        records = [a_pipeline(f"p{n}", schedule="0 2 * * *") for n in range(count)]
        services.upsert_pipelines(source=source, records=records, mapper=Mapper(source), at=MONDAY)
        _heard(MONDAY)
        with CaptureQueriesContext(connection) as queries:
            assert services.judge_due(at=MONDAY).judged == count
        return len(queries)

    assert queries_of(100) == queries_of(1) <= 8


@time_machine.travel(LATE, tick=False)
def test_a_late_pipeline_degrades_its_feature_with_the_sentence(source):
    feature = make_feature(name="Search Answers")
    SourceState.objects.get_or_create(source=source)
    pipeline = make_pipeline(source=source, name="Nightly index", schedule="0 2 * * *", feature=feature)
    Punctuality.objects.create(pipeline=pipeline, judge_at=MONDAY)
    _sweep(MONDAY)
    _heard(LATE)
    said = health.judge_pipelines(at=LATE)
    assert said == "1 pipelines judged, 1 changed, 1 alerts opened or resolved"
    judged = feature.health
    assert judged.status == "degraded"
    assert "Nightly index” is late" in judged.sentence
    reason = next(one for one in judged.reasons if one["rule"] == "pipeline-late")
    assert "No run has been seen; one was due Tue 02:00" in reason["text"]
