"""Prompts of other systems that the portal is the truth of: versions written here, and sent there by `sync`."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import record_audit
from apps.core import bulk
from apps.events.services import NewEvent, record_events
from apps.events.status import Tone
from apps.prompts.models import Prompt, PromptConflict, VersionPush
from apps.prompts.services.authoring import check_wording
from apps.prompts.services.change_requests.locking import check_person
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError
from apps.prompts.services.prompts import LOCK
from apps.prompts.status import OPEN_PUSHES, ConflictPolicy, ConflictState, PushState, Truth
from apps.prompts.writing import Wording

Origin = AuditEntry.Origin
LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class ClaimedVersion:
    """One version to send; only the holder of `claim_id` may say how it went."""

    push: VersionPush
    claim_id: uuid.UUID


def set_truth(*, prompt: Prompt, truth: Truth, on_conflict: ConflictPolicy, actor: User, at: datetime) -> Prompt:
    """Say which side of a prompt is written, and what happens when both were."""
    check_person(actor=actor, action="prompt:write")
    if prompt.source_id is None:
        raise ChangeConflictError("The portal itself keeps this prompt; there is no other side.")
    with transaction.atomic():
        _lock(prompt)
        locked = Prompt.objects.select_for_update(no_key=True, of=("self",)).select_related("source").get(pk=prompt.pk)
        before = {"truth": locked.truth, "on_conflict": locked.on_conflict}
        after = {"truth": truth.value, "on_conflict": on_conflict.value}
        if before == after:
            return locked
        if truth == Truth.UPSTREAM and VersionPush.objects.filter(prompt=locked, state__in=OPEN_PUSHES).exists():
            raise ChangeConflictError("A version is on its way there. Wait for it, or take it back first.")
        locked.truth, locked.on_conflict = truth, on_conflict
        locked.save(update_fields=["truth", "on_conflict"])
        where = "the portal" if truth == Truth.PORTAL else locked.source
        tell_sync(locked, "truth", "changed", f"{where} is its truth now", at, actor=actor, data=after)
        record_audit(actor=actor, action="prompt:set-truth", subject=locked, before=before, after=after)
    return locked


def write_upstream(
    *,
    prompt: Prompt,
    wording: Wording,
    actor: User,
    at: datetime,
    commit_message: str,
    override_reason: str = "",
    origin: Origin = Origin.PAGE,
) -> VersionPush:
    """Queue the next version for the system that keeps the prompt; one at a time. Raises ChangeRefusedError."""
    check_person(actor=actor, action="prompt:write")
    findings = check_wording(prompt, wording, commit_message=commit_message, override_reason=override_reason)
    with transaction.atomic():
        _lock(prompt)
        locked = Prompt.objects.select_for_update(no_key=True, of=("self",)).select_related("source").get(pk=prompt.pk)
        if locked.source_id is None or locked.truth != Truth.PORTAL:
            raise ChangeConflictError(f"{locked.source} is the truth of this prompt; write the new version there.")
        if VersionPush.objects.filter(prompt=locked, state__in=OPEN_PUSHES).exists():
            raise ChangeConflictError("Another version is on its way there. Wait until it has arrived.")
        if locked.versions.filter(number=locked.latest_number, content_hash=wording.hash).exists():
            raise ChangeConflictError(f"Version {locked.latest_number} says exactly the same.")
        push = VersionPush.objects.create(
            prompt=locked,
            base_number=locked.latest_number,
            template=wording.template,
            messages=[dict(one) for one in wording.messages],
            model_config=dict(wording.model_config),
            response_format=wording.response_format,
            content_hash=wording.hash,
            commit_message=commit_message.strip(),
            written_by=actor,
            created_at=at,
            next_try_at=at,
            marker=_marker(locked, wording, at),
        )
        record_audit(
            actor=actor,
            action="prompt:write-upstream",
            subject=locked,
            after={"base": push.base_number, "hash": push.content_hash, "overridden": [str(one) for one in findings]},
            reason=override_reason if findings else "",
            origin=origin,
        )
        title = f"a version after v{push.base_number} is on its way to {locked.source}"
        data = {"base": push.base_number}
        tell_sync(locked, "version", "sent", title, at, actor=actor, detail=push.commit_message, data=data)
    return push


def take_back(*, prompt_id: int, actor: User, at: datetime) -> None:
    """Give up the version that has not arrived yet; ChangeConflictError when it is on the wire or there is none."""
    check_person(actor=actor, action="prompt:write")
    with transaction.atomic():
        prompt = Prompt.objects.select_related("source").get(pk=prompt_id)
        _lock(prompt)
        push = VersionPush.objects.select_for_update().filter(prompt=prompt, state__in=OPEN_PUSHES).first()
        if push is None or (push.state == PushState.PUSHING and push.leased_until and push.leased_until > at):
            raise ChangeConflictError("It is on the wire, or gone already. Look at it again.")
        if PromptConflict.objects.filter(prompt=prompt, state=ConflictState.OPEN).exists():
            raise ChangeConflictError("Both sides have a new version: decide which one is kept.")
        close_push(push, PushState.VOID, at)
        record_audit(actor=actor, action="prompt:take-back", subject=prompt, before={"base": push.base_number})


def resolve_conflict(*, conflict_id: int, keeps: Truth, actor: User, reason: str, at: datetime) -> PromptConflict:
    """Keep one side: the portal's version is sent on top of theirs, or given up. Takes a reason."""
    check_person(actor=actor, action="prompt:write")
    if not reason.strip():
        raise ChangeInvalidError("Say why; whoever reads the ledger later asks.", field="reason")
    prompt = Prompt.objects.select_related("source").get(conflicts=conflict_id)
    with transaction.atomic():
        _lock(prompt)
        conflict = PromptConflict.objects.select_for_update(of=("self",)).select_related("theirs").get(pk=conflict_id)
        if conflict.state != ConflictState.OPEN:
            raise ChangeConflictError("This is over already; somebody decided before you. Look at it again.")
        news = end_conflict(prompt, conflict, keeps, reason, at, actor=actor)
        record_events(events=[news])
        record_audit(
            actor=actor,
            action="prompt:resolve-conflict",
            subject=prompt,
            after={"kept": keeps.value, "theirs": conflict.theirs.number},
            reason=reason,
        )
    return conflict


