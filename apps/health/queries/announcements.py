"""What people announced about features."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from apps.health.models import Announcement

SHOWN: Final = 50


def announced(*, feature_id: int, at: datetime) -> list[Announcement]:
    """What holds now, the newest first."""
    rows = Announcement.objects.filter(feature_id=feature_id, ends_at__gt=at, withdrawn_at=None)
    return list(rows.order_by("-starts_at", "-pk"))


def past_announcements(*, feature_id: int, at: datetime) -> list[Announcement]:
    """What is over or was taken back, the newest first."""
    rows = Announcement.objects.filter(feature_id=feature_id).order_by("-starts_at", "-pk")
    return [one for one in rows[:SHOWN] if one.withdrawn_at or one.ends_at <= at]
