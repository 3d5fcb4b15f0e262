"""Monitors and objectives, recorded by the services that record them in earnest: from the first word to removal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.metrics.models import Sample, Series
from apps.monitors import services
from apps.monitors.models import Alert, Monitor
from apps.monitors.status import MonitorState
from apps.sources.models import Source
from tests.metrics.factories import every, make_series

AT = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE


def record_monitors(source: Source, feature: Feature) -> None:
    """Everything that can happen to a monitor, to its alert and to an objective; no alert stays open."""
    lena = User.objects.create_user("lena", role="engineer", full_name="Lena Fischer")
    wait = make_series(source=source, feature=feature, name="Slowest answers", samples=every(60, [1, 9, 9], until=AT))
    monitor = _monitor(wait, lena)
    _alerted(monitor, wait, lena)
    _changed_and_removed(monitor, lena)
    _misconfigured(source, feature, lena)
    _objective(source, feature, lena)


def _monitor(series: Series, actor: User, name: str = "Slow answers") -> Monitor:
    rule = {"kind": "threshold", "parameters": {"alert": 10, "warn": 8, "minutes": 2}, "renotify_minutes": 5}
    return services.create_monitor(actor=actor, series=series, at=AT, name=name, **rule)


def _alerted(monitor: Monitor, series: Series, actor: User) -> None:
    """It warns, then fires, is told again, and somebody looks at it."""
    _judge(AT)
    for minute in (6, 12):
        _measured(series, [20, 20], AT + minute * MINUTE)
        _judge(AT + minute * MINUTE)
    alert = Alert.objects.get(monitor=monitor)
    at = AT + 13 * MINUTE
    assert services.acknowledge_alert(alert_id=alert.pk, actor=actor, note="The index is being merged.", at=at)


def _changed_and_removed(monitor: Monitor, actor: User) -> None:
    higher = {"alert": 30, "warn": 25, "minutes": 2}
    services.change_monitor(monitor_id=monitor.pk, actor=actor, at=AT + 14 * MINUTE, parameters=higher)
    muted = services.silence(
        monitor=monitor,
        actor=actor,
        reason="The index moves to new disks.",
        starts_at=AT + 15 * MINUTE,
        ends_at=AT + 2 * HOUR,
        at=AT + 15 * MINUTE,
    )
    assert services.lift_silence(silencing_id=muted.pk, actor=actor, at=AT + 16 * MINUTE)
    assert services.switch_monitor(monitor_id=monitor.pk, is_enabled=False, actor=actor, at=AT + 17 * MINUTE)
    services.remove_monitor(monitor_id=monitor.pk, actor=actor, at=AT + 18 * MINUTE)


def _misconfigured(source: Source, feature: Feature, actor: User) -> None:
    """Nothing can be judged by the height of a number that only grows."""
    counter = make_series(source=source, feature=feature, kind="counter", samples=every(60, [1, 2], until=AT))
    monitor = _monitor(counter, actor, "Many errors")
    _judge(AT)
    monitor.condition.refresh_from_db()
    assert monitor.condition.state == MonitorState.MISCONFIGURED


def _objective(source: Source, feature: Feature, actor: User) -> None:
    """A fifth of the answers took too long, where a tenth may; then the hours of a load test are left out."""
    at = AT.replace(minute=59)
    waits = make_series(
        source=source, feature=feature, is_primary=False, samples=every(600, [1.0] * 80 + [3.0] * 20, until=at)
    )
    promise = {"name": "Fast answers", "limit": 2.0, "objective": 90.0, "days": 7}
    slo = services.create_slo(actor=actor, at=at, feature=feature, series=waits, **promise)
    stretch = {"starts_at": at - 4 * HOUR, "ends_at": at + MINUTE, "reason": "A load test ran."}
    services.correct_slo(slo=slo, actor=actor, at=at + MINUTE, **stretch)
    why = "Promised to a customer."
    services.change_slo(slo_id=slo.pk, actor=actor, reason=why, at=at + MINUTE, objective=95.0)
    services.remove_slo(slo_id=slo.pk, actor=actor, at=at + 2 * MINUTE)


def _measured(series: Series, values: Sequence[float], until: datetime) -> None:
    Sample.objects.bulk_create(
        [Sample(series_id=series.pk, at=at, value=value) for at, value in every(60, values, until=until)]
    )


def _judge(at: datetime) -> None:
    assert services.evaluate_due(at=at) == 1
