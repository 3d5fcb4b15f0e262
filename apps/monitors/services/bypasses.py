"""Alerts for labels that were moved outside approval: one opens with each bypass, and its end resolves it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core import bulk
from apps.events import services as events
from apps.monitors.models import Alert
from apps.monitors.services.events import opened_events, resolved_events
from apps.monitors.status import AlertState
from apps.prompts.models import LabelBypass
from apps.prompts.status import BypassState

PREFIX: Final = "opsportal:bypass:"
SEVERITY: Final = "critical"
LOCK: Final = "bypass-alerts"  # one writer, or two at once would open one alert twice
_TOLD: Final = (
    *("id", "external_id", "name", "summary", "severity", "opened_at", "resolved_at"),
    *("feature_id", "component_id", "environment_id", "state"),
)


def follow_bypasses(*, at: datetime) -> set[int]:
    """Open and resolve what the bypasses ask for; returns the features that feel it. Repeating it changes nothing."""
    with transaction.atomic():
        bulk.lock(space=LOCK, number=0)
        found = LabelBypass.objects.filter(state=BypassState.OPEN).select_related("prompt__source", "expected", "found")
        wanted = {f"{PREFIX}{bypass.pk}": bypass for bypass in found if bypass.prompt.source_id}
        standing = {
            alert.external_id: alert
            for alert in Alert.objects.select_for_update(of=("self",))
            .filter(is_own=True, resolved_at=None, external_id__startswith=PREFIX)
            .select_related("source")
        }
        opened = [_alert(key, wanted[key], at) for key in sorted(wanted.keys() - standing.keys())]
        Alert.objects.bulk_create(opened)
        ended = [standing[key] for key in sorted(standing.keys() - wanted.keys())]
        for alert in ended:
            alert.state, alert.resolved_at, alert.last_seen_at = AlertState.RESOLVED, max(at, alert.opened_at), at
        Alert.objects.bulk_update(ended, ["state", "resolved_at", "last_seen_at"])
        _tell(opened, ended)
    return {alert.feature_id for alert in (*opened, *ended) if alert.feature_id}


def _tell(opened: list[Alert], ended: list[Alert]) -> None:
    news = []
    for alert in opened:
        news += opened_events(alerts=[_row(alert, "")], source=alert.source)
    for alert in ended:
        news += resolved_events(alerts=[_row(alert, AlertState.FIRING)], source=alert.source)
    events.record_events(events=news)
    if news:
        events.ring(topics={"alerts", *(alert.topic for alert in (*opened, *ended))})


def _alert(key: str, bypass: LabelBypass, at: datetime) -> Alert:
    prompt = bypass.prompt
    assert prompt.source is not None
    return Alert(
        source=prompt.source,
        is_own=True,
        external_id=key,
        name=f"{prompt.name[:200]}: {bypass.label[:60]} moved outside approval",
        state=AlertState.FIRING,
        severity=SEVERITY,
        summary=bypass.sentence,
        labels={"prompt": prompt.name, "label": bypass.label},
        url=prompt.get_absolute_url(),
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        opened_at=bypass.found_at,
        last_seen_at=at,
    )


def _row(alert: Alert, old_state: str) -> dict[str, Any]:
    told = {name: getattr(alert, name) for name in _TOLD}
    return told | {"old_state": old_state, "url": ""}  # its link stays in the portal; an event's leads to the source
