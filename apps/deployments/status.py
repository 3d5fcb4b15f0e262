"""The vocabulary of deployments, holds, freezes and failed changes."""

from __future__ import annotations

from django.db import models

from apps.core.ui.status import StatusChoices


class DeploymentState(StatusChoices):
    QUEUED = "queued", "Waiting", "wait"
    RUNNING = "running", "Rolling out", "run"
    SUCCEEDED = "succeeded", "Went live", "ok"
    FAILED = "failed", "Failed", "bad"
    CANCELLED = "cancelled", "Cancelled", "skip"
    UNKNOWN = "unknown", "Unknown", "unknown"


class HoldState(StatusChoices):
    HELD = "held", "Held", "review"
    ASKED = "asked", "Rollback asked for", "wait"
    BROKEN = "broken", "Hold broken", "bad"
    LIFTED = "lifted", "Lifted", "skip"


class FreezeState(StatusChoices):
    PLANNED = "planned", "Planned", "wait"
    ACTIVE = "active", "Frozen now", "warn"
    OVER = "over", "Over", "skip"
    LIFTED = "lifted", "Lifted", "skip"


class AnswerState(StatusChoices):
    """What a system was told that asked before it deployed."""

    WAITING = "waiting", "Waits for an answer", "wait"
    APPROVED = "approved", "May deploy", "ok"
    REJECTED = "rejected", "May not", "bad"
    FAILED = "failed", "Not answered", "warn"


class LinkState(StatusChoices):
    """Whether trouble after a change is held to be its fault."""

    INFERRED = "inferred", "Inferred", "info"
    CONFIRMED = "confirmed", "Confirmed", "bad"
    CUT = "cut", "Cut", "skip"


class CauseKind(models.TextChoices):
    """What a change is said to have failed by."""

    ROLLBACK = "rollback", "Rollback"
    ALERT = "alert", "Alert"
    HEALTH = "health", "Feature health"
    INCIDENT = "incident", "Incident"


class ChangeKind(models.TextChoices):
    """What was changed, for the DORA measures."""

    CODE = "code", "Code"
    PROMPT = "prompt", "Prompts"
    CONFIG = "config", "Models, indexes, configuration"
