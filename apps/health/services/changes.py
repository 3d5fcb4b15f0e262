"""Planned change requests whose time has come, and those whose evaluations may have come in."""

from __future__ import annotations

from datetime import datetime

from apps.health.queries import freezes_of
from apps.prompts import queries as prompts
from apps.prompts.services import change_requests as changes


def apply_due_changes(*, at: datetime) -> str:
    """Apply what is planned for now, each by its own claim, and approve what only waited for its gate."""
    due = prompts.due_changes(at=at)
    applied = sum(
        changes.apply_due_change(change_id=change.pk, at=at, obstacles=freezes_of(change=change, at=at))
        for change in due
    )
    settled = sum(changes.settle_change(change_id=pk, at=at) for pk in prompts.waiting_for_gate())
    return f"{applied} of {len(due)} due changes decided, {settled} approved by their gate"
