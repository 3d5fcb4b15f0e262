"""The outbox as `sync` sees it: take what is due, at the last moment check that it is still wanted, say how it went."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.events.status import Tone
from apps.prompts.models import ChangeRequest, LabelPush
from apps.prompts.services.change_requests.applying import check_ready, fail, finish
from apps.prompts.services.change_requests.locking import News, Origin, tell
from apps.prompts.services.change_requests.moving import move_label
from apps.prompts.services.change_requests.refusals import ChangeRefusedError
from apps.prompts.status import MOVES, ChangeState, PushState, Verb

LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class ClaimedPush:
    """What to move where; only the holder of `claim_id` may say how it went."""

    push_id: int
    claim_id: uuid.UUID
    key: str
    source_id: int
    prompt_id: int
    external_id: str  # of the prompt
    label: str
    to_number: int
    to_external_id: str
    attempt: int


def claim_pushes(*, at: datetime, limit: int = 20, lease: timedelta = LEASE) -> list[ClaimedPush]:
    """Take up to `limit` due moves for `lease`; one whose request is not approved any more is voided instead.

    Two workers never hold the same one: the request is locked first, then the push, as every verb does.
    """
    due = LabelPush.objects.filter(
        Q(state__in=[PushState.QUEUED, PushState.FAILED], next_try_at__lte=at)
        | Q(state=PushState.PUSHING, leased_until__lte=at)
    )
    ids = list(due.order_by("next_try_at", "id").values_list("pk", "change_id")[:limit])
    found = [_claim(push_id, change_id, at, lease) for push_id, change_id in ids]
    return [push for push in found if push]


def mark_applied(*, push_id: int, claim_id: uuid.UUID, at: datetime) -> bool:
    """The other system has moved the label; False for a claim that was lost, and nothing is written then."""
    with transaction.atomic():
        held = _hold(push_id, claim_id)
        if held is None:
            return False
        push, change = held
        _close(push, PushState.PUSHED, at)
        if push.kind == LabelPush.Kind.APPLY and change is not None:
            assert (ChangeState(change.state), Verb.MARK_APPLIED) in MOVES
            finish(change=change, actor=push.requested_by, at=at, origin=Origin.WORKER)
        else:
            move_label(
                prompt=push.prompt,
                label=push.label,
                to=push.to_version,
                change=change if push.kind == LabelPush.Kind.ROLL_BACK else None,
                actor=push.requested_by,
                at=at,
                is_rollback=push.kind == LabelPush.Kind.ROLL_BACK,
            )
    return True


def mark_apply_failed(
    *, push_id: int, claim_id: uuid.UUID, why: str, at: datetime, next_try_at: datetime | None
) -> bool:
    """The other system refused or did not answer; without `next_try_at` it is given up. False for a lost claim."""
    with transaction.atomic():
        held = _hold(push_id, claim_id)
        if held is None:
            return False
        push, change = held
        if next_try_at is None:
            _close(push, PushState.ABANDONED, at, why)
        else:
            push.state, push.error, push.next_try_at, push.claim_id = PushState.FAILED, why, next_try_at, None
            push.save(update_fields=["state", "error", "next_try_at", "claim_id"])
        if change is None:
            return True
        if push.kind == LabelPush.Kind.APPLY:
            fail(change=change, why=why, at=at)
        elif next_try_at is None:
            title = f"“{change.title}”: {push.label} could not be put back to v{push.to_version.number}"
            news = News(kind="prompts:change:apply-failed", title=title, tone=Tone.BAD, detail=why)
            tell(change=change, news=news, actor=None, at=at)
    return True


def _claim(push_id: int, change_id: int | None, at: datetime, lease: timedelta) -> ClaimedPush | None:
    with transaction.atomic():
        change = None
        if change_id is not None:
            change = ChangeRequest.objects.select_for_update(skip_locked=True).filter(pk=change_id).first()
            if change is None:
                return None  # somebody works on the request: next time
        rows = LabelPush.objects.select_for_update(skip_locked=True)
        push = rows.filter(pk=push_id).first()
        if push is None or not _is_due(push, at):
            return None
        if push.kind == LabelPush.Kind.APPLY and change is not None and not _is_wanted(push, change, at):
            return None
        push.state, push.claim_id, push.leased_until = PushState.PUSHING, uuid.uuid4(), at + lease
        push.attempts += 1
        push.save(update_fields=["state", "claim_id", "leased_until", "attempts"])
    return _claimed(push)


def _is_due(push: LabelPush, at: datetime) -> bool:
    if push.state == PushState.PUSHING:
        return push.leased_until is None or push.leased_until <= at
    return push.state in (PushState.QUEUED, PushState.FAILED) and push.next_try_at <= at


def _is_wanted(push: LabelPush, change: ChangeRequest, at: datetime) -> bool:
    """The last look before the other system is touched; what is not approved any more is voided and told."""
    if (ChangeState(change.state), Verb.MARK_APPLIED) not in MOVES:
        _close(push, PushState.VOID, at)
        return False
    try:
        check_ready(change=change, at=at)
    except ChangeRefusedError as refusal:
        _close(push, PushState.VOID, at, str(refusal))
        fail(change=change, why=str(refusal), at=at)
        return False
    return True


def _hold(push_id: int, claim_id: uuid.UUID) -> tuple[LabelPush, ChangeRequest | None] | None:
    """The push and its request, both locked, if the claim still stands."""
    change_id = LabelPush.objects.values_list("change_id", flat=True).filter(pk=push_id).first()
    change = ChangeRequest.objects.select_for_update().get(pk=change_id) if change_id else None
    push = LabelPush.objects.select_for_update().filter(pk=push_id, claim_id=claim_id, state=PushState.PUSHING).first()
    return (push, change) if push else None


def _close(push: LabelPush, state: PushState, at: datetime, error: str = "") -> None:
    push.state, push.finished_at, push.error, push.claim_id = state, at, error, None
    push.save(update_fields=["state", "finished_at", "error", "claim_id"])


def _claimed(push: LabelPush) -> ClaimedPush:
    assert push.claim_id is not None
    assert push.prompt.source_id is not None
    return ClaimedPush(
        push_id=push.pk,
        claim_id=push.claim_id,
        key=push.key,
        source_id=push.prompt.source_id,
        prompt_id=push.prompt_id,
        external_id=push.prompt.external_id,
        label=push.label,
        to_number=push.to_version.number,
        to_external_id=push.to_version.external_id,
        attempt=push.attempts,
    )
