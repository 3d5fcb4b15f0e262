"""Periodic work of the app."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.pipelines import services
from apps.sources import queries as sources


@shared_task
def roll_up_reliability(**_: Any) -> str:
    """What runs changed since the last time is counted anew, day by day."""
    return f"{services.roll_up(at=sources.database_time())} pipelines were rolled up"
