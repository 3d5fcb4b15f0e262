"""Writes about subscriptions by people, each audited in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import differences, record_audit
from apps.events import services as events
from apps.notifications.models import Delivery, Replay, Subscription, SubscriptionState
from apps.notifications.outbox import place_at_end
from apps.notifications.signing import make_secret
from apps.notifications.status import OPEN_STATES, DeliveryState, Format
from apps.sources.secrets import SecretsError, decrypt_secrets, encrypt_secrets

ROTATION = timedelta(hours=24)  # in which the previous secret signs too
SKIPPED = "Skipped by whoever resumed the subscription."
AGAIN: dict[str, Any] = {  # what makes a delivery begin anew
    "state": DeliveryState.QUEUED,
    "attempts": 0,
    "first_tried_at": None,
    "claim_id": None,
    "delivered_at": None,
    "status": None,
    "error": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionDraft:
    """What people decide about a subscription."""

    name: str
    url: str
    format: str = Format.STRUCTURED
    kinds: Sequence[str] = ()
    feature_ids: Sequence[int] = ()
    environment_ids: Sequence[int] = ()
    only_changes: bool = False
    includes_demo: bool = False
    allowed_networks: Sequence[str] = ()
    trusted_ca: str = ""


def create_subscription(*, draft: SubscriptionDraft, actor: User | None) -> tuple[Subscription, str]:
    """The new subscription, which hears what happens from now on, and its secret, readable this once."""
    secret = make_secret()
    with transaction.atomic():
        subscription = Subscription(created_by=actor)
        _fill(subscription, draft)
        subscription.save()
        _seal(subscription, {"current": secret})  # bound to the id, so only now
        state = SubscriptionState(subscription=subscription)
        place_at_end(state)
        state.save(force_insert=True)
        _audit(actor, "subscription:add", subscription, after=_audited(subscription))
        _ring(subscription)
    return subscription, secret


def change_subscription(*, subscription: Subscription, draft: SubscriptionDraft, actor: User | None) -> Subscription:
    """The subscription as changed; what is queued already goes out, to the new address if that changed."""
    with transaction.atomic():
        subscription = Subscription.objects.select_for_update().get(pk=subscription.pk)
        before = _audited(subscription)
        _fill(subscription, draft)
        subscription.save()
        old, new = differences(before, _audited(subscription))
        _audit(actor, "subscription:change", subscription, before=old, after=new)
        _ring(subscription)
    return subscription


def rotate_secret(*, subscription: Subscription, at: datetime, actor: User | None) -> str:
    """The new secret, readable this once; for a day the previous one signs beside it."""
    secret = make_secret()
    with transaction.atomic():
        subscription = Subscription.objects.select_for_update().get(pk=subscription.pk)
        try:
            previous = decrypt_secrets(subscription).get("current", "")
        except SecretsError:
            previous = ""  # unreadable anyway
        subscription.previous_until = at + ROTATION if previous else None
        _seal(subscription, {"current": secret, **({"previous": previous} if previous else {})})
        _audit(actor, "subscription:rotate", subscription)
        _ring(subscription)
    return secret


def forget_previous_secrets(*, at: datetime) -> int:
    """Throw away previous secrets whose day is over; returns how many."""
    gone = 0
    for pk in Subscription.objects.filter(previous_until__lte=at).values_list("pk", flat=True):
        with transaction.atomic():
            subscription = Subscription.objects.select_for_update().get(pk=pk)
            try:
                stored = decrypt_secrets(subscription)
            except SecretsError:
                continue
            subscription.previous_until = None
            _seal(subscription, {"current": stored["current"]})
            gone += 1
    return gone


def pause_subscription(*, subscription: Subscription, actor: User | None) -> bool:
    """Stop sending; False when that was so already. The place in the ledger is kept."""
    with transaction.atomic():
        if not Subscription.objects.filter(pk=subscription.pk, is_enabled=True).update(is_enabled=False):
            return False
        _audit(actor, "subscription:pause", subscription, after={"is_enabled": False})
        _ring(subscription)
    return True


def resume_subscription(*, subscription: Subscription, at: datetime, skips_missed: bool, actor: User | None) -> bool:
    """Go on sending; False when that was so already. What happened meanwhile is sent too, unless it is skipped."""
    with transaction.atomic():
        state = SubscriptionState.objects.select_for_update().get(subscription=subscription)
        if not Subscription.objects.filter(pk=subscription.pk, is_enabled=False).update(is_enabled=True):
            return False
        waiting = Delivery.objects.filter(subscription=subscription, state__in=OPEN_STATES)
        if skips_missed:
            place_at_end(state)
            waiting.update(state=DeliveryState.ABANDONED, next_try_at=None, claim_id=None, error=SKIPPED)
        else:
            waiting.update(**AGAIN, next_try_at=at)
        state.failures, state.failing_since, state.not_before, state.error = 0, None, None, ""
        state.disabled_at, state.disabled_because = None, ""
        state.save()
        after = {"is_enabled": True, "skips_missed": skips_missed}
        _audit(actor, "subscription:resume", subscription, after=after)
        _ring(subscription)
    return True


def remove_subscription(*, subscription: Subscription, actor: User | None) -> None:
    """Remove the subscription with its secret and its log; the ledger and the audit log stay."""
    with transaction.atomic():
        SubscriptionState.objects.select_for_update().filter(subscription=subscription).first()  # as senders lock
        _audit(actor, "subscription:remove", subscription, before=_audited(subscription))
        _ring(subscription)
        subscription.delete()


def replay_delivery(*, delivery: Delivery, at: datetime, actor: User | None) -> bool:
    """Send one event again, under its own id; False while it is being sent."""
    with transaction.atomic():
        rows = Delivery.objects.filter(pk=delivery.pk).exclude(state=DeliveryState.DELIVERING)
        if not rows.update(**AGAIN, next_try_at=at, queued_at=at, is_replay=True):
            return False
        _audit(actor, "subscription:replay", delivery.subscription, after={"event": delivery.event_id})
        _ring(delivery.subscription)
    return True


def request_replay(*, subscription: Subscription, start: datetime, end: datetime, actor: User | None) -> Replay:
    """Have every wanted event of [start, end) sent again; a worker does it in pieces."""
    with transaction.atomic():
        replay = Replay.objects.create(subscription=subscription, start_at=start, end_at=end, requested_by=actor)
        span = {"from": start.isoformat(), "until": end.isoformat()}
        _audit(actor, "subscription:replay", subscription, after=span)
        _ring(subscription)
    return replay


def note_test(*, subscription: Subscription, sentence: str, is_good: bool, actor: User | None) -> None:
    """Keep in the audit log that somebody sent a test event; a receiver that took it need not rest any longer."""
    if is_good:
        SubscriptionState.objects.filter(subscription=subscription).update(not_before=None)
        _ring(subscription)
    _audit(actor, "subscription:test", subscription, after={"answer": sentence})


def _fill(subscription: Subscription, draft: SubscriptionDraft) -> None:
    subscription.name, subscription.url, subscription.format = draft.name, draft.url, draft.format
    subscription.kinds = list(draft.kinds)
    subscription.feature_ids, subscription.environment_ids = list(draft.feature_ids), list(draft.environment_ids)
    subscription.only_changes, subscription.includes_demo = draft.only_changes, draft.includes_demo
    subscription.allowed_networks, subscription.trusted_ca = list(draft.allowed_networks), draft.trusted_ca


def _seal(subscription: Subscription, secrets: dict[str, str]) -> None:
    subscription.secrets = encrypt_secrets(subscription.pk, secrets, owner="subscription")
    subscription.save(update_fields=["secrets", "previous_until"])


def _audited(subscription: Subscription) -> dict[str, Any]:
    names = ("name", "url", "format", "kinds", "feature_ids", "environment_ids", "only_changes", "includes_demo")
    return {name: getattr(subscription, name) for name in (*names, "allowed_networks", "trusted_ca")}


def _audit(
    actor: User | None,
    action: str,
    subscription: Subscription,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    origin = AuditEntry.Origin.PAGE if actor else AuditEntry.Origin.COMMAND
    record_audit(actor=actor, action=action, subject=subscription, before=before, after=after, origin=origin)


def _ring(subscription: Subscription) -> None:
    events.ring(topics=["subscriptions", f"subscription-{subscription.pk}"])
