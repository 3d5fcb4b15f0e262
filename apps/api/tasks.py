"""What Celery runs for the API."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.api.repeating import tidy_answers
from apps.sources import queries as sources


@shared_task
def forget_answers(**_: Any) -> str:
    """Forget the answers that nobody will ask for again."""
    return f"{tidy_answers(at=sources.database_time())} answers forgotten"
