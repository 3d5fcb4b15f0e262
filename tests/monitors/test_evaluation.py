"""Monitors at work: alerts that open once and resolve themselves, silence that is not health, mutes, reminders."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.events.models import Event
from apps.incidents.models import Incident
from apps.metrics.models import Series
from apps.monitors import services
from apps.monitors.models import Alert, Monitor
from apps.monitors.services import evaluation
from apps.monitors.status import AlertState, MonitorState
from tests.factories import make_feature
from tests.metrics.factories import make_series

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def at() -> datetime:
    return timezone.now().replace(microsecond=0)


def _samples(end: datetime, values: list[float], step: timedelta = MINUTE) -> list[tuple[datetime, float]]:
    return [(end - step * (len(values) - 1 - row), value) for row, value in enumerate(values)]


def _series(end: datetime, values: list[float], **fields: Any) -> Series:
    return make_series(samples=_samples(end, values), **{"feature": make_feature()} | fields)


def _more(series: Series, end: datetime, values: list[float]) -> None:
    from apps.metrics.models import Sample

    for when, value in _samples(end, values):
        Sample.objects.create(series_id=series.pk, at=when, value=value)


def _monitor(series: Series, at: datetime, kind: str = "threshold", **fields: Any) -> Monitor:
    parameters = fields.pop("parameters", {"alert": 10, "warn": 8, "minutes": 2})
    return services.create_monitor(
        actor=None, series=series, at=at, name="Slow answers", kind=kind, parameters=parameters, **fields
    )


def _state(monitor: Monitor) -> str:
    monitor.condition.refresh_from_db()
    return monitor.condition.state


def _kinds() -> list[str]:
    return list(Event.objects.filter(kind__startswith="monitors:").order_by("id").values_list("kind", flat=True))


def test_a_broken_rule_opens_one_alert_and_resolves_it_by_itself(at: datetime) -> None:
    series = _series(at, [1, 20, 20])
    monitor = _monitor(series, at)
    assert services.evaluate_due(at=at) == 1
    alert = Alert.objects.get()
    assert (alert.state, alert.is_own, alert.monitor, alert.feature) == ("firing", True, monitor, series.feature)
    assert alert.inputs["value"] == 20
    assert _state(monitor) == MonitorState.ALERTING
    _more(series, at + MINUTE, [30])
    services.evaluate_due(at=at + 6 * MINUTE)
    assert Alert.objects.count() == 1
    _more(series, at + 8 * MINUTE, [1, 1, 1])
    services.evaluate_due(at=at + 12 * MINUTE)
    alert.refresh_from_db()
    assert alert.state == AlertState.RESOLVED
    assert _state(monitor) == MonitorState.FINE
    assert _kinds() == ["monitors:monitor:created", "monitors:alert:opened", "monitors:alert:resolved"]


def test_the_same_moment_twice_changes_nothing(at: datetime) -> None:
    monitor = _monitor(_series(at, [20, 20, 20]), at)
    services.evaluate_due(at=at)
    assert services.evaluate_due(at=at) == 0  # no longer due
    monitor.condition.refresh_from_db()
    evaluation.evaluate(condition=monitor.condition, at=at)
    assert Alert.objects.count() == 1
    assert _kinds().count("monitors:alert:opened") == 1


def test_an_evaluation_reads_only_what_came_since(
    at: datetime, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = _series(at, [1.0] * 50)
    monitor = _monitor(series, at)
    services.evaluate_due(at=at)
    _more(series, at + MINUTE, [2.0])
    read: list[tuple[float, float]] = []
    monkeypatch.setattr(evaluation, "read_samples", lambda _rule, samples: read.extend(samples))
    monitor.condition.refresh_from_db()
    evaluation.evaluate(condition=monitor.condition, at=at + 2 * MINUTE)
    assert [value for _, value in read] == [2.0]


def test_a_warning_is_told_and_opens_no_alert(at: datetime) -> None:
    monitor = _monitor(_series(at, [9, 9, 9]), at)
    services.evaluate_due(at=at)
    assert _state(monitor) == MonitorState.WARNING
    assert not Alert.objects.exists()
    assert "monitors:monitor:warned" in _kinds()


def test_silence_is_never_fine_and_holds_an_open_alert(at: datetime) -> None:
    monitor = _monitor(_series(at, [20, 20, 20]), at)
    services.evaluate_due(at=at)
    services.evaluate_due(at=at + timedelta(hours=2))
    assert _state(monitor) == MonitorState.NOT_EVALUATED
    assert "no news for 2" in monitor.condition.why
    assert Alert.objects.get().resolved_at is None


def test_a_series_without_samples_is_not_evaluated(at: datetime) -> None:
    monitor = _monitor(make_series(), at)
    services.evaluate_due(at=at)
    assert _state(monitor) == MonitorState.NOT_EVALUATED


def test_no_news_alerts_by_the_clock_and_ends_with_a_sample(at: datetime) -> None:
    series = _series(at - timedelta(minutes=45), [1, 1])
    monitor = _monitor(series, at, kind="no_data", parameters={"alert": 30})
    services.evaluate_due(at=at)
    assert _state(monitor) == MonitorState.ALERTING
    _more(series, at + MINUTE, [1])
    services.evaluate_due(at=at + 10 * MINUTE)
    assert Alert.objects.get().state == AlertState.RESOLVED


def test_a_misconfigured_monitor_says_why_and_the_others_go_on(at: datetime) -> None:
    wrong = _monitor(_series(at, [1, 1]), at, parameters={"alert": 5, "warn": 9})
    counter = _monitor(_series(at, [1, 2], kind="counter"), at)
    good = _monitor(_series(at, [1, 1]), at)
    assert services.evaluate_due(at=at) == 3
    assert (_state(wrong), _state(counter), _state(good)) == ("misconfigured", "misconfigured", "fine")
    assert "warning level" in wrong.condition.why
    assert "counts up" in counter.condition.why


def test_one_that_fails_does_not_keep_the_others_waiting(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, good = _monitor(_series(at, [1, 1]), at), _monitor(_series(at, [1, 1]), at)
    evaluate = evaluation.evaluate

    def failing(*, condition: Any, at: datetime) -> None:
        if condition.monitor_id == broken.pk:
            raise ZeroDivisionError
        evaluate(condition=condition, at=at)

    monkeypatch.setattr(evaluation, "evaluate", failing)
    assert services.evaluate_due(at=at) == 2
    assert (_state(broken), _state(good)) == ("not_evaluated", "fine")


def test_a_muted_monitor_judges_and_opens_nothing_and_fires_when_the_mute_ends(at: datetime, author: Any) -> None:
    series = _series(at, [20, 20])
    monitor = _monitor(series, at)
    services.silence(
        monitor=monitor, actor=author, reason="Planned", starts_at=at, ends_at=at + timedelta(hours=1), at=at
    )
    services.evaluate_due(at=at)
    assert _state(monitor) == MonitorState.ALERTING
    assert not Alert.objects.exists()
    later = at + timedelta(minutes=61)
    _more(series, later, [20, 20])
    services.evaluate_due(at=later)
    assert Alert.objects.get().state == AlertState.FIRING


def test_a_mute_of_a_feature_covers_its_monitors_until_it_is_ended(at: datetime, author: Any) -> None:
    series = _series(at, [20, 20])
    monitor = _monitor(series, at)
    muted = services.silence(
        monitor=monitor,
        actor=author,
        reason="Move",
        starts_at=at,
        ends_at=at + timedelta(hours=1),
        at=at,
        feature=series.feature,
    )
    services.evaluate_due(at=at)
    assert not Alert.objects.exists()
    assert services.lift_silence(silencing_id=muted.pk, actor=author, at=at + MINUTE)
    assert not services.lift_silence(silencing_id=muted.pk, actor=author, at=at + MINUTE)
    _more(series, at + 6 * MINUTE, [20, 20])
    services.evaluate_due(at=at + 6 * MINUTE)
    assert Alert.objects.count() == 1


def test_a_reminder_comes_until_somebody_acknowledges(at: datetime, author: Any) -> None:
    series = _series(at, [20, 20])
    _monitor(series, at, renotify_minutes=5)
    services.evaluate_due(at=at)
    _more(series, at + 6 * MINUTE, [20, 20])
    services.evaluate_due(at=at + 6 * MINUTE)
    assert _kinds().count("monitors:alert:still-firing") == 1
    alert = Alert.objects.get()
    assert services.acknowledge_alert(alert_id=alert.pk, actor=author, note="On it", at=at)
    assert not services.acknowledge_alert(alert_id=alert.pk, actor=author, note="", at=at)
    _more(series, at + 12 * MINUTE, [20, 20])
    services.evaluate_due(at=at + 12 * MINUTE)
    assert _kinds().count("monitors:alert:still-firing") == 1
    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.note) == (str(author), "On it")


def test_other_settings_begin_anew_and_end_the_alert(at: datetime, author: Any) -> None:
    series = _series(at, [20, 20])
    monitor = _monitor(series, at)
    services.evaluate_due(at=at)
    services.change_monitor(monitor_id=monitor.pk, actor=author, at=at, parameters={"alert": 50, "minutes": 2})
    assert Alert.objects.get().state == AlertState.RESOLVED
    services.evaluate_due(at=at)
    assert _state(monitor) == MonitorState.FINE


def test_switched_off_it_rests_and_its_alert_ends(at: datetime, author: Any) -> None:
    monitor = _monitor(_series(at, [20, 20]), at)
    services.evaluate_due(at=at)
    assert services.switch_monitor(monitor_id=monitor.pk, is_enabled=False, actor=author, at=at)
    assert not services.switch_monitor(monitor_id=monitor.pk, is_enabled=False, actor=author, at=at)
    assert Alert.objects.get().state == AlertState.RESOLVED
    assert services.evaluate_due(at=at + timedelta(hours=1)) == 0
    assert _state(monitor) == MonitorState.SWITCHED_OFF


def test_a_removed_monitor_leaves_its_past_alerts(at: datetime, author: Any) -> None:
    monitor = _monitor(_series(at, [20, 20]), at)
    services.evaluate_due(at=at)
    services.remove_monitor(monitor_id=monitor.pk, actor=author, at=at)
    alert = Alert.objects.get()
    assert (alert.state, alert.monitor) == (AlertState.RESOLVED, None)


def test_the_punctuality_of_pipelines_leaves_alerts_of_monitors_alone(at: datetime) -> None:
    _monitor(_series(at, [20, 20]), at)
    services.evaluate_due(at=at)
    services.follow_punctuality(at=at)
    assert Alert.objects.get().state == AlertState.FIRING


def test_an_anomaly_monitor_writes_its_large_memory_rarely(at: datetime) -> None:
    series = _series(at, [float(50 + row % 7) for row in range(700)])
    monitor = _monitor(series, at, kind="anomaly", parameters={"alert": 0.5, "minutes": 30})
    services.evaluate_due(at=at)
    monitor.condition.refresh_from_db()
    first = monitor.condition.seen_until
    assert first == at
    _more(series, at + MINUTE, [51.0])
    services.evaluate_due(at=at + 6 * MINUTE)
    monitor.condition.refresh_from_db()
    assert monitor.condition.state == MonitorState.FINE
    assert len(monitor.condition.memory) < 400_000


def test_a_backtest_says_how_often_it_would_have_fired(at: datetime, author: Any) -> None:
    series = _series(at, [1, 20, 1, 1, 20, 20, 1])
    test = services.queue_backtest(
        actor=author, series=series, kind="threshold", parameters={"alert": 10, "minutes": 1}, at=at
    )
    assert services.run_next_backtest(at=at)
    assert not services.run_next_backtest(at=at)
    test.refresh_from_db()
    assert (test.state, len(test.episodes), test.samples, test.progress) == ("done", 2, 7, 100)
    assert not Alert.objects.exists()


def test_a_backtest_says_how_many_alarms_were_inside_incidents(at: datetime, author: Any) -> None:
    series = _series(at, [1, 20, 1, 1, 20, 20, 1])
    series.feature = make_feature()
    series.save()
    for state, began in (("resolved", at - 3 * MINUTE), ("dismissed", at - HOUR), ("draft", at - HOUR)):
        clocks = {"impact_started_at": began, "detected_at": began, "declared_at": began, "updated_at": began}
        incident = Incident.objects.create(title=state, state=state, resolved_at=at - MINUTE, **clocks)
        incident.features.add(series.feature)
    test = services.queue_backtest(
        actor=author, series=series, kind="threshold", parameters={"alert": 10, "minutes": 1}, at=at
    )
    services.run_next_backtest(at=at)
    test.refresh_from_db()
    assert [one["inside"] for one in test.episodes] == [False, True]


@pytest.mark.parametrize(("schedule", "is_quiet"), [("{minute} {hour} * * *", True), ("0 0 1 1 *", False)])
def test_a_mute_that_comes_again_is_quiet_in_its_windows_only(
    at: datetime, author: Any, schedule: str, is_quiet: bool
) -> None:
    monitor = _monitor(_series(at, [20, 20]), at)
    begins = at - 10 * MINUTE
    services.silence(
        monitor=monitor, actor=author, at=at, reason="Nightly import", starts_at=at - 3 * HOUR * 24,
        ends_at=at + 3 * HOUR * 24, minutes=30, schedule=schedule.format(minute=begins.minute, hour=begins.hour),
    )  # fmt: skip
    services.evaluate_due(at=at)
    assert Alert.objects.exists() is not is_quiet


def test_a_backtest_of_a_rule_that_cannot_be_says_why(at: datetime, author: Any) -> None:
    test = services.queue_backtest(actor=author, series=_series(at, [1]), kind="threshold", parameters={}, at=at)
    services.run_next_backtest(at=at)
    test.refresh_from_db()
    assert (test.state, test.problem) == ("failed", "It has no alert level.")
