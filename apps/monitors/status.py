"""The vocabulary of alerts, monitors and objectives."""

from __future__ import annotations

from django.db import models

from apps.core.ui.status import StatusChoices


class AlertState(StatusChoices):
    PENDING = "pending", "Pending", "wait"
    FIRING = "firing", "Firing", "alert"
    RESOLVED = "resolved", "Resolved", "ok"


class MonitorState(StatusChoices):
    FINE = "fine", "Fine", "ok"
    WARNING = "warning", "Warning", "warn"
    ALERTING = "alerting", "Alerting", "alert"
    NOT_EVALUATED = "not_evaluated", "Not evaluated", "unknown"
    MISCONFIGURED = "misconfigured", "Misconfigured", "warn"
    SWITCHED_OFF = "switched_off", "Switched off", "skip"


class SloState(StatusChoices):
    WITHIN = "within", "Within budget", "ok"
    BURNING = "burning", "Burning", "warn"
    EXHAUSTED = "exhausted", "Budget used up", "alert"
    NOT_MEASURED = "not_measured", "Not measured", "unknown"


class BacktestState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
