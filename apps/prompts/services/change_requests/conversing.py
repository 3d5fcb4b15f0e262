"""Remarks on a request, pinned to the lines they speak of, resolved or open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.events.services import ring
from apps.prompts.comparison import parts_of
from apps.prompts.models import ChangeRequest, Comment
from apps.prompts.services.change_requests.locking import News, Origin, check_person, tell
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError

LONGEST = 5_000


@dataclass(frozen=True, slots=True)
class Pin:
    """The lines of the proposed version that a remark speaks of, counted from 1, both ends included."""

    part: str  # a name of `comparison.parts_of`
    first: int
    last: int


def add_comment(
    *,
    change_id: int,
    body: str,
    actor: User,
    at: datetime,
    pin: Pin | None = None,
    parent_id: int | None = None,
    origin: Origin = Origin.PAGE,
) -> Comment:
    """A remark on the whole change, on lines of what is proposed, or an answer to another remark."""
    check_person(actor=actor, action="change:comment")
    if not body.strip() or len(body) > LONGEST:
        raise ChangeInvalidError(f"Write something, in up to {LONGEST:,} characters.", field="body")
    with transaction.atomic():
        change = ChangeRequest.objects.select_for_update().get(pk=change_id)
        if parent_id and not Comment.objects.filter(pk=parent_id, change=change, parent=None).exists():
            raise ChangeInvalidError("Answer a remark of this change.", field="parent")
        comment = Comment(change=change, revision=change.current, parent_id=parent_id, body=body.strip())
        comment.author, comment.at = actor, at
        if pin and not parent_id:
            comment.quote = _quote(change, pin)
            comment.part, comment.first_line, comment.last_line = pin.part, pin.first, pin.last
        comment.save(force_insert=True)
        news = News(kind="prompts:change:commented", title=f"{actor} wrote on “{change.title}”", detail=body[:500])
        tell(change=change, news=news, actor=actor, at=at, origin=origin)
    return comment


def resolve_comment(*, comment_id: int, actor: User, at: datetime) -> Comment:
    """Mark the thread as settled."""
    return _settle(comment_id=comment_id, actor=actor, at=at, is_resolved=True)


def reopen_comment(*, comment_id: int, actor: User, at: datetime) -> Comment:
    """Take the thread up again."""
    return _settle(comment_id=comment_id, actor=actor, at=at, is_resolved=False)


def _settle(*, comment_id: int, actor: User, at: datetime, is_resolved: bool) -> Comment:
    check_person(actor=actor, action="change:comment")
    with transaction.atomic():
        comment = Comment.objects.select_for_update().get(pk=comment_id)
        if comment.parent_id is not None or (comment.resolved_at is not None) == is_resolved:
            raise ChangeConflictError("Somebody was faster. Look at it again.")
        comment.resolved_by, comment.resolved_at = (actor, at) if is_resolved else (None, None)
        comment.save(update_fields=["resolved_by", "resolved_at"])
        ring(topics={comment.change.topic})
    return comment


def _quote(change: ChangeRequest, pin: Pin) -> str:
    """The words at these lines; ChangeInvalidError where there are none."""
    lines = dict(parts_of(change.current.version)).get(pin.part, "").splitlines()
    if not 1 <= pin.first <= pin.last <= len(lines):
        raise ChangeInvalidError(f"{pin.part} ends at line {len(lines)}; choose lines up to there.", field="first_line")
    return "\n".join(lines[pin.first - 1 : pin.last])
