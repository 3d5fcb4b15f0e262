"""Planned change requests whose time has come, and those whose evaluations may have come in."""

from __future__ import annotations

from datetime import datetime

from apps.health.queries import freezes_of
from apps.prompts import queries as prompts
from apps.prompts.services import change_requests as changes


def apply_due_changes(*, at: datetime) -> str:
    """Apply what is planned for now, each by its own claim."""
    due = prompts.due_changes(at=at)
    decided = sum(
        changes.apply_due_change(change_id=change.pk, at=at, obstacles=freezes_of(change=change, at=at))
        for change in due
    )
    return f"{decided} of {len(due)} due changes decided"


def settle_waiting_changes(*, at: datetime) -> str:
    """Approve what only waited for its gate."""
    waiting = prompts.waiting_for_gate()
    settled = sum(changes.settle_change(change_id=pk, at=at) for pk in waiting)
    return f"{settled} of {len(waiting)} changes approved by their gate"
