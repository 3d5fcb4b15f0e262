"""What the evaluation gate says of a request."""

from __future__ import annotations

from datetime import datetime

from apps.prompts.models import ChangeRequest
from apps.prompts.status import GateState


def opening_gate(*, change: ChangeRequest) -> GateState:
    """The state of the gate when a revision comes into review: nothing was evaluated for it yet."""
    return GateState.WAITING if change.gate else GateState.NOT_REQUIRED


def judge_gate(*, change: ChangeRequest, at: datetime) -> GateState:  # noqa: ARG001 - results expire
    """What the results say at `at`."""
    return opening_gate(change=change)


def may_pass(state: str) -> bool:
    """Whether the gate is open."""
    return state in (GateState.PASSED, GateState.NOT_REQUIRED)
