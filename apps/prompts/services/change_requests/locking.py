"""What every verb does first and last: take the row, check the table and the person, tell the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import AuditEntry, User
from apps.accounts.permissions import MAY, may
from apps.accounts.services import record_audit
from apps.catalog.models import Environment
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.prompts.models import ChangeRequest
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeNotAllowedError
from apps.prompts.status import MOVES, ChangeState, Verb

Origin = AuditEntry.Origin


def lock_change(*, change_id: int, verb: Verb) -> ChangeRequest:
    """The request, locked until the transaction ends, if `verb` may follow its state; else ChangeConflictError.

    Nothing is joined: while waiting for the lock the row may come to point at another revision.
    """
    change = ChangeRequest.objects.select_for_update().get(pk=change_id)
    check_move(change=change, verb=verb)
    return change


def check_move(*, change: ChangeRequest, verb: Verb) -> None:
    """Raise ChangeConflictError unless the table lets `verb` follow the state of the request."""
    state = ChangeState(change.state)
    if (state, verb) not in MOVES:
        raise ChangeConflictError(f"This change is “{state.label}” now, so nobody can {verb.label}. Look at it again.")


def check_person(*, actor: User, action: str) -> None:
    """Raise ChangeNotAllowedError, with who may, unless the role of `actor` allows `action`."""
    if not may(actor, action):
        allowed = " or ".join(sorted(str(role.label) for role in MAY[action]))
        raise ChangeNotAllowedError(f"Your role does not allow this; it takes {allowed}. Ask an administrator.")


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a verb leaves behind: its event, and what the audit log keeps beside it."""

    kind: str
    title: str
    tone: Tone = Tone.INFO
    detail: str = ""


def tell(
    *,
    change: ChangeRequest,
    news: News,
    actor: User | None,
    at: datetime,
    origin: Origin = Origin.PAGE,
    before: str | None = None,
) -> None:
    """Record the event and the audit row of a verb, and ring the pages of the request."""
    prompt = change.prompt
    data = {
        "prompt_id": prompt.pk,
        "label": change.label,
        "state": change.state,
        "revision": change.current.number,
        "version": change.current.version.number,
        "apply_at": change.apply_at.isoformat() if change.apply_at else None,
    }
    event = NewEvent(
        kind=news.kind,
        at=at,
        title=f"{prompt.name[:100]} @ {change.label[:40]}: {news.title}"[:300],
        tone=news.tone,
        detail=news.detail,
        actor=str(actor)[:150] if actor else "",
        is_demo=bool(prompt.source and prompt.source.is_demo),
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        environment_id=Environment.objects.filter(slug=change.label[:80]).values_list("pk", flat=True).first(),
        subject_kind="change_request",
        subject_id=change.pk,
        data=data,
        topics=("changes", change.topic, prompt.topic),
    )
    record_events(events=[event])
    ring(topics={"changes", "nav", change.topic, prompt.topic})
    record_audit(
        actor=actor,
        action=f"change:{news.kind.rpartition(':')[2]}",
        subject=change,
        before={"state": before} if before else {},
        after=data,
        reason=news.detail,
        origin=origin if actor else Origin.WORKER,
    )
