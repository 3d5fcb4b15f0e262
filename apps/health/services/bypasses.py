"""Labels moved outside approval, from the bypass to its alert to the features that feel it."""

from __future__ import annotations

from datetime import datetime

from apps.health.services.refreshing import refresh_health
from apps.monitors import services as monitors


def judge_bypasses(*, at: datetime) -> None:
    """Let alerts follow the bypasses, and judge the features anew that feel it."""
    if feature_ids := monitors.follow_bypasses(at=at):
        refresh_health(feature_ids=feature_ids, at=at)
