"""What beat asks for once a second: poll what is due, and do what somebody waits for."""

from typing import Any

from celery import current_app, shared_task

from apps.sources.queries import database_time
from apps.sync.tasks import poll_due_sources
from opsportal.waiting import waiting_tasks

PICKUP_SECONDS = 10


@shared_task
def tick(**_: Any) -> str:
    """Send on what waits; a message that is lost is sent again in a second."""
    sent = waiting_tasks(at=database_time())
    for name in sent:
        current_app.send_task(name, expires=PICKUP_SECONDS)
    return f"{poll_due_sources()}; {len(sent)} tasks have work"
