"""Who looked at what, in one statement a look."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.health.looking import VISIT, WRITE_EVERY
from apps.health.models import FeatureLook

_NOTE: Final = """
INSERT INTO health_featurelook AS known (user_id, feature_id, looked_at) VALUES (%s, %s, %s)
ON CONFLICT (user_id, feature_id) DO UPDATE
SET since = CASE WHEN excluded.looked_at - known.looked_at > %s THEN known.looked_at ELSE known.since END,
    looked_at = excluded.looked_at
WHERE excluded.looked_at - known.looked_at >= %s
"""


def note_look(*, user_id: int, feature_id: int, at: datetime) -> bool:
    """Remember that a person looks at a feature now; False where that was written a few minutes ago already."""
    asked: list[Any] = [user_id, feature_id, at, VISIT, WRITE_EVERY]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, asked)
        return bool(cursor.rowcount)


def mark_seen(*, user_id: int, feature_id: int, at: datetime) -> None:
    """Nothing up to now is news any more to a person."""
    seen = {"looked_at": at, "since": at}
    FeatureLook.objects.update_or_create(user_id=user_id, feature_id=feature_id, defaults=seen)
