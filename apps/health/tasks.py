"""Periodic work of the app."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.health import services
from apps.sources import queries as sources


@shared_task
def judge_due_pipelines(**_: Any) -> str:
    """Runs that are late, missed or long are noticed, told and felt by the features behind them."""
    return services.judge_pipelines(at=sources.database_time())


@shared_task
def refresh_due_health(**_: Any) -> str:
    """What is due is judged again, staleness included, and a little of the past replayed."""
    return services.refresh_due(at=sources.database_time())


@shared_task
def apply_due_changes(**_: Any) -> str:
    """Planned change requests whose time has come are applied, or say what stands in the way."""
    return services.apply_due_changes(at=sources.database_time())


@shared_task
def settle_waiting_changes(**_: Any) -> str:
    """Change requests that only wait for evaluations are judged again, for results may have come in."""
    return services.settle_waiting_changes(at=sources.database_time())


@shared_task(acks_late=True)
def send_digests(**_: Any) -> str:
    """Weekly digests whose Monday morning has come are sent, a few at once."""
    return services.send_digests(at=sources.database_time())
