"""Breaking the glass: out without approval, loudly, with a reason and a review that is owed afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.events.status import Tone
from apps.prompts import queries
from apps.prompts.models import AfterReview, ChangeRequest
from apps.prompts.services.change_requests.applying import carry_out
from apps.prompts.services.change_requests.locking import News, Origin, check_person, lock_change, tell
from apps.prompts.services.change_requests.refusals import (
    ChangeConflictError,
    ChangeInvalidError,
    ChangeNotAllowedError,
)
from apps.prompts.status import ChangeState, ReviewVerdict, Verb

OWED_WITHIN = timedelta(hours=24)


def break_glass(
    *, change_id: int, actor: User, reason: str, at: datetime, origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """Apply the current revision without approvals, gate or freeze; somebody else must review it within a day."""
    check_person(actor=actor, action="change:break-glass")
    if not reason.strip():
        raise ChangeInvalidError("Say what cannot wait for approval; everybody will read it.", field="reason")
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.BREAK_GLASS)
        if change.broken_by_id is not None:
            raise ChangeConflictError("The glass of this change was broken already. Apply it, or make another one.")
        before = change.state
        change.broken_by, change.broken_at, change.broken_reason = actor, at, reason
        change.broken_revision, change.state, change.changed_at = change.current, ChangeState.APPROVED, at
        change.decided_at = at
        fields = ["broken_by", "broken_at", "broken_reason", "broken_revision", "state", "changed_at", "decided_at"]
        change.save(update_fields=fields)
        AfterReview.objects.create(change=change, due_at=at + OWED_WITHIN)
        title = f"{actor} broke the glass: “{change.title}” goes out without approval"
        news = News(kind="prompts:change:glass-broken", title=title, tone=Tone.BAD, detail=reason)
        tell(change=change, news=news, actor=actor, at=at, origin=origin, before=before)
        carry_out(change=change, actor=actor, at=at, obstacles=(), origin=origin)
    return change


def review_broken_glass(
    *, change_id: int, verdict: ReviewVerdict, note: str, actor: User, at: datetime, origin: Origin = Origin.PAGE
) -> AfterReview:
    """What somebody else says of it afterwards; said once."""
    if not note.strip():
        raise ChangeInvalidError("Say what you looked at.", field="note")
    with transaction.atomic():
        change = ChangeRequest.objects.select_for_update().get(pk=change_id)
        review = AfterReview.objects.filter(change=change).first()
        if review is None or review.reviewed_at is not None:
            raise ChangeConflictError("This change owes no review.")
        if not queries.may_approve(user=actor, change=change):
            raise ChangeNotAllowedError("Your role does not allow this; it takes Approver.")
        if actor.pk == change.broken_by_id or actor.pk in queries.written_by(change=change):
            raise ChangeNotAllowedError("You broke the glass or wrote a part of this change; somebody else reviews it.")
        review.verdict, review.note, review.reviewed_by, review.reviewed_at = verdict, note, actor, at
        review.save(update_fields=["verdict", "note", "reviewed_by", "reviewed_at"])
        tone = Tone.OK if verdict == ReviewVerdict.JUSTIFIED else Tone.WARN
        title = f"{actor} reviewed the broken glass of “{change.title}”: {ReviewVerdict(verdict).label.lower()}"
        news = News(kind="prompts:change:glass-reviewed", title=title, tone=tone, detail=note)
        tell(change=change, news=news, actor=actor, at=at, origin=origin)
    return review
