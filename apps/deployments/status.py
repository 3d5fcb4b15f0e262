"""The vocabulary of deployments, holds and freezes."""

from __future__ import annotations

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
    BROKEN = "broken", "Hold broken", "bad"
    LIFTED = "lifted", "Lifted", "skip"


class FreezeState(StatusChoices):
    PLANNED = "planned", "Planned", "wait"
    ACTIVE = "active", "Frozen now", "warn"
    OVER = "over", "Over", "skip"
    LIFTED = "lifted", "Lifted", "skip"
