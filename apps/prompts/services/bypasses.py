"""Bypasses of the approval: found where a poll brings a move that nobody approved, ended by people or by the label.

What the portal itself moves never counts: a push is written down before the other system is touched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.events import services as events
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.prompts.approving import most_specific
from apps.prompts.models import ApprovalPolicy, LabelBypass, LabelPush, Prompt, PromptLabel, PromptVersion
from apps.prompts.services.change_requests.locking import check_person
from apps.prompts.services.change_requests.moving import lock_labels
from apps.prompts.services.change_requests.outbox import queue_push
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError
from apps.prompts.status import BypassState, PushState

LONGEST_POLL = timedelta(seconds=40)  # from asking a source until its answer is stored


class Moved(Protocol):
    """One label that a poll found elsewhere; `to` None means removed."""

    prompt: Prompt
    label: PromptLabel
    before: PromptVersion | None
    to: PromptVersion | None
    actor: str
    is_news: bool


def note_outside_moves(*, moves: Sequence[Moved], at: datetime) -> list[NewEvent]:
    """Open or end bypasses for what a poll found, and return their events.

    No alarm for a label without a rule, for what a source brought when it was connected, and for our own pushes.
    """
    rules = list(ApprovalPolicy.objects.values_list("pk", "folder_pattern", "label_pattern"))
    found: list[NewEvent] = []
    for move in moves if rules else ():
        if not move.is_news or most_specific(rules, name=move.prompt.name, label=move.label.name) is None:
            continue
        if _is_ours(move):
            found += settle(prompt=move.prompt, label=move.label.name, now=move.to, at=at)
        else:
            found += _outside(move, at)
    return found


def places_left(*, prompts: Collection[Prompt], at: datetime) -> set[tuple[int, str, int]]:
    """(prompt, label, number) that our pushes moved away from just now: a poll that began before may still say so."""
    done = LabelPush.objects.filter(prompt__in=prompts, state=PushState.PUSHED, finished_at__gte=at - LONGEST_POLL)
    rows = done.filter(from_version__isnull=False).values_list("prompt_id", "label", "from_version__number")
    return set(rows)


def settle(*, prompt: Prompt, label: str, now: PromptVersion | None, at: datetime) -> list[NewEvent]:
    """End an open bypass because the label points at `now` by our own doing; returns its event."""
    bypass = LabelBypass.objects.select_for_update().filter(prompt=prompt, label=label, state=BypassState.OPEN).first()
    if bypass is None:
        return []
    is_back = (now.pk if now else None) == bypass.expected_id
    return [_end(bypass, BypassState.RETURNED if is_back else BypassState.COVERED, at)]


def settle_label(*, prompt_id: int, label: str, at: datetime) -> None:
    """The same after a push, with where the label points now."""
    with transaction.atomic():
        rows = PromptLabel.objects.filter(prompt=prompt_id, name=label).select_related("prompt__source", "version")
        row = rows.first()
        if row is None:
            return
        found = settle(prompt=row.prompt, label=label, now=row.version, at=at)
        events.record_events(events=found)


def revert_bypass(*, bypass_id: int, actor: User, at: datetime) -> LabelBypass:
    """Have the label put back in the other system; whoever may roll back may do this."""
    check_person(actor=actor, action="change:roll-back")
    with transaction.atomic():
        bypass = _open_one(bypass_id)
        if bypass.expected is None:
            raise ChangeConflictError(f"{bypass.label} pointed at nothing before. Remove it there, or adopt the move.")
        queue_push(
            kind=LabelPush.Kind.REVERT,
            prompt=bypass.prompt,
            label=bypass.label,
            before=bypass.found,
            to=bypass.expected,
            change=None,
            actor=actor,
            at=at,
        )
        title = f"{bypass.prompt.name[:150]} prompt: {bypass.label} goes back to v{bypass.expected.number}"
        _tell(bypass, "reverting", title, Tone.INFO, at, actor=actor)
        record_audit(actor=actor, action="bypass:revert", subject=bypass, after={"to": bypass.expected.number})
    return bypass


def adopt_bypass(*, bypass_id: int, actor: User, reason: str, at: datetime) -> LabelBypass:
    """Accept afterwards where the label was moved to: an approver, with the reason."""
    check_person(actor=actor, action="change:approve")
    if not reason.strip():
        raise ChangeInvalidError("Say why the move may stay; auditors read it later.", field="reason")
    with transaction.atomic():
        bypass = _open_one(bypass_id)
        waiting = LabelPush.objects.filter(prompt=bypass.prompt, label=bypass.label, kind=LabelPush.Kind.REVERT)
        if waiting.exclude(state__in=[PushState.PUSHED, PushState.ABANDONED, PushState.VOID]).exists():
            raise ChangeConflictError(f"{bypass.label} is on its way back already.")
        bypass.ended_by, bypass.reason = actor, reason.strip()
        events.record_events(events=[_end(bypass, BypassState.ADOPTED, at, actor=actor)])
        events.ring(topics=_topics(bypass))
        record_audit(
            actor=actor, action="bypass:adopt", subject=bypass, reason=reason,
            after={"label": bypass.label, "to": bypass.found.number if bypass.found else None},
        )  # fmt: skip
    return bypass


def _is_ours(move: Moved) -> bool:
    """Whether a push that is under way moved it there, or may have: its answer can be lost, or not be noted yet.

    A push that is done moved the label once; a later move to the same version is not its doing.
    """
    under_way = LabelPush.objects.filter(state__in=[PushState.PUSHING, PushState.FAILED], attempts__gt=0)
    return move.to is not None and under_way.filter(
        prompt=move.prompt, label=move.label.name, to_version=move.to
    ).exists()  # fmt: skip


def _outside(move: Moved, at: datetime) -> list[NewEvent]:
    prompt, label = move.prompt, move.label.name
    bypass = LabelBypass.objects.select_for_update().filter(prompt=prompt, label=label, state=BypassState.OPEN).first()
    to_id = move.to.pk if move.to else None
    if bypass is not None and bypass.expected_id == to_id:
        return [_end(bypass, BypassState.RETURNED, at)]
    if bypass is None:
        bypass = LabelBypass(prompt=prompt, label=label, expected=move.before)
    bypass.found, bypass.found_at, bypass.moved_by = move.to, at, move.actor[:200]
    bypass.save()
    title = f"{prompt.name[:150]} prompt: {bypass.sentence.rstrip('.')}"
    return [_event(bypass, "found", title, Tone.BAD, at, actor=None)]


def _end(bypass: LabelBypass, state: BypassState, at: datetime, actor: User | None = None) -> NewEvent:
    bypass.state, bypass.ended_at = state, at
    bypass.save(update_fields=["state", "ended_at", "ended_by", "reason"])
    title = f"{bypass.prompt.name[:150]} prompt: {bypass.label} {_ENDS[state]}"
    return _event(bypass, str(state), title, Tone.WARN if state == BypassState.ADOPTED else Tone.OK, at, actor=actor)


_ENDS = {
    BypassState.RETURNED: "is back where it was approved",
    BypassState.ADOPTED: "may stay where it was moved outside approval",
    BypassState.COVERED: "points where an approved change put it",
}


def _open_one(bypass_id: int) -> LabelBypass:
    bypass = LabelBypass.objects.select_related("prompt__source", "expected", "found").get(pk=bypass_id)
    lock_labels(prompt=bypass.prompt)
    bypass = LabelBypass.objects.select_for_update(of=("self",)).select_related(
        "prompt__source", "expected", "found"
    ).get(pk=bypass_id)  # fmt: skip
    if bypass.state != BypassState.OPEN:
        raise ChangeConflictError(f"This is over: {BypassState(bypass.state).label.lower()}.")
    return bypass


def _tell(bypass: LabelBypass, what: str, title: str, tone: Tone, at: datetime, *, actor: User | None) -> None:
    events.record_events(events=[_event(bypass, what, title, tone, at, actor=actor)])


def _event(bypass: LabelBypass, what: str, title: str, tone: Tone, at: datetime, *, actor: User | None) -> NewEvent:
    prompt = bypass.prompt
    before, to = (version.number if version else None for version in (bypass.expected, bypass.found))
    diff = f"{prompt.get_absolute_url()}?from={before}&to={to}" if before is not None and to is not None else ""
    return NewEvent(
        kind=f"prompts:bypass:{what}",
        at=at,
        title=title,
        tone=tone,
        detail=bypass.reason,
        actor=str(actor)[:150] if actor else bypass.moved_by[:150],
        is_demo=bool(prompt.source and prompt.source.is_demo),
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        source_id=prompt.source_id,
        subject_kind="bypass",
        subject_id=bypass.pk,
        url=prompt.url,
        data={"prompt_id": prompt.pk, "label": bypass.label, "expected": before, "found": to, "diff": diff},
        topics=tuple(_topics(bypass)),
    )


def _topics(bypass: LabelBypass) -> list[str]:
    return [bypass.prompt.topic, "prompts", "alerts"]
