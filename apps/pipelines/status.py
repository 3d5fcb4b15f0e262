"""The run vocabulary, what it means for people, and what a change of state is called in the ledger."""

from __future__ import annotations

from django.db import models

from apps.core.ui.status import StatusChoices, StatusLook, look


class RunState(StatusChoices):
    QUEUED = "queued", "Waiting", "wait"
    RUNNING = "running", "Running", "run"
    SUCCEEDED = "succeeded", "Passed", "ok"
    FAILED = "failed", "Failed", "bad"
    CRASHED = "crashed", "Crashed", "bad"
    CANCELLED = "cancelled", "Cancelled", "skip"
    SKIPPED = "skipped", "Skipped", "skip"
    UNKNOWN = "unknown", "Unknown", "unknown"


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", "Schedule"
    MANUAL = "manual", "By hand"
    API = "api", "API call"
    BACKFILL = "backfill", "Backfill"
    EVENT = "event", "Event"
    UNKNOWN = "unknown", "Not told"


class PunctualityState(StatusChoices):
    """Our own judgement against an expectation and its grace; the rules are in `punctuality`."""

    ON_TIME = "on_time", "On time", "ok"
    LATE = "late", "Late", "late"
    MISSED = "missed", "Missed", "missed"
    RUNNING_LONG = "running_long", "Running long", "warn"
    RECOVERED = "recovered", "Recovered", "back"
    WAITING = "waiting", "Not due yet", "wait"
    PAUSED = "paused", "Paused", "skip"
    UNKNOWN = "unknown", "No news", "unknown"


class ExpectationKind(models.TextChoices):
    SCHEDULE = "schedule", "As its own schedule says"
    CRON = "cron", "Starts by a cron expression"
    INTERVAL = "interval", "Starts again after an interval"
    CALENDAR = "calendar", "Starts at a time on certain days"
    READY_BY = "ready_by", "Is ready by a time on certain days"
    AFTER = "after", "Starts after another pipeline succeeded"
    NOTHING = "nothing", "Nothing is expected"


class DayRule(models.TextChoices):
    DAILY = "daily", "Every day"
    WEEKDAYS = "weekdays", "Some weekdays"
    BUSINESS = "business", "Business days"
    MONTH_END = "month_end", "The last day of the month"
    LAST_BUSINESS = "last_business", "The last business day of the month"
    NTH_WEEKDAY = "nth_weekday", "A weekday of the month"


class Basis(models.TextChoices):
    """Where an expectation comes from."""

    SCHEDULE = "schedule", "Its schedule"
    PERSON = "person", "Set by a person"


OPEN_STATES = frozenset({RunState.QUEUED, RunState.RUNNING})
FAILED_STATES = frozenset({RunState.FAILED, RunState.CRASHED})
RARE_STATES = frozenset({RunState.CANCELLED, RunState.SKIPPED, RunState.UNKNOWN})
END_STATES = frozenset(RunState) - OPEN_STATES
TROUBLE_STATES = frozenset({PunctualityState.LATE, PunctualityState.MISSED, PunctualityState.RUNNING_LONG})
GOOD_STATES = frozenset({PunctualityState.ON_TIME, PunctualityState.RECOVERED})


def run_look(state: str, attempts: int = 1) -> StatusLook:
    """How a run or step is shown: one that only passed at a later attempt is not a plain success."""
    if state == RunState.SUCCEEDED and attempts > 1:
        return StatusLook("Passed on retry", "is-warn", "retry")
    return look(state, "RunState")
