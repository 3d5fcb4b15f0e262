"""Moves that wait to be made in another system: written with the decision, taken back with it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from apps.accounts.models import User
from apps.prompts.models import ChangeRequest, LabelPush, Prompt, PromptVersion
from apps.prompts.services.change_requests.refusals import ChangeConflictError
from apps.prompts.status import OPEN_PUSHES, PushState


def queue_push(
    *,
    kind: LabelPush.Kind,
    prompt: Prompt,
    label: str,
    before: PromptVersion | None,
    to: PromptVersion,
    change: ChangeRequest | None,
    actor: User | None,
    at: datetime,
) -> LabelPush:
    """One row that `sync` carries out; refused while another move of the label is under way."""
    if LabelPush.objects.filter(prompt=prompt, label=label, state__in=OPEN_PUSHES).exists():
        raise ChangeConflictError(f"Another move of {label} is on its way. Try again when it has arrived.")
    told = f"{kind}:{prompt.pk}:{label}:{change.pk if change else ''}:{to.pk}:{at.isoformat()}"
    return LabelPush.objects.create(
        kind=kind,
        change=change,
        prompt=prompt,
        label=label,
        from_version=before,
        to_version=to,
        requested_by=actor,
        key=hashlib.sha256(told.encode()).hexdigest(),
        created_at=at,
        next_try_at=at,
    )


def take_back_pushes(*, change: ChangeRequest, at: datetime) -> None:
    """Void what waits for the locked request; refused while somebody is pushing it at this very moment."""
    pushes = LabelPush.objects.select_for_update().filter(change=change, state__in=OPEN_PUSHES)
    for push in pushes:
        if push.state == PushState.PUSHING and push.leased_until and push.leased_until > at:
            raise ChangeConflictError("It is being moved in the other system right now. Try again in a minute.")
        push.state, push.finished_at, push.claim_id = PushState.VOID, at, None
        push.save(update_fields=["state", "finished_at", "claim_id"])
