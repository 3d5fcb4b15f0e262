"""Late and missed runs, from the judgement of pipelines to alerts to the features that feel it."""

from __future__ import annotations

from datetime import datetime

from apps.health.services.refreshing import refresh_health
from apps.monitors import services as monitors
from apps.pipelines import services as pipelines


def judge_pipelines(*, at: datetime) -> str:
    """Judge the pipelines that are due, let alerts follow, and judge the features anew; returns a sentence."""
    swept = pipelines.judge_due(at=at)
    alerts = monitors.follow_punctuality(at=at)
    if swept.feature_ids:
        refresh_health(feature_ids=swept.feature_ids, at=at)
    return f"{swept.judged} pipelines judged, {swept.changed} changed, {alerts} alerts opened or resolved"
