"""Alerts of monitors: one a broken rule, resolved when the rule holds again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.monitors.models import Alert, Monitor
from apps.monitors.rules import Reading
from apps.monitors.services.events import opened_events, resolved_events
from apps.monitors.status import AlertState

PREFIX: Final = "opsportal:monitor:"
_TOLD: Final = (
    *("id", "external_id", "name", "summary", "severity", "opened_at", "resolved_at"),
    *("feature_id", "component_id", "environment_id", "state"),
)


def open_alert(*, monitor: Monitor, reading: Reading, at: datetime) -> Alert | None:
    """The alert of a rule that is broken: opened, or None when it was open and only its words moved on."""
    found = _open_one(monitor)
    if found:
        _remind(found, monitor, reading, at)
        return None
    series = monitor.series
    alert = Alert.objects.create(
        source=series.source,
        external_id=f"{PREFIX}{monitor.pk}",
        name=monitor.name[:300],
        state=AlertState.FIRING,
        severity=monitor.severity,
        summary=f"{series.name[:200]}: {reading.why}",
        labels={"monitor": monitor.name, "kind": monitor.kind_label},
        feature_id=series.feature_id,
        component_id=series.component_id,
        environment_id=series.environment_id,
        opened_at=at,
        is_own=True,
        last_seen_at=at,
        monitor=monitor,
        told_at=at,
        inputs={
            "kind": monitor.kind,
            "rule": monitor.kind_label,
            "parameters": monitor.parameters,
            "settings": monitor.settings,
            "value": reading.value,
            "unit": monitor.unit,
            "why": reading.why,
            "series": series.pk,
            "series_name": series.name,
        },
    )
    record_events(events=opened_events(alerts=[_row(alert, "")], source=series.source))
    ring(topics={"alerts", alert.topic})
    return alert


def resolve_alert(*, monitor: Monitor, at: datetime) -> Alert | None:
    """End the alert of a monitor; None when none is open."""
    alert = _open_one(monitor)
    if alert is None:
        return None
    alert.state, alert.resolved_at, alert.last_seen_at = AlertState.RESOLVED, max(at, alert.opened_at), at
    alert.save(update_fields=["state", "resolved_at", "last_seen_at"])
    record_events(events=resolved_events(alerts=[_row(alert, AlertState.FIRING)], source=alert.source))
    ring(topics={"alerts", alert.topic})
    return alert


def acknowledge_alert(*, alert_id: int, actor: User, note: str, at: datetime) -> bool:
    """Somebody looks at it; False when somebody already does, or when it is over."""
    with transaction.atomic():
        alert = Alert.objects.select_for_update(of=("self",)).select_related("source").get(pk=alert_id)
        if alert.acknowledged_at or alert.resolved_at:
            return False
        alert.acknowledged_at, alert.acknowledged_by, alert.note = at, str(actor)[:200], note
        alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
        record_audit(actor=actor, action="alert:acknowledge", subject=alert, reason=note)
        title = f"{str(actor)[:60]} looks at {alert.name[:200]}"
        record_events(events=[_event(alert, "monitors:alert:acknowledged", title, at, actor=str(actor), detail=note)])
        ring(topics={"alerts", alert.topic})
    return True


def _remind(alert: Alert, monitor: Monitor, reading: Reading, at: datetime) -> None:
    """Keep its words true, and tell it again where people asked for that and nobody has acknowledged it."""
    summary = f"{monitor.series.name[:200]}: {reading.why}"
    every = timedelta(minutes=monitor.renotify_minutes)
    is_due = bool(every) and not alert.acknowledged_at and at - (alert.told_at or alert.opened_at) >= every
    if is_due:
        alert.told_at = at
        title = f"{alert.name[:120]} is still firing: {reading.why[:160]}"
        record_events(events=[_event(alert, "monitors:alert:still-firing", title, at, tone=Tone.BAD)])
    if is_due or summary != alert.summary:
        alert.summary, alert.last_seen_at = summary, at
        alert.save(update_fields=["summary", "last_seen_at", "told_at"])


def _open_one(monitor: Monitor) -> Alert | None:
    rows = Alert.objects.select_for_update(of=("self",)).select_related("source")
    return rows.filter(is_own=True, external_id=f"{PREFIX}{monitor.pk}", resolved_at=None).first()


def _event(alert: Alert, kind: str, title: str, at: datetime, **more: Any) -> NewEvent:
    return NewEvent(
        kind=kind,
        at=at,
        title=title,
        is_demo=alert.source.is_demo,
        feature_id=alert.feature_id,
        component_id=alert.component_id,
        environment_id=alert.environment_id,
        source_id=alert.source_id,
        subject_kind="alert",
        subject_id=alert.pk,
        data={"severity": alert.severity},
        topics=("alerts",),
        **more,
    )


def _row(alert: Alert, old_state: str) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in _TOLD} | {"old_state": old_state, "url": ""}
