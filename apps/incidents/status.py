"""The vocabulary of incidents, and the one table of how they may move."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from apps.core.ui.status import StatusChoices


class IncidentState(StatusChoices):
    DRAFT = "draft", "Draft", "wait"
    INVESTIGATING = "investigating", "Investigating", "bad"
    IDENTIFIED = "identified", "Cause identified", "warn"
    MONITORING = "monitoring", "Mitigated, watching", "info"
    RESOLVED = "resolved", "Resolved", "ok"
    DISMISSED = "dismissed", "No incident", "skip"


class Severity(StatusChoices):
    SEV1 = "sev1", "Severity 1", "bad"
    SEV2 = "sev2", "Severity 2", "warn"
    SEV3 = "sev3", "Severity 3", "info"
    SEV4 = "sev4", "Severity 4", "note"


class SuspectVerdict(StatusChoices):
    CAUSE = "cause", "The cause", "bad"
    CONTRIBUTED = "contributed", "Contributed", "warn"
    CLEARED = "cleared", "Cleared", "ok"


class EntryKind(StatusChoices):
    NOTE = "note", "Note", "note"
    SYMPTOM = "symptom", "Symptom", "alert"
    FINDING = "finding", "Finding", "info"
    DECISION = "decision", "Decision", "review"
    ACTION = "action", "Action", "retry"
    RECOVERY = "recovery", "Recovery", "ok"
    STATE = "state", "State", "signal"
    ROLE = "role", "Role", "note"


class ReviewState(StatusChoices):
    DRAFT = "draft", "Draft", "wait"
    IN_REVIEW = "in_review", "In review", "review"
    DONE = "done", "Done", "ok"


class ActionState(StatusChoices):
    TODO = "todo", "To do", "wait"
    STARTED = "started", "Started", "run"
    DONE = "done", "Done", "info"
    VERIFIED = "verified", "Effect verified", "ok"
    DROPPED = "dropped", "Dropped", "skip"


OPEN_ACTIONS: Final = (ActionState.TODO, ActionState.STARTED)
S = IncidentState
OPEN_STATES: Final = (S.INVESTIGATING, S.IDENTIFIED, S.MONITORING)
OVER_STATES: Final = (S.RESOLVED, S.DISMISSED)
MOVES: Final[dict[IncidentState, tuple[IncidentState, ...]]] = {
    S.DRAFT: (S.INVESTIGATING, S.DISMISSED),
    S.INVESTIGATING: (S.IDENTIFIED, S.MONITORING, S.RESOLVED),
    S.IDENTIFIED: (S.INVESTIGATING, S.MONITORING, S.RESOLVED),
    S.MONITORING: (S.INVESTIGATING, S.IDENTIFIED, S.RESOLVED),
    S.RESOLVED: (S.INVESTIGATING,),
    S.DISMISSED: (),
}
UPDATE_EVERY: Final[dict[Severity, timedelta]] = {
    Severity.SEV1: timedelta(minutes=30),
    Severity.SEV2: timedelta(hours=1),
    Severity.SEV3: timedelta(hours=4),
    Severity.SEV4: timedelta(hours=24),
}


def may_move(before: str, to: str) -> bool:
    """Whether the table lets an incident go from one state to another."""
    return IncidentState(to) in MOVES[IncidentState(before)]


def update_interval(*, severity: str, state: str) -> timedelta | None:
    """How long after an update the next one is expected; None while nobody waits for one."""
    return UPDATE_EVERY[Severity(severity)] if IncidentState(state) in OPEN_STATES else None
