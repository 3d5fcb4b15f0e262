"""Suites that run by themselves: planned by people, taken up when they are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.evaluations.cron import check_cron, next_time
from apps.evaluations.models import EvaluationRun, EvaluationSuite, SuiteSchedule
from apps.evaluations.services.versions import SuiteError
from apps.events.services import NewEvent, record_events


def plan_schedule(
    *, suite: EvaluationSuite, subject: str, label: str, cron: str, time_zone: str, actor: User | None, at: datetime
) -> SuiteSchedule:
    """The schedule of the suite for this label, made or changed; SuiteError."""
    try:
        check_cron(cron=cron, zone=time_zone, at=at)
    except ValueError as error:
        raise SuiteError(str(error)) from None
    due_at = next_time(cron=cron, zone=time_zone, after=at)
    with transaction.atomic():
        schedule, _ = SuiteSchedule.objects.update_or_create(
            suite=suite,
            subject=subject,
            label=label,
            defaults={"cron": cron, "time_zone": time_zone, "is_enabled": True, "due_at": due_at, "error": ""},
            create_defaults={
                **{"cron": cron, "time_zone": time_zone, "due_at": due_at},
                **{"created_by": actor, "created_at": at},
            },
        )
        record_events(events=[_event(schedule, "planned", f"{cron} ({time_zone})", actor, at)])
    return schedule


def remove_schedule(*, schedule: SuiteSchedule, actor: User, at: datetime) -> bool:
    """Whether it was removed by this call."""
    with transaction.atomic():
        count, _ = SuiteSchedule.objects.filter(pk=schedule.pk).delete()
        if count:
            record_events(events=[_event(schedule, "removed", "", actor, at)])
    return bool(count)


def hurry_schedule(*, schedule: SuiteSchedule, at: datetime) -> bool:
    """Whether it begins at the next tick; the times after that stay as planned."""
    return bool(SuiteSchedule.objects.filter(pk=schedule.pk, is_enabled=True).update(due_at=at))


def take_due_schedules(*, at: datetime, most: int = 20) -> Sequence[SuiteSchedule]:
    """The schedules that are due, each moved to its next time; what was missed meanwhile is skipped.

    Locked until the caller's transaction ends, so that nobody else takes them.
    """
    due = SuiteSchedule.objects.filter(is_enabled=True, due_at__lte=at).order_by("due_at", "pk")
    due = due.select_related("suite__setup__endpoint").select_for_update(of=("self",), skip_locked=True)
    taken = list(due[:most])
    for schedule in taken:
        schedule.due_at = next_time(cron=schedule.cron, zone=schedule.time_zone, after=at)
        schedule.save(update_fields=["due_at"])
    return taken


def note_started(*, schedule: SuiteSchedule, run: EvaluationRun | None, error: str = "") -> None:
    """Keep what became of the last time."""
    fields = {"error": error} if run is None else {"error": "", "last_run": run}
    SuiteSchedule.objects.filter(pk=schedule.pk).update(**fields)


def _event(schedule: SuiteSchedule, word: str, detail: str, actor: User | None, at: datetime) -> NewEvent:
    return NewEvent(
        kind="evaluations:schedule:changed",
        at=at,
        title=f"{schedule.suite.name[:100]} on schedule for {schedule.subject[:80]}@{schedule.label[:40]}: {word}",
        detail=detail,
        actor=actor.get_username() if actor else "",
        is_change=True,
        is_demo=schedule.suite.source.is_demo,
        feature_id=schedule.suite.feature_id,
        source_id=schedule.suite.source_id,
        subject_kind="suite",
        subject_id=schedule.suite_id,
    )
