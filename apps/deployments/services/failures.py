"""Whether trouble was the fault of a change: people confirm or cut a link, and apps above add their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.deployments.failing import ChangeFailure
from apps.deployments.queries.changes import ALERT_OPENED, DEPLOYED, FELL, LABEL_MOVED, REPORTED, ROLLED_BACK, key_of
from apps.deployments.status import CauseKind, LinkState
from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.events.status import Tone

_CAUSES = {
    ALERT_OPENED: CauseKind.ALERT,
    ROLLED_BACK: CauseKind.ROLLBACK,
    LABEL_MOVED: CauseKind.ROLLBACK,
} | dict.fromkeys(FELL, CauseKind.HEALTH)
_CHANGES = (DEPLOYED, LABEL_MOVED, REPORTED)
_KINDS = {LinkState.CONFIRMED: "deployments:failure:confirmed", LinkState.CUT: "deployments:failure:cut"}


class LinkError(Exception):
    """Why it cannot be done, in a sentence for people."""


def decide_link(
    *, change_id: int, cause_id: int, state: LinkState, actor: User, at: datetime, reason: str = ""
) -> ChangeFailure:
    """A person's word on the link between two events of the ledger; raises LinkError when they are no such pair."""
    known = Event.objects.in_bulk([change_id, cause_id])
    change, cause = known.get(change_id), known.get(cause_id)
    if change is None or cause is None or change.kind not in _CHANGES or not _is_cause(cause):
        raise LinkError("One of the two is no change that went live, or no trouble that can follow one.")
    if cause.at < change.at:
        raise LinkError("The trouble began before the change.")
    if state not in _KINDS:
        raise LinkError("A link is confirmed or cut.")
    told = {"cause": cause, "cause_kind": _CAUSES[cause.kind], "title": cause.title, "began_at": cause.at}
    if cause.kind in (ROLLED_BACK, LABEL_MOVED):
        told["ended_at"] = cause.at
    return _write(change, key_of(cause), told, state, str(actor), actor, reason, at)


def link_incident(
    *,
    change_id: int,
    reference: str,
    title: str,
    url: str,
    began_at: datetime,
    ended_at: datetime | None,
    state: LinkState,
    actor: str,
    at: datetime,
    user: User | None = None,
    reason: str = "",
) -> ChangeFailure:
    """Link a change to trouble that an app above knows (`reference`: "incident-7"), or move that link on.

    A word of a person (`user`) stands: what comes later without one brings only news of the trouble itself.
    """
    change = Event.objects.filter(pk=change_id, kind__in=_CHANGES).first()
    if change is None:
        raise LinkError("This is no change that went live.")
    told = {"cause_kind": CauseKind.INCIDENT, "title": title, "url": url, "began_at": began_at, "ended_at": ended_at}
    if user is None:
        kept = ChangeFailure.objects.filter(change=change, reference=reference, user__isnull=False)
        if kept.update(**told):
            return kept.get()
    return _write(change, reference, told, state, actor, user, reason, at)


def _is_cause(event: Event) -> bool:
    is_forward = event.kind == LABEL_MOVED and not event.data.get("is_rollback")
    return event.kind in _CAUSES and not is_forward


def _write(
    change: Event,
    reference: str,
    told: dict[str, Any],
    state: LinkState,
    actor: str,
    user: User | None,
    reason: str,
    at: datetime,
) -> ChangeFailure:
    decided = {"state": state, "decided_by": actor, "user": user, "decided_at": at, "reason": reason}
    with transaction.atomic():
        before = ChangeFailure.objects.select_for_update().filter(change=change, reference=reference).first()
        row, _ = ChangeFailure.objects.update_or_create(change=change, reference=reference, defaults=told | decided)
        if before is None or before.state != state:
            record_events(events=[_event(row, change, at)])
            if user:
                was = {"state": before.state} if before else {}
                record_audit(
                    actor=user,
                    action=f"failure:{state}",
                    subject=row,
                    before=was,
                    after={"state": state},
                    reason=reason,
                )
    return row


def _event(row: ChangeFailure, change: Event, at: datetime) -> NewEvent:
    words = {LinkState.CONFIRMED: "is confirmed as a failure of", LinkState.CUT: "is no failure of"}
    said = words.get(LinkState(row.state), "may be a failure of")
    return NewEvent(
        kind=_KINDS.get(LinkState(row.state), "deployments:failure:linked"),
        at=at,
        title=f"{(row.title or row.reference)[:130]} {said}: {change.title[:120]}",
        tone=Tone.INFO,
        detail=row.reason,
        actor=row.decided_by,
        is_demo=change.is_demo,
        feature_id=change.feature_id,
        component_id=change.component_id,
        environment_id=change.environment_id,
        source_id=change.source_id,
        subject_kind="change",
        subject_id=change.pk,
        data={"change": change.pk, "reference": row.reference, "state": row.state},
        topics=("deployments",),
    )
