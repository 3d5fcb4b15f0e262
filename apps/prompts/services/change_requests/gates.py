"""What the evaluation gate says of a request, and the runs that it still lacks."""

from __future__ import annotations

from datetime import datetime

from apps.accounts.models import User
from apps.evaluations import services as evaluations
from apps.evaluations.status import GateState
from apps.prompts.models import ChangeRequest
from apps.prompts.queries import gate_cases, gate_of


def open_gate(*, change: ChangeRequest, actor: User, at: datetime) -> GateState:
    """The state of the gate when a revision comes into review; the runs that are missing are asked for.

    A suite that cannot be run (no endpoint, no cases) leaves the gate waiting: its page says what to do.
    """
    for case in gate_cases(change=change):
        try:
            evaluations.request_gate_runs(
                requirements=case.requirements,
                subject=case.subject,
                candidate=case.candidate,
                baseline=case.baseline,
                actor=actor,
                at=at,
            )
        except evaluations.OrderError:
            continue
    return judge_gate(change=change, at=at)


def judge_gate(*, change: ChangeRequest, at: datetime) -> GateState:
    """What the results say at `at`."""
    return GateState(gate_of(change=change, at=at).state.value)


def may_pass(state: str) -> bool:
    """Whether the gate is open."""
    return state in (GateState.PASSED, GateState.NOT_REQUIRED)