def end_conflict(
    prompt: Prompt, conflict: PromptConflict, keeps: Truth, reason: str, at: datetime, *, actor: User | None = None
) -> NewEvent:
    """Write the decision down and let the waiting version follow it; the caller holds the locks. Its event."""
    push = VersionPush.objects.select_for_update().get(pk=conflict.ours_id)
    is_ours = keeps == Truth.PORTAL
    conflict.state = ConflictState.KEPT_PORTAL if is_ours else ConflictState.KEPT_UPSTREAM
    conflict.ended_at, conflict.ended_by, conflict.reason = at, actor, reason
    conflict.save()
    if is_ours:
        push.base_number, push.next_try_at, push.attempts = conflict.theirs.number, at, 0
        push.state = PushState.QUEUED
        push.save(update_fields=["base_number", "next_try_at", "attempts", "state"])
    else:
        close_push(push, PushState.VOID, at)
    kept = "the portal's version goes on top of" if is_ours else "the portal's version gives way to"
    data = {"kept": keeps.value, "theirs": conflict.theirs.number, "base": push.base_number}
    title = f"{kept} v{conflict.theirs.number}"
    return sync_event(prompt, "conflict", "resolved", title, at, actor=actor, detail=reason, data=data)


def claim_versions(*, at: datetime, limit: int = 20, lease: timedelta = LEASE) -> list[ClaimedVersion]:
    """Take what is due; what is in a conflict waits for its end. Two workers never hold the same one."""
    due = Q(state__in=[PushState.QUEUED, PushState.FAILED], next_try_at__lte=at)
    due |= Q(state=PushState.PUSHING, leased_until__lte=at)
    with transaction.atomic():
        rows = VersionPush.objects.select_for_update(skip_locked=True, of=("self",)).select_related("prompt__source")
        waiting = PromptConflict.objects.filter(state=ConflictState.OPEN).values("ours_id")
        found = list(rows.filter(due).exclude(pk__in=waiting).order_by("next_try_at", "id")[:limit])
        for push in found:
            push.state, push.claim_id, push.leased_until = PushState.PUSHING, uuid.uuid4(), at + lease
            push.attempts += 1
            push.save(update_fields=["state", "claim_id", "leased_until", "attempts"])
    return [ClaimedVersion(push, push.claim_id) for push in found if push.claim_id]


