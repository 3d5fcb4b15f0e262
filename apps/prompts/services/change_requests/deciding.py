"""What reviewers say: yes, change this, or no. A vote is for one revision and the hash that was on the screen."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.events.status import Tone
from apps.prompts import queries
from apps.prompts.models import ChangeRequest, Vote
from apps.prompts.services.change_requests.gates import judge_gate, may_pass
from apps.prompts.services.change_requests.locking import News, Origin, lock_change, tell
from apps.prompts.services.change_requests.refusals import (
    ChangeConflictError,
    ChangeInvalidError,
    ChangeNotAllowedError,
)
from apps.prompts.status import ChangeState, Decision, Verb


def approve_change(
    *, change_id: int, seen_hash: str, actor: User, at: datetime, note: str = "", origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """A yes for the revision that has `seen_hash`; the request is approved when nothing is missing any more."""
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.APPROVE)
        _vote(change=change, decision=Decision.APPROVE, seen_hash=seen_hash, actor=actor, at=at, note=note)
        news = News(kind="prompts:change:endorsed", title=f"{actor} approved “{change.title}”", detail=note)
        tell(change=change, news=news, actor=actor, at=at, origin=origin)
        _settle(change=change, at=at)
    return change


def request_changes(
    *, change_id: int, seen_hash: str, actor: User, at: datetime, note: str, origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """Ask the author for something else; `note` says what."""
    if not note.strip():
        raise ChangeInvalidError("Say what should be different.", field="note")
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.REQUEST_CHANGES)
        _vote(change=change, decision=Decision.REQUEST_CHANGES, seen_hash=seen_hash, actor=actor, at=at, note=note)
        change.state, change.changed_at = ChangeState.CHANGES_REQUESTED, at
        change.save(update_fields=["state", "changed_at"])
        title = f"{actor} asked for changes to “{change.title}”"
        news = News(kind="prompts:change:returned", title=title, tone=Tone.WARN, detail=note)
        tell(change=change, news=news, actor=actor, at=at, origin=origin, before=ChangeState.IN_REVIEW)
    return change


def reject_change(
    *, change_id: int, seen_hash: str, actor: User, at: datetime, note: str, origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """Close it for good; `note` says why."""
    if not note.strip():
        raise ChangeInvalidError("Say why it should not go out.", field="note")
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.REJECT)
        before = change.state
        _vote(change=change, decision=Decision.REJECT, seen_hash=seen_hash, actor=actor, at=at, note=note)
        change.state, change.decided_at, change.changed_at = ChangeState.REJECTED, at, at
        change.save(update_fields=["state", "decided_at", "changed_at"])
        news = News(kind="prompts:change:rejected", title=f"“{change.title}” was rejected", tone=Tone.WARN, detail=note)
        tell(change=change, news=news, actor=actor, at=at, origin=origin, before=before)
    return change


def settle_change(*, change_id: int, at: datetime) -> bool:
    """Judge the gate again and approve what waited for nothing else; whether the request moved on."""
    with transaction.atomic():
        change = ChangeRequest.objects.select_for_update().get(pk=change_id)
        return change.state == ChangeState.IN_REVIEW and _settle(change=change, at=at)


def _settle(*, change: ChangeRequest, at: datetime) -> bool:
    """Approve the locked request if votes, teams and gate are complete."""
    gate = judge_gate(change=change, at=at)
    if gate != change.gate_state:
        change.gate_state = gate
        change.save(update_fields=["gate_state"])
    if not may_pass(gate) or not queries.standing(change=change, at=at).is_met:
        return False
    change.state, change.decided_at, change.changed_at = ChangeState.APPROVED, at, at
    change.save(update_fields=["state", "decided_at", "changed_at"])
    news = News(kind="prompts:change:approved", title=f"“{change.title}” is approved", tone=Tone.OK)
    tell(change=change, news=news, actor=None, at=at, before=ChangeState.IN_REVIEW)
    return True


def _vote(*, change: ChangeRequest, decision: Decision, seen_hash: str, actor: User, at: datetime, note: str) -> None:
    if not queries.may_approve(user=actor, change=change):
        raise ChangeNotAllowedError(
            "Your role does not allow this; it takes Approver, or that role in a team that is asked."
        )
    if actor.pk in queries.written_by(change=change):
        raise ChangeNotAllowedError("You wrote a part of this change, so somebody else decides on it.")
    revision = change.current
    if seen_hash != revision.content_hash:
        raise ChangeConflictError(
            f"It was changed while you read: revision {revision.number} is what counts now. Look at it again."
        )
    if Vote.objects.filter(revision=revision, user=actor, decision=decision).exists():
        raise ChangeConflictError("You have said so already for this revision.")
    Vote.objects.create(
        change=change,
        revision=revision,
        content_hash=seen_hash,
        user=actor,
        decision=decision,
        note=note,
        at=at,
    )
