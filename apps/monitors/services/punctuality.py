"""Alerts of the portal's own judgement: a pipeline out of time opens one, and its being in time again resolves it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from psycopg import sql

from apps.core import bulk
from apps.events import services as events
from apps.monitors.models import Alert
from apps.monitors.services.events import opened_events, resolved_events
from apps.monitors.status import AlertState
from apps.pipelines.models import Punctuality
from apps.pipelines.status import TROUBLE_STATES, PunctualityState

PREFIX: Final = "opsportal:punctuality:"
SEVERITY: Final = "warning"
LOCK: Final = "punctuality-alerts"  # one writer, or two sweeps at once would open one alert twice
_FOLLOW: Final = sql.SQL(
    """
    UPDATE monitors_alert AS alert
    SET summary = judged.sentence, feature_id = pipeline.feature_id, component_id = pipeline.component_id,
        environment_id = pipeline.environment_id
    FROM pipelines_punctuality AS judged JOIN pipelines_pipeline AS pipeline ON pipeline.id = judged.pipeline_id
    WHERE alert.is_own AND alert.resolved_at IS NULL AND judged.state IN ('late', 'missed', 'running_long')
      AND alert.external_id = %(prefix)s::text || judged.pipeline_id::text
      AND (alert.summary, alert.feature_id, alert.component_id, alert.environment_id) IS DISTINCT FROM
          (judged.sentence, pipeline.feature_id, pipeline.component_id, pipeline.environment_id)
    RETURNING alert.id
    """
)
_MUTED: Final = Q(pipeline__expectation__is_muted=True)
_TOLD: Final = (
    *("id", "external_id", "name", "summary", "severity", "opened_at", "resolved_at"),
    *("feature_id", "component_id", "environment_id", "state"),
)


def follow_punctuality(*, at: datetime) -> int:
    """Open and resolve what the judgements ask for; returns how many. Repeating it changes nothing.

    An open one says what the judgement says now, and stands where its pipeline is mapped. Silence holds it open: nobody
    knows yet whether the run came. A muted pipeline has none.
    """
    with transaction.atomic():
        bulk.lock(space=LOCK, number=0)
        moved = {f"alert-{row['id']}" for row in bulk.fetch(_FOLLOW, {"prefix": PREFIX})}
        ended = _resolve(at)
        opened = _open(at)
        changed = [*opened, *ended]
        found = []
        for alert in opened:
            found += opened_events(alerts=[_row(alert, "")], source=alert.source)
        for alert in ended:
            found += resolved_events(alerts=[_row(alert, AlertState.FIRING)], source=alert.source)
        events.record_events(events=found)
        topics = moved | {alert.topic for alert in changed}
        events.ring(topics=topics | {"alerts"} if topics else topics)
    return len(changed)


def _resolve(at: datetime) -> list[Alert]:
    holding = Punctuality.objects.filter(state__in=[*TROUBLE_STATES, PunctualityState.UNKNOWN]).exclude(_MUTED)
    alerts = list(_open_ones().select_for_update(of=("self",)).select_related("source"))
    held = {f"{PREFIX}{pk}" for pk in holding.filter(pk__in=map(_pipeline_id, alerts)).values_list("pk", flat=True)}
    ended = [alert for alert in alerts if alert.external_id not in held]
    for alert in ended:
        alert.state, alert.resolved_at = AlertState.RESOLVED, max(at, alert.opened_at)
        alert.last_seen_at = at
    Alert.objects.bulk_update(ended, ["state", "resolved_at", "last_seen_at"])
    return ended


def _open(at: datetime) -> list[Alert]:
    key = Concat(Value(PREFIX), Cast(OuterRef("pk"), CharField()))
    rows = (
        Punctuality.objects.filter(state__in=TROUBLE_STATES)
        .exclude(_MUTED)
        .exclude(Exists(_open_ones().filter(external_id=key)))
        .select_related("pipeline__source")
    )
    made = [_alert(row, at) for row in rows]
    Alert.objects.bulk_create(made)
    return made


def _open_ones() -> Any:
    return Alert.objects.filter(is_own=True, resolved_at=None, external_id__startswith=PREFIX)


def _pipeline_id(alert: Alert) -> int:
    return int(alert.external_id.removeprefix(PREFIX))


def _alert(row: Punctuality, at: datetime) -> Alert:
    pipeline = row.pipeline
    return Alert(
        source=pipeline.source,
        is_own=True,
        external_id=f"{PREFIX}{pipeline.pk}",
        name=f"{pipeline.name[:280]} is not on time",
        state=AlertState.FIRING,
        severity=SEVERITY,
        summary=row.sentence,
        labels={"pipeline": pipeline.name},
        url=pipeline.get_absolute_url(),
        feature_id=pipeline.feature_id,
        component_id=pipeline.component_id,
        environment_id=pipeline.environment_id,
        opened_at=row.troubled_at or at,
        last_seen_at=at,
    )


def _row(alert: Alert, old_state: str) -> dict[str, Any]:
    told = {name: getattr(alert, name) for name in _TOLD}
    return told | {"old_state": old_state, "url": ""}  # its link stays in the portal; an event's leads to the source
