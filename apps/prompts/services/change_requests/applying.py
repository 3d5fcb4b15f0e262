"""Carrying an approved change out: now, or at a time. What stands in the way is asked again at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.events.status import Tone
from apps.prompts import queries
from apps.prompts.models import ChangeRequest, LabelPush, PromptLabel
from apps.prompts.services.change_requests.gates import judge_gate, may_pass
from apps.prompts.services.change_requests.locking import News, Origin, check_person, lock_change, tell
from apps.prompts.services.change_requests.moving import lock_labels, move_label
from apps.prompts.services.change_requests.outbox import queue_push
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError, ChangeRefusedError
from apps.prompts.status import ChangeState, Verb

FARTHEST = timedelta(days=90)


def schedule_change(
    *, change_id: int, apply_at: datetime | None, actor: User, at: datetime, origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """Have it applied at a time; None takes the plan back."""
    check_person(actor=actor, action="change:apply")
    if apply_at is not None and not at < apply_at <= at + FARTHEST:
        raise ChangeInvalidError("Choose a time to come, within the next 90 days.", field="apply_at")
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.SCHEDULE)
        change.apply_at, change.apply_by, change.changed_at = apply_at, actor, at
        change.save(update_fields=["apply_at", "apply_by", "changed_at"])
        title = f"“{change.title}” is planned" if apply_at else f"“{change.title}” is not planned any more"
        news = News(kind="prompts:change:scheduled", title=title)
        tell(change=change, news=news, actor=actor, at=at, origin=origin)
    return change


def apply_change(
    *, change_id: int, actor: User, at: datetime, obstacles: Sequence[str] = (), origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """Apply it now: the label of an own prompt moves at once, that of another system by a push which waits for `sync`.

    `obstacles` are sentences of what else speaks against it (a freeze); a rule may choose to go on all the same.
    """
    check_person(actor=actor, action="change:apply")
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.APPLY)
        carry_out(change=change, actor=actor, at=at, obstacles=obstacles, origin=origin)
    return change


def apply_due_change(*, change_id: int, at: datetime, obstacles: Sequence[str] = ()) -> bool:
    """Apply one that is planned for now, unless another worker has it or it moved on; whether this call decided it.

    What stands in the way is kept as the failure, for people to read.
    """
    with transaction.atomic():
        rows = ChangeRequest.objects.select_for_update(skip_locked=True)
        change = rows.filter(pk=change_id, state=ChangeState.APPROVED, apply_at__lte=at).first()
        if change is None:
            return False
        try:
            with transaction.atomic():
                carry_out(change=change, actor=change.apply_by, at=at, obstacles=obstacles, origin=Origin.WORKER)
        except ChangeRefusedError as refusal:
            change.refresh_from_db()
            fail(change=change, why=str(refusal), at=at)
        return True


def carry_out(
    *, change: ChangeRequest, actor: User | None, at: datetime, obstacles: Sequence[str], origin: Origin
) -> None:
    """Apply the locked request or raise ChangeConflictError with what is in the way."""
    lock_labels(prompt=change.prompt)
    check_ready(change=change, at=at)
    if obstacles and change.respects_freezes and not change.is_broken_glass:
        raise ChangeConflictError(" ".join(obstacles))
    if change.prompt.source_id is None:
        finish(change=change, actor=actor, at=at, origin=origin)
        return
    queue_push(
        kind=LabelPush.Kind.APPLY,
        prompt=change.prompt,
        label=change.label,
        before=change.current.base,
        to=change.current.version,
        change=change,
        actor=actor,
        at=at,
    )
    change.apply_at, change.apply_by, change.changed_at = None, actor, at
    change.save(update_fields=["apply_at", "apply_by", "changed_at"])
    title = f"“{change.title}” is on its way to {change.prompt.source}"
    news = News(kind="prompts:change:sent", title=title)
    tell(change=change, news=news, actor=actor, at=at, origin=origin)


def check_ready(*, change: ChangeRequest, at: datetime) -> None:
    """Raise ChangeConflictError unless approvals, gate and base still hold at this moment."""
    revision = change.current
    label = PromptLabel.objects.filter(prompt=change.prompt, name=change.label).select_related("version").first()
    now = label.version if label else None
    if (now.pk if now else None) != revision.base_id:
        was = f"v{revision.base.number}" if revision.base else "nothing"
        there = f"v{now.number}" if now else "nothing"
        raise ChangeConflictError(
            f"{change.label} points at {there} now; this change was made when it pointed at {was}. "
            "Edit it, so that reviewers see the real difference."
        )
    if revision.version.gone_at:
        raise ChangeConflictError(f"Version {revision.version.number} is gone from its source.")
    if change.is_broken_glass:
        return
    standing = queries.standing(change=change, at=at)
    if not standing.is_met:
        raise ChangeConflictError(
            f"{standing.valid} of {standing.needed} approvals still hold: one is too old, or its reviewer may not "
            "approve any more. Edit the change, so that it is reviewed again."
        )
    if not may_pass(judge_gate(change=change, at=at)):
        raise ChangeConflictError("The evaluation gate is not passed any more. Evaluate the version again.")


def finish(*, change: ChangeRequest, actor: User | None, at: datetime, origin: Origin) -> None:
    """The locked request is applied: its state first, because the triggers let a label move only then."""
    before = change.state
    change.state, change.applied_at, change.changed_at = ChangeState.APPLIED, at, at
    change.apply_at, change.failure = None, ""
    change.save(update_fields=["state", "applied_at", "changed_at", "apply_at", "failure"])
    version = change.current.version
    move_label(prompt=change.prompt, label=change.label, to=version, change=change, actor=actor, at=at)
    title = f"“{change.title}” is applied: v{version.number} is live"
    news = News(kind="prompts:change:applied", title=title, tone=Tone.OK)
    tell(change=change, news=news, actor=actor, at=at, origin=origin, before=before)


def fail(*, change: ChangeRequest, why: str, at: datetime) -> None:
    """The locked request could not be applied; told once for every reason."""
    before, is_news = change.state, change.failure != why
    change.state, change.failure, change.changed_at, change.apply_at = ChangeState.APPLY_FAILED, why, at, None
    change.save(update_fields=["state", "failure", "changed_at", "apply_at"])
    if is_news:
        title = f"“{change.title}” could not be applied"
        news = News(kind="prompts:change:apply-failed", title=title, tone=Tone.BAD, detail=why)
        tell(change=change, news=news, actor=None, at=at, before=before)
