"""Periodic work of the app."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.demo.watching import set_monitors
from apps.sources import queries as sources


@shared_task
def set_demo_monitors(**_: Any) -> str:
    """Where the demo's numbers have come, its monitors and objectives are set, once."""
    return f"{set_monitors(at=sources.database_time())} monitors and objectives set"
