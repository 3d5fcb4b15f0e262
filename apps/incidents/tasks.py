"""Periodic work of the app."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.incidents import services
from apps.incidents.services.reading import read_ledger
from apps.sources import queries as sources


@shared_task
def follow_incidents(**_: Any) -> str:
    """News that may be an incident become drafts, and people are reminded of updates and action items that are due."""
    at = sources.database_time()
    drafted, reminded = read_ledger(at=at), services.remind(at=at) + services.remind_of_actions(at=at)
    return f"{drafted} drafted, {reminded} reminded"


@shared_task
def explain_alerts(**_: Any) -> str:
    """What changed before the alerts that have just opened; the alarms themselves are long on their way."""
    return f"{services.explain_alerts(at=sources.database_time())} explained"
