"""Proposing to move a label, editing the proposal, sending it for review and withdrawing it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.accounts.permissions import may
from apps.evaluations.status import GateState
from apps.prompts import queries
from apps.prompts.models import ChangeRequest, ChangeRevision, Prompt, PromptLabel, PromptVersion, Vote
from apps.prompts.queries.approvals import owner_team_id
from apps.prompts.services.change_requests.gates import open_gate
from apps.prompts.services.change_requests.locking import News, Origin, check_person, lock_change, tell
from apps.prompts.services.change_requests.outbox import take_back_pushes
from apps.prompts.services.change_requests.refusals import (
    ChangeConflictError,
    ChangeInvalidError,
    ChangeNotAllowedError,
)
from apps.prompts.status import EDITABLE, MOVES, OPEN, ChangeState, Decision, Verb


def propose_change(
    *,
    prompt: Prompt,
    label: str,
    version: PromptVersion,
    title: str,
    reason: str,
    actor: User,
    at: datetime,
    is_submitted: bool = False,
    reviewers: Sequence[User] = (),
    origin: Origin = Origin.PAGE,
) -> ChangeRequest:
    """A draft that proposes to move `label` to `version`, sent for review at once if `is_submitted`.

    Raises ChangeRefusedError: 403 for a role that may not, 422 without words, 409 while another request is open.
    """
    check_person(actor=actor, action="change:propose")
    base = _base(prompt=prompt, label=label)
    _check_words(label=label, title=title, reason=reason)
    _check_move_of_label(prompt=prompt, version=version, base=base, label=label)
    try:
        with transaction.atomic():
            change = ChangeRequest.objects.create(
                prompt=prompt, label=label, title=title, author=actor, created_at=at, changed_at=at
            )
            _add_revision(change=change, version=version, base=base, reason=reason, actor=actor, at=at)
            change.reviewers.set(reviewers)
            news = News(kind="prompts:change:proposed", title=f"“{title}” was written", detail=reason)
            tell(change=change, news=news, actor=actor, at=at, origin=origin)
            if is_submitted:
                change = submit_change(change_id=change.pk, actor=actor, at=at, origin=origin)
    except IntegrityError as error:
        if "one_open_change_a_label" not in str(error):
            raise
        open_one = ChangeRequest.objects.filter(prompt=prompt, label=label, state__in=OPEN).first()
        which = f"change {open_one.pk} (“{open_one.title}”)" if open_one else "another change"
        raise ChangeConflictError(f"{label} of this prompt has an open request already: {which}.") from None
    return change


def submit_change(*, change_id: int, actor: User, at: datetime, origin: Origin = Origin.PAGE) -> ChangeRequest:
    """Send it for review; what an approval takes is fixed the first time, whatever the rule says later."""
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.SUBMIT)
        _check_is_author(change=change, actor=actor)
        before = change.state
        fields = ["state", "submitted_at", "changed_at", "gate_state"]
        if before == ChangeState.DRAFT:
            fields += _fix_requirements(change)
        elif Vote.objects.filter(revision=change.revision).exclude(decision=Decision.APPROVE).exists():
            raise ChangeConflictError("Changes were asked for. Edit the change first: its version, or its reason.")
        change.gate_state = open_gate(change=change, actor=actor, at=at)
        change.state, change.submitted_at, change.changed_at = ChangeState.IN_REVIEW, at, at
        change.save(update_fields=fields)
        news = News(kind="prompts:change:submitted", title=f"“{change.title}” waits for review")
        tell(change=change, news=news, actor=actor, at=at, origin=origin, before=before)
    return change


def edit_change(
    *,
    change_id: int,
    version: PromptVersion,
    reason: str,
    actor: User,
    at: datetime,
    title: str = "",
    origin: Origin = Origin.PAGE,
) -> ChangeRequest:
    """A new revision, based on where the label points now; every approval falls, and `actor` is an author from here."""
    check_person(actor=actor, action="change:propose")
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.EDIT)
        take_back_pushes(change=change, at=at)
        before, base = change.state, _base(prompt=change.prompt, label=change.label)
        title = title or change.title
        _check_words(label=change.label, title=title, reason=reason)
        _check_move_of_label(prompt=change.prompt, version=version, base=base, label=change.label)
        (change.state,) = MOVES[ChangeState(before), Verb.EDIT]
        change.title, change.apply_at, change.apply_by, change.decided_at = title, None, None, None
        change.gate_state = GateState.WAITING if before != ChangeState.DRAFT else GateState.NOT_REQUIRED
        _add_revision(change=change, version=version, base=base, reason=reason, actor=actor, at=at)
        if change.state == ChangeState.IN_REVIEW:
            change.gate_state = open_gate(change=change, actor=actor, at=at)
            change.save(update_fields=["gate_state"])
        news = News(
            kind="prompts:change:edited", title=f"“{title}” has revision {change.current.number}", detail=reason
        )
        tell(change=change, news=news, actor=actor, at=at, origin=origin, before=before)
    return change


def cancel_change(
    *, change_id: int, actor: User, at: datetime, reason: str = "", origin: Origin = Origin.PAGE
) -> ChangeRequest:
    """Withdraw it: its authors may, and administrators."""
    with transaction.atomic():
        change = lock_change(change_id=change_id, verb=Verb.CANCEL)
        _check_is_author(change=change, actor=actor)
        take_back_pushes(change=change, at=at)
        before = change.state
        change.state, change.apply_at, change.changed_at = ChangeState.CANCELLED, None, at
        change.save(update_fields=["state", "apply_at", "changed_at"])
        news = News(kind="prompts:change:cancelled", title=f"“{change.title}” was withdrawn", detail=reason)
        tell(change=change, news=news, actor=actor, at=at, origin=origin, before=before)
    return change


def _base(*, prompt: Prompt, label: str) -> PromptVersion | None:
    found = PromptLabel.objects.filter(prompt=prompt, name=label).select_related("version").first()
    return found.version if found else None


def _check_words(*, label: str, title: str, reason: str) -> None:
    if not label.strip() or len(label) > 120:
        raise ChangeInvalidError("Name the label that should move, in up to 120 characters.", field="label")
    if not title.strip() or len(title) > 200:
        raise ChangeInvalidError("Say in up to 200 characters what changes for people.", field="title")
    if not reason.strip():
        raise ChangeInvalidError("Say why; reviewers read it first.", field="reason")


def _check_move_of_label(*, prompt: Prompt, version: PromptVersion, base: PromptVersion | None, label: str) -> None:
    if version.prompt_id != prompt.pk:
        raise ChangeInvalidError("This version is of another prompt.", field="version")
    if version.gone_at:
        raise ChangeInvalidError(f"Version {version.number} is gone from its source.", field="version")
    if base is not None and base.pk == version.pk:
        raise ChangeInvalidError(f"{label} points at v{version.number} already.", field="version")


def _check_is_author(*, change: ChangeRequest, actor: User) -> None:
    if may(actor, "change:cancel-any"):
        return
    check_person(actor=actor, action="change:propose")
    if actor.pk != change.author_id and not change.revisions.filter(author=actor).exists():
        raise ChangeNotAllowedError(f"Only its authors can do this. Ask {change.author}.")


def _fix_requirements(change: ChangeRequest) -> list[str]:
    """Copy onto the request what its rule asks now; without a rule one approval is enough. Returns the fields."""
    policy = queries.policy_for(name=change.prompt.name, label=change.label)
    if policy is None:
        return []
    teams = {team.pk for team in policy.teams.all()}
    owner = owner_team_id(prompt=change.prompt) if policy.is_owner_needed else None
    change.minimum_approvals, change.vote_days = policy.minimum_approvals, policy.vote_days
    change.required_team_ids = sorted(teams | ({owner} if owner else set()))
    change.respects_freezes, change.gate = policy.respects_freezes, policy.gate
    return ["minimum_approvals", "vote_days", "required_team_ids", "respects_freezes", "gate"]


def _add_revision(
    *,
    change: ChangeRequest,
    version: PromptVersion,
    base: PromptVersion | None,
    reason: str,
    actor: User,
    at: datetime,
) -> None:
    """Append a revision and point the request at it, together with everything else that was set on the request."""
    assert change.state in EDITABLE
    change.revision = ChangeRevision.objects.create(
        change=change,
        number=change.revisions.count() + 1,
        version=version,
        base=base,
        reason=reason,
        content_hash=revision_hash(change=change, version=version, base=base, reason=reason),
        author=actor,
        created_at=at,
    )
    change.changed_at = at
    fields = ["revision", "state", "title", "apply_at", "apply_by", "decided_at", "gate_state", "changed_at"]
    change.save(update_fields=fields)


def revision_hash(*, change: ChangeRequest, version: PromptVersion, base: PromptVersion | None, reason: str) -> str:
    """SHA-256 over everything a reviewer decides on; what a version says is in there by its own hash."""
    facts = {
        "prompt": change.prompt.name,
        "label": change.label,
        "title": change.title,
        "base": [base.number, base.content_hash] if base else None,
        "version": [version.number, version.content_hash],
        "reason": reason,
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
