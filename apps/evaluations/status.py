"""The vocabulary of evaluation runs, and the verdict of one: pure."""

from __future__ import annotations

from django.db import models

from apps.connectors.records import RunState
from apps.core.ui.status import StatusChoices


class EvaluationState(StatusChoices):
    QUEUED = "queued", "Waiting", "wait"
    RUNNING = "running", "Scoring", "run"
    SUCCEEDED = "succeeded", "Scored", "ok"
    FAILED = "failed", "Broke off", "bad"
    CANCELLED = "cancelled", "Cancelled", "skip"
    UNKNOWN = "unknown", "Unknown", "unknown"


OPEN_STATES = frozenset({EvaluationState.QUEUED, EvaluationState.RUNNING})
_BY_RUN_STATE = {
    RunState.CRASHED: EvaluationState.FAILED,
    RunState.SKIPPED: EvaluationState.CANCELLED,
}


class Verdict(StatusChoices):
    PASSED = "passed", "All passed", "ok"
    FAILED = "failed", "Some failed", "bad"
    NONE = "none", "No verdict", "unknown"


def state_of(state: RunState) -> EvaluationState:
    """The evaluation's state in the common run vocabulary."""
    return _BY_RUN_STATE.get(state) or EvaluationState(state.value)


def verdict_of(*, passed: int, failed: int) -> Verdict:
    """What the scores that carry a verdict say together: one failure is enough to fail."""
    if failed:
        return Verdict.FAILED
    return Verdict.PASSED if passed else Verdict.NONE


class GateState(StatusChoices):
    """The verdict of a gate; the values are those of `gating.State`."""

    PASSED = "passed", "Gate passed", "ok"
    FAILED = "failed", "Gate failed", "bad"
    WAITING = "waiting", "Waiting for results", "wait"
    EXPIRED = "expired", "Results expired", "stale"
    NOT_REQUIRED = "not_required", "No gate", "skip"


class GateStanding(StatusChoices):
    """How a candidate stands on one scorer; the values are those of `gating.Standing`."""

    BETTER = "better", "Better", "ok"
    NO_WORSE = "no_worse", "No worse", "ok"
    UNCERTAIN = "uncertain", "Too uncertain", "warn"
    WORSE = "worse", "Worse", "bad"
    TOO_LOW = "too_low", "Too low", "bad"
    ALONE = "alone", "No baseline", "note"


class OrderReason(models.TextChoices):
    """Why an execution of ours was started."""

    MANUAL = "manual", "By hand"
    GATE = "gate", "For a gate"
    SCHEDULE = "schedule", "On schedule"
    API = "api", "Over the API"
