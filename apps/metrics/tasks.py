"""Periodic work of the app."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.metrics import services


@shared_task(soft_time_limit=300, time_limit=330)
def pack_days(**_: Any) -> str:
    """Days that are no longer hot, packed."""
    return str(services.pack_days(at=timezone.now()))


@shared_task
def keep_partitions(**_: Any) -> str:
    """Tomorrow's partitions made, those of days no longer kept dropped, hours that are over rolled up."""
    return services.keep_house(at=timezone.now())
