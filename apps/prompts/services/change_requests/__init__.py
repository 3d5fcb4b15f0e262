"""One service a verb of `status.MOVES`: lock the row, check the move, save named fields, record the event."""

from apps.prompts.services.change_requests.applying import apply_change, apply_due_change, schedule_change
from apps.prompts.services.change_requests.conversing import Pin, add_comment, reopen_comment, resolve_comment
from apps.prompts.services.change_requests.deciding import (
    approve_change,
    reject_change,
    request_changes,
    settle_change,
)
from apps.prompts.services.change_requests.emergency import break_glass, review_broken_glass
from apps.prompts.services.change_requests.proposing import cancel_change, edit_change, propose_change, submit_change
from apps.prompts.services.change_requests.pushing import (
    ClaimedPush,
    claim_pushes,
    mark_applied,
    mark_apply_failed,
)
from apps.prompts.services.change_requests.refusals import (
    ChangeConflictError,
    ChangeInvalidError,
    ChangeNotAllowedError,
    ChangeRefusedError,
)
from apps.prompts.services.change_requests.returning import roll_back_change

__all__ = [
    "ChangeConflictError",
    "ChangeInvalidError",
    "ChangeNotAllowedError",
    "ChangeRefusedError",
    "ClaimedPush",
    "Pin",
    "add_comment",
    "apply_change",
    "apply_due_change",
    "approve_change",
    "break_glass",
    "cancel_change",
    "claim_pushes",
    "edit_change",
    "mark_applied",
    "mark_apply_failed",
    "propose_change",
    "reject_change",
    "reopen_comment",
    "request_changes",
    "resolve_comment",
    "review_broken_glass",
    "roll_back_change",
    "schedule_change",
    "settle_change",
    "submit_change",
]
