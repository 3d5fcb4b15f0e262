"""One click back to what was live before, with the reason."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.events.status import Tone
from apps.prompts.models import ChangeRequest, LabelPush, PromptLabel
from apps.prompts.services.change_requests.locking import News, Origin, check_person, lock_change, tell
from apps.prompts.services.change_requests.moving import lock_labels, move_label
from apps.prompts.services.change_requests.outbox import queue_push
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError
from apps.prompts.status import ChangeState, Verb


def roll_back_change(
    *, change_id: int, actor: User, reason: str, at: datetime, origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """Put the label back to where it was before the request; one person is enough, and the reason is kept."""
    check_person(actor=actor, action="change:roll-back")
    if not reason.strip():
        raise ChangeInvalidError("Say why it goes back; the team reads it later.", field="reason")
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.ROLL_BACK)
        lock_labels(prompt=change.prompt)
        revision = change.current
        label = PromptLabel.objects.filter(prompt=change.prompt, name=change.label).select_related("version").first()
        if label is None or label.version_id != revision.version_id:
            there = f"v{label.version.number}" if label else "nothing"
            raise ChangeConflictError(f"{change.label} points at {there} now, not at what this change put there.")
        if revision.base is None:
            raise ChangeConflictError(f"{change.label} pointed at nothing before. Propose a version for it.")
        change.state, change.rolled_back_at, change.changed_at = ChangeState.ROLLED_BACK, at, at
        change.rolled_back_by, change.rollback_reason = actor, reason
        change.save(update_fields=["state", "rolled_back_at", "changed_at", "rolled_back_by", "rollback_reason"])
        _move_back(change=change, actor=actor, at=at)
        title = f"“{change.title}” was rolled back to v{revision.base.number}"
        news = News(kind="prompts:change:rolled-back", title=title, tone=Tone.WARN, detail=reason)
        tell(change=change, news=news, actor=actor, at=at, origin=origin, before=ChangeState.APPLIED)
    return change


def _move_back(*, change: ChangeRequest, actor: User, at: datetime) -> None:
    revision = change.current
    assert revision.base is not None
    if change.prompt.source_id is None:
        move_label(
            prompt=change.prompt,
            label=change.label,
            to=revision.base,
            change=change,
            actor=actor,
            at=at,
            is_rollback=True,
        )
        return
    queue_push(
        kind=LabelPush.Kind.ROLL_BACK,
        prompt=change.prompt,
        label=change.label,
        before=revision.version,
        to=revision.base,
        change=change,
        actor=actor,
        at=at,
    )
