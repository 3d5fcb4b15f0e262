"""Writing down how tries ended: a group in one transaction, and only by whoever still holds the claim."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import AuditEntry
from apps.accounts.services import record_audit
from apps.events import services as events
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.notifications import pacing
from apps.notifications.claims import Claim
from apps.notifications.models import Delivery, Subscription, SubscriptionState
from apps.notifications.sending import Outcome
from apps.notifications.status import DeliveryState

DISABLED = "notifications:subscription:disabled"
Jitter = Callable[[], float]
_random = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One try that is over."""

    claim: Claim
    outcome: Outcome


def mark_deliveries(*, sent: Sequence[Sent], at: datetime, jitter: Jitter = _random.random) -> int:
    """Store the outcomes in the order in which they came; returns how many claims still held."""
    if not sent:
        return 0
    with transaction.atomic():
        pks = sorted({one.claim.delivery.subscription_id for one in sent})
        rows = SubscriptionState.objects.select_for_update(of=("self",)).select_related("subscription")
        states = {state.pk: state for state in rows.filter(pk__in=pks).order_by("pk")}
        held = [one for one in sent if one.claim.delivery.subscription_id in states and _mark(one, at, jitter)]
        for one in held:
            _note(states[one.claim.delivery.subscription_id], one.outcome, at, jitter)
        gone = {one.claim.delivery.subscription_id for one in held if one.outcome.is_gone}
        for state in states.values():
            state.save(update_fields=["failures", "failing_since", "not_before", "error", "last_delivered_at"])
            if reason := _why_disable(state, is_gone=state.pk in gone, at=at):
                disable(state=state, reason=reason, at=at)
        events.ring(topics=["subscriptions", *(f"subscription-{pk}" for pk in pks)])
    return len(held)


def disable(*, state: SubscriptionState, reason: str, at: datetime) -> None:
    """Switch the subscription off, with a row in the ledger and in the audit log; what waits goes on waiting."""
    subscription = state.subscription
    if not Subscription.objects.filter(pk=subscription.pk, is_enabled=True).update(is_enabled=False):
        return
    state.disabled_at, state.disabled_because = at, reason
    state.save(update_fields=["disabled_at", "disabled_because"])
    record_audit(
        actor=None,
        action="subscription:disable",
        subject=subscription,
        after={"is_enabled": False},
        reason=reason,
        origin=AuditEntry.Origin.WORKER,
    )
    events.record_events(events=[_disabled(state, at)])


def _mark(one: Sent, at: datetime, jitter: Jitter) -> bool:
    delivery, outcome = one.claim.delivery, one.outcome
    rows = Delivery.objects.filter(pk=delivery.pk, claim_id=one.claim.claim_id, state=DeliveryState.DELIVERING)
    common = {"claim_id": None, "status": outcome.status, "error": outcome.error, "took_ms": outcome.took_ms}
    if outcome.is_good:
        return bool(rows.update(state=DeliveryState.DELIVERED, next_try_at=None, delivered_at=at, **common))
    pause = max(pacing.pause_after(attempts=delivery.attempts, jitter=jitter()), outcome.retry_after or 0.0)
    next_try_at = at + timedelta(seconds=pause)
    if pacing.is_given_up(first_tried_at=delivery.first_tried_at or at, next_try_at=next_try_at):
        return bool(rows.update(state=DeliveryState.ABANDONED, next_try_at=None, **common))
    return bool(rows.update(state=DeliveryState.FAILED, next_try_at=next_try_at, **common))


def _note(state: SubscriptionState, outcome: Outcome, at: datetime, jitter: Jitter) -> None:
    """How the receiver does after this try."""
    if outcome.is_good:
        state.failures, state.failing_since, state.not_before, state.error = 0, None, None, ""
        state.last_delivered_at = at
        return
    state.failures += 1
    state.failing_since = state.failing_since or at
    state.error = outcome.error
    rest = max(pacing.rest_after(failures=state.failures, jitter=jitter()), outcome.retry_after or 0.0)
    state.not_before = max(state.not_before or at, at + timedelta(seconds=rest)) if rest else state.not_before


def _why_disable(state: SubscriptionState, *, is_gone: bool, at: datetime) -> str:
    if is_gone:
        return "The receiver answered 410 Gone: nobody listens there any more."
    since = state.failing_since
    if since is not None and pacing.is_hopeless(failures=state.failures, failing_since=since, at=at):
        return f"{state.failures} tries in a row failed for more than a day. {state.error}".strip()
    return ""


def _disabled(state: SubscriptionState, at: datetime) -> NewEvent:
    subscription = state.subscription
    return NewEvent(
        kind=DISABLED,
        at=at,
        title=f"{subscription.name} gets no events any more",
        tone=Tone.BAD,
        detail=state.disabled_because,
        actor="OpsPortal",
        subject_kind="subscription",
        subject_id=subscription.pk,
        data={"name": subscription.name, "failures": state.failures},
        topics=("subscriptions",),
    )
