"""Late and missed runs and old data, from the judgement of pipelines to alerts to the features that feel it."""

from __future__ import annotations

from datetime import datetime

from apps.health.services.data import refresh_data
from apps.health.services.refreshing import refresh_health
from apps.monitors import services as monitors
from apps.pipelines import services as pipelines


def judge_pipelines(*, at: datetime) -> str:
    """Judge what is due, let alerts follow, then the data that pipelines feed and the features; returns a sentence."""
    swept = pipelines.judge_due(at=at)
    alerts = monitors.follow_punctuality(at=at)
    touched = swept.feature_ids | refresh_data(fed_by=swept.component_ids, at=at)
    if touched:
        refresh_health(feature_ids=touched, at=at)
    return f"{swept.judged} pipelines judged, {swept.changed} changed, {alerts} alerts opened or resolved"
