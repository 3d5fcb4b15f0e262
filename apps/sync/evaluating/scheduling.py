"""Suites on schedule: what the label of a prompt points at by then is what is evaluated."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.evaluations.models import SuiteSchedule
from apps.evaluations.services import OrderError, note_started, start_run, take_due_schedules
from apps.evaluations.status import OrderReason
from apps.evaluations.targets import Target, target_of
from apps.prompts.models import PromptLabel


def start_due_schedules(*, at: datetime) -> int:
    """How many executions were started; one that cannot be says why on its suite's page."""
    with transaction.atomic():
        return sum(_start(schedule, at) for schedule in take_due_schedules(at=at))


def _start(schedule: SuiteSchedule, at: datetime) -> bool:
    try:
        run = start_run(
            suite=schedule.suite,
            subject=schedule.subject,
            target=_target(schedule),
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


def _target(schedule: SuiteSchedule) -> Target:
    """The version that the label points at now; OrderError when there is none, or more than one."""
    labels = PromptLabel.objects.select_related("version").filter(
        prompt__name=schedule.subject, prompt__gone_at=None, name=schedule.label
    )
    found = list(labels[:2])
    if len(found) != 1:
        what = f"{schedule.subject}@{schedule.label}"
        raise OrderError(f"No prompt has {what}." if not found else f"Several sources have {what}.")
    version = found[0].version
    return target_of(
        version=str(version.number),
        template=version.template,
        messages=version.messages,
        model_config=version.model_config,
        response_format=version.response_format,
    )