def mark_written(*, claimed: ClaimedVersion, at: datetime) -> bool:
    """It is there; the next poll brings it. False for a claim that was lost."""
    with transaction.atomic():
        push = _hold(claimed)
        if push is None:
            return False
        close_push(push, PushState.PUSHED, at)
        title = f"a version after v{push.base_number} was written to {push.prompt.source}"
        data = {"base": push.base_number}
        tell_sync(push.prompt, "version", "arrived", title, at, actor=push.written_by, tone=Tone.OK, data=data)
    return True


def mark_write_failed(*, claimed: ClaimedVersion, why: str, at: datetime, next_try_at: datetime | None) -> bool:
    """It was refused or nobody answered; without `next_try_at` it is given up. False for a lost claim."""
    with transaction.atomic():
        push = _hold(claimed)
        if push is None:
            return False
        if next_try_at is None:
            close_push(push, PushState.ABANDONED, at, why)
            title = f"a version after v{push.base_number} could not be written to {push.prompt.source}"
            data = {"base": push.base_number}
            tell_sync(push.prompt, "version", "not-sent", title, at, tone=Tone.BAD, detail=why, data=data)
        else:
            push.state, push.error, push.next_try_at, push.claim_id = PushState.FAILED, why, next_try_at, None
            push.save(update_fields=["state", "error", "next_try_at", "claim_id"])
    return True


def close_push(push: VersionPush, state: PushState, at: datetime, error: str = "") -> None:
    """Nothing more happens with it."""
    push.state, push.finished_at, push.error, push.claim_id = state, at, error, None
    push.save(update_fields=["state", "finished_at", "error", "claim_id"])


def tell_sync(prompt: Prompt, noun: str, what: str, title: str, at: datetime, **more: Any) -> None:
    """Record `prompts:<noun>:<what>` and ring the pages of the prompt."""
    record_events(events=[sync_event(prompt, noun, what, title, at, **more)])


def sync_event(
    prompt: Prompt,
    noun: str,
    what: str,
    title: str,
    at: datetime,
    *,
    data: dict[str, Any],
    actor: User | None = None,
    tone: Tone = Tone.INFO,
    detail: str = "",
) -> NewEvent:
    """The event, not yet recorded."""
    return NewEvent(
        kind=f"prompts:{noun}:{what}",
        at=at,
        title=f"{prompt.name[:120]} prompt: {title}"[:300],
        tone=tone,
        detail=detail,
        actor=str(actor)[:150] if actor else "",
        is_demo=bool(prompt.source and prompt.source.is_demo),
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        source_id=prompt.source_id,
        subject_kind="prompt",
        subject_id=prompt.pk,
        data={"prompt_id": prompt.pk} | data,
        topics=(prompt.topic, "prompts"),
    )


def _hold(claimed: ClaimedVersion) -> VersionPush | None:
    rows = VersionPush.objects.select_for_update(of=("self",)).select_related("prompt__source", "written_by")
    return rows.filter(pk=claimed.push.pk, claim_id=claimed.claim_id, state=PushState.PUSHING).first()


def _marker(prompt: Prompt, wording: Wording, at: datetime) -> str:
    digest = hashlib.sha256(f"{prompt.pk}:{prompt.latest_number}:{at.isoformat()}:{wording.hash}".encode()).hexdigest()
    return f"[opsportal:{digest[:20]}]"


def _lock(prompt: Prompt) -> None:
    """Wait until no poll of its source stores versions."""
    if prompt.source_id is not None:
        bulk.lock(space=LOCK, number=prompt.source_id)
