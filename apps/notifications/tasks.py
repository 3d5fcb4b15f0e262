"""What Celery runs: ticks only. The work is rows in PostgreSQL, so a lost or doubled message changes nothing."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.notifications.letters import send_letters, write_letters
from apps.notifications.pump import pump
from apps.notifications.replaying import carry_out_replays
from apps.notifications.services import forget_previous_secrets
from apps.notifications.tidying import tidy_deliveries
from apps.sources import queries as sources


@shared_task
def deliver_events(**_: Any) -> str:
    """Send what is due; while another pump is at work there is nothing to do."""
    tally = pump()
    return "another pump is at work" if tally is None else str(tally)


@shared_task
def replay_events(**_: Any) -> str:
    """Queue again what people asked for; what is left over is taken up at the next tick."""
    return f"{carry_out_replays(at=sources.database_time())} deliveries queued again"


@shared_task
def tidy_notifications(**_: Any) -> str:
    """Throw away old deliveries and secrets whose rotation is over."""
    at = sources.database_time()
    return f"{tidy_deliveries(at=at)} deliveries and {forget_previous_secrets(at=at)} previous secrets removed"


@shared_task
def send_mail(**_: Any) -> str:
    """Write letters for what is new, and send what is due."""
    at = sources.database_time()
    return f"{write_letters(at=at)} written, {send_letters(at=at)} sent"
