"""Monitors as people set them; every change is in the ledger and in the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.catalog.models import Feature
from apps.events.services import NewEvent, record_events
from apps.metrics.models import Series
from apps.monitors.models import Monitor, MonitorCondition, Silencing
from apps.monitors.services.guarding import tell_unknown
from apps.monitors.services.monitor_alerts import resolve_alert
from apps.monitors.status import MonitorState

_FRESH: dict[str, Any] = {
    "state": MonitorState.NOT_EVALUATED,
    "value": None,
    "why": "",
    "seen_until": None,
    "memory": b"",
    "memory_at": None,
}


def create_monitor(
    *, actor: User | None, series: Series, at: datetime, is_demo: bool = False, **fields: Any
) -> Monitor:
    """A new monitor, due at once; `fields` are name, kind, parameters, severity, renotify_minutes."""
    with transaction.atomic():
        by = str(actor) if actor else "the portal"
        monitor = Monitor.objects.create(series=series, created_by=by, created_at=at, is_demo=is_demo, **fields)
        MonitorCondition.objects.create(monitor=monitor, due_at=at)
        if actor:
            record_audit(actor=actor, action="monitor:create", subject=monitor, after=_facts(monitor))
        _tell(monitor, "monitors:monitor:created", f"The monitor “{monitor.name[:120]}” was set", by, at)
    return monitor


def change_monitor(*, monitor_id: int, actor: User, at: datetime, **fields: Any) -> Monitor:
    """Other settings: it forgets what it saw and judges anew; an open alert of it ends."""
    with transaction.atomic():
        monitor = Monitor.objects.select_for_update().get(pk=monitor_id)
        before = _facts(monitor)
        for name, value in fields.items():
            setattr(monitor, name, value)
        monitor.save(update_fields=list(fields))
        after = _facts(monitor)
        if after != before:
            MonitorCondition.objects.filter(monitor=monitor).update(**_FRESH, due_at=at)
            resolve_alert(monitor=monitor, at=at)
            tell_unknown(monitor=monitor, why="It was changed, and judges anew.", at=at)
            record_audit(actor=actor, action="monitor:change", subject=monitor, before=before, after=after)
            _tell(
                monitor, "monitors:monitor:changed", f"The monitor “{monitor.name[:120]}” was changed", str(actor), at
            )
    return monitor


def switch_monitor(*, monitor_id: int, is_enabled: bool, actor: User, at: datetime) -> bool:
    """Off or on again; False when it already was. Off ends its open alert."""
    with transaction.atomic():
        monitor = Monitor.objects.select_for_update().get(pk=monitor_id)
        if monitor.is_enabled == is_enabled:
            return False
        monitor.is_enabled = is_enabled
        monitor.save(update_fields=["is_enabled"])
        state = MonitorState.NOT_EVALUATED if is_enabled else MonitorState.SWITCHED_OFF
        MonitorCondition.objects.filter(monitor=monitor).update(**_FRESH | {"state": state}, due_at=at)
        resolve_alert(monitor=monitor, at=at)
        what = "on" if is_enabled else "off"
        tell_unknown(monitor=monitor, why=f"It was switched {what}.", at=at)
        record_audit(actor=actor, action=f"monitor:switch-{what}", subject=monitor)
        title = f"The monitor “{monitor.name[:120]}” was switched {what}"
        _tell(monitor, "monitors:monitor:switched", title, str(actor), at)
    return True


def remove_monitor(*, monitor_id: int, actor: User, at: datetime) -> None:
    """Gone; its past alerts stay, an open one ends."""
    with transaction.atomic():
        monitor = Monitor.objects.select_for_update().get(pk=monitor_id)
        resolve_alert(monitor=monitor, at=at)
        tell_unknown(monitor=monitor, why="It was removed.", at=at)
        record_audit(actor=actor, action="monitor:remove", subject=monitor, before=_facts(monitor))
        _tell(monitor, "monitors:monitor:removed", f"The monitor “{monitor.name[:120]}” was removed", str(actor), at)
        monitor.delete()


def silence(
    *,
    monitor: Monitor,
    actor: User,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    feature: Feature | None = None,
    schedule: str = "",
    minutes: int | None = None,
    zone: str = "UTC",
) -> Silencing:
    """No alert of the monitor, or of all monitors of `feature`, in this time; one that is open ends as muted.

    With a `schedule`, a cron expression in `zone`, only in windows of so many `minutes` within it.
    """
    with transaction.atomic():
        made = Silencing.objects.create(
            monitor=None if feature else monitor,
            feature=feature,
            starts_at=starts_at,
            ends_at=ends_at,
            schedule=schedule,
            minutes=minutes,
            zone=zone,
            reason=reason,
            created_by=str(actor),
            user=actor,
            created_at=at,
        )
        record_audit(actor=actor, action="monitor:mute", subject=monitor, reason=reason)
        whose = f"all monitors of {feature.name[:80]}" if feature else f"the monitor “{monitor.name[:100]}”"
        _tell(monitor, "monitors:monitor:muted", f"{str(actor)[:60]} muted {whose}", str(actor), at, reason)
        MonitorCondition.objects.filter(monitor=monitor).update(due_at=at)
    return made


def lift_silence(*, silencing_id: int, actor: User, at: datetime) -> bool:
    """End a silence before its time; False when it is over."""
    with transaction.atomic():
        found = Silencing.objects.filter(pk=silencing_id, lifted_at=None, ends_at__gt=at)
        made = found.select_for_update().first()
        if made is None:
            return False
        made.lifted_at = at
        made.save(update_fields=["lifted_at"])
        record_audit(actor=actor, action="monitor:unmute", subject=made, reason=made.reason)
        event = NewEvent(
            kind="monitors:monitor:unmuted",
            at=at,
            title=f"{str(actor)[:60]} ended a mute: {made.reason[:160]}",
            actor=str(actor),
            is_change=False,
            feature_id=made.feature_id,
            subject_kind="monitor" if made.monitor_id else "",
            subject_id=made.monitor_id,
            topics=("monitors",),
        )
        record_events(events=[event])
        if made.monitor_id:
            MonitorCondition.objects.filter(monitor_id=made.monitor_id).update(due_at=at)
    return True


def _tell(monitor: Monitor, kind: str, title: str, actor: str, at: datetime, detail: str = "") -> None:
    event = NewEvent(
        kind=kind,
        at=at,
        title=title,
        detail=detail,
        actor=actor,
        is_change=False,
        is_demo=monitor.is_demo,
        feature_id=monitor.series.feature_id,
        subject_kind="monitor",
        subject_id=monitor.pk,
        topics=("monitors",),
    )
    record_events(events=[event])


def _facts(monitor: Monitor) -> dict[str, Any]:
    return {
        "name": monitor.name,
        "series": monitor.series_id,
        "kind": monitor.kind,
        "parameters": monitor.parameters,
        "severity": monitor.severity,
        "renotify_minutes": monitor.renotify_minutes,
    }
