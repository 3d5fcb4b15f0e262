"""Suites on schedule: what the label of a prompt points at by then is what is evaluated."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.evaluations.models import SuiteSchedule
from apps.evaluations.services import OrderError, note_started, start_run, take_due_schedules
from apps.evaluations.status import OrderReason
from apps.sync.evaluating.registry import labelled_target


def start_due_schedules(*, at: datetime) -> int:
    """How many executions were started; one that cannot be says why on its suite's page."""
    with transaction.atomic():
        return sum(_start(schedule, at) for schedule in take_due_schedules(at=at))


def _start(schedule: SuiteSchedule, at: datetime) -> bool:
    try:
        run = start_run(
            suite=schedule.suite,
            subject=schedule.subject,
            target=labelled_target(subject=schedule.subject, label=schedule.label),
            reason=OrderReason.SCHEDULE,
            label=schedule.label,
            actor=None,
            at=at,
        )
    except OrderError as error:
        note_started(schedule=schedule, run=None, error=str(error))
        return False
    note_started(schedule=schedule, run=run)
    return True
