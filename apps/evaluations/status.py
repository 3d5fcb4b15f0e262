"""The vocabulary of evaluation runs, and the verdict of one: pure."""

from __future__ import annotations

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
