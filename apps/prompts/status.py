"""The vocabulary of change requests, and the one table of what may follow what."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from django.db import models

from apps.core.ui.status import StatusChoices


class ChangeState(StatusChoices):
    DRAFT = "draft", "Draft", "note"
    IN_REVIEW = "in_review", "In review", "review"
    CHANGES_REQUESTED = "changes_requested", "Changes asked for", "warn"
    APPROVED = "approved", "Approved", "ok"
    APPLY_FAILED = "apply_failed", "Could not be applied", "bad"
    APPLIED = "applied", "Applied", "ok"
    REJECTED = "rejected", "Rejected", "skip"
    CANCELLED = "cancelled", "Withdrawn", "skip"
    ROLLED_BACK = "rolled_back", "Rolled back", "back"


class PushState(StatusChoices):
    """An approved move on its way into the system that owns the prompt."""

    QUEUED = "queued", "Waiting", "wait"
    PUSHING = "pushing", "On its way", "run"
    PUSHED = "pushed", "Moved there", "ok"
    FAILED = "failed", "Will be tried again", "retry"
    ABANDONED = "abandoned", "Given up", "bad"
    VOID = "void", "Not wanted any more", "skip"


class BypassState(StatusChoices):
    """A protected label that was moved in the other system without an approved change."""

    OPEN = "open", "Moved outside approval", "alert"
    RETURNED = "returned", "Put back", "back"
    ADOPTED = "adopted", "Accepted afterwards", "warn"
    COVERED = "covered", "Covered by a later change", "ok"


class Truth(models.TextChoices):
    """Which side of a prompt that another system keeps is written; the other follows."""

    UPSTREAM = "upstream", "The other system: the portal only reads"
    PORTAL = "portal", "The portal: versions are written here and sent there"


class ConflictPolicy(models.TextChoices):
    """What happens when both sides got a new version since the last common one."""

    PERSON = "person", "A person decides"
    PORTAL = "portal", "The portal's goes on top"
    UPSTREAM = "upstream", "The other system's stays"


class ConflictState(StatusChoices):
    """Both sides of a prompt got a new version since the last common one."""

    OPEN = "open", "Conflict", "alert"
    KEPT_PORTAL = "kept_portal", "The portal's was kept", "ok"
    KEPT_UPSTREAM = "kept_upstream", "The other system's was kept", "ok"


class RolloutState(StatusChoices):
    """A rollout that something watches."""

    RUNNING = "running", "Rolling out", "run"
    HALTED = "halted", "Halted by an alert", "alert"
    RETURNED = "returned", "Returned by an alert", "back"


class GuardHealth(StatusChoices):
    """What a monitor or an objective says while it guards a rollout."""

    HEALTHY = "healthy", "Healthy", "ok"
    UNHEALTHY = "unhealthy", "Not healthy", "warn"
    ALERTING = "alerting", "Alerting", "alert"
    UNKNOWN = "unknown", "Not evaluated", "unknown"


class GuardKind(models.TextChoices):
    """What can guard a rollout."""

    MONITOR = "monitor", "Monitor"
    OBJECTIVE = "objective", "Objective"


class OnAlert(models.TextChoices):
    """What becomes of a rollout when one of its guards alerts."""

    RETURN = "return", "Everybody gets the usual version again"
    HALT = "halt", "It grows no further; who has the other version keeps it"


class ReviewVerdict(StatusChoices):
    """What somebody else says, afterwards, of a change that went out without approval."""

    JUSTIFIED = "justified", "It was right", "ok"
    UNJUSTIFIED = "unjustified", "It was not right", "bad"


class Decision(models.TextChoices):
    """What a reviewer says of one revision."""

    APPROVE = "approve", "Approved"
    REQUEST_CHANGES = "request_changes", "Asked for changes"
    REJECT = "reject", "Rejected"


class Verb(models.TextChoices):
    """What can be done to a change request."""

    SUBMIT = "submit", "send it for review"
    APPROVE = "approve", "approve it"
    REQUEST_CHANGES = "request_changes", "ask for changes"
    REJECT = "reject", "reject it"
    EDIT = "edit", "edit it"
    CANCEL = "cancel", "withdraw it"
    SCHEDULE = "schedule", "schedule it"
    APPLY = "apply", "apply it"
    MARK_APPLIED = "mark_applied", "note that it was applied"
    MARK_APPLY_FAILED = "mark_apply_failed", "note that it could not be applied"
    ROLL_BACK = "roll_back", "roll it back"
    BREAK_GLASS = "break_glass", "break the glass"


_S, _V = ChangeState, Verb
_BEFORE_APPROVAL = (_S.DRAFT, _S.IN_REVIEW, _S.CHANGES_REQUESTED)
_READY = (_S.APPROVED, _S.APPLY_FAILED)

# (state, verb) -> the states that may follow. What is not here is refused; a trigger keeps the same table.
MOVES: Final = MappingProxyType(
    {
        (_S.DRAFT, _V.SUBMIT): (_S.IN_REVIEW,),
        (_S.CHANGES_REQUESTED, _V.SUBMIT): (_S.IN_REVIEW,),
        (_S.IN_REVIEW, _V.APPROVE): (_S.IN_REVIEW, _S.APPROVED),  # approved once everything is met
        (_S.IN_REVIEW, _V.REQUEST_CHANGES): (_S.CHANGES_REQUESTED,),
        (_S.IN_REVIEW, _V.REJECT): (_S.REJECTED,),
        (_S.CHANGES_REQUESTED, _V.REJECT): (_S.REJECTED,),
        (_S.DRAFT, _V.EDIT): (_S.DRAFT,),
        (_S.IN_REVIEW, _V.EDIT): (_S.IN_REVIEW,),  # a new revision: every approval falls
        (_S.CHANGES_REQUESTED, _V.EDIT): (_S.CHANGES_REQUESTED,),
        (_S.APPROVED, _V.EDIT): (_S.IN_REVIEW,),
        (_S.APPLY_FAILED, _V.EDIT): (_S.IN_REVIEW,),
        (_S.APPROVED, _V.SCHEDULE): (_S.APPROVED,),
        (_S.APPLIED, _V.ROLL_BACK): (_S.ROLLED_BACK,),
    }
    | {(state, _V.CANCEL): (_S.CANCELLED,) for state in (*_BEFORE_APPROVAL, *_READY)}
    | {(state, _V.APPLY): (state, _S.APPLIED) for state in _READY}  # waits in its state where another system applies
    | {(state, _V.MARK_APPLIED): (_S.APPLIED,) for state in _READY}
    | {(state, _V.MARK_APPLY_FAILED): (_S.APPLY_FAILED,) for state in _READY}
    | {(state, _V.BREAK_GLASS): (_S.APPROVED,) for state in (*_BEFORE_APPROVAL, *_READY)}
)

OPEN: Final = frozenset({*_BEFORE_APPROVAL, *_READY})  # one of these a prompt and label
EDITABLE: Final = OPEN
OPEN_PUSHES: Final = (PushState.QUEUED, PushState.PUSHING, PushState.FAILED)
