"""A webhook makes its source due at once: a doorbell, never the truth. Its signature is all that lets it in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Least

from apps.connectors.errors import ConfigError
from apps.connectors.registry import get_connector
from apps.connectors.webhook import Delivery, Webhook, WebhookError, secrets_of
from apps.events import services as events
from apps.sources.models import Source, SourceState, WebhookDelivery
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.status import Ringing

APART = timedelta(seconds=2)  # between the polls of a source that rings a lot
FRESH = timedelta(seconds=300)  # a signature is believed for so long, before and behind our clock
REFUSALS_APART = timedelta(seconds=10)  # strangers may knock often; we write it down less often
LONGEST_ID, LONGEST_EVENT, LONGEST_REASON = 200, 120, 300


class NoWebhookError(Exception):
    """The source does not exist or cannot be rung at; the text says so without saying which."""


def webhook_of(source: Source) -> Webhook | None:
    """How the vendor of the source rings, None when it does not or when the source is never asked."""
    try:
        return get_connector(source.connector).webhook if source.is_polled else None
    except ConfigError:
        return None


def webhook_secrets(source: Source) -> list[str]:
    """What deliveries may be signed with: one secret, two while it is changed, none when none was entered."""
    try:
        return secrets_of(decrypt_secrets(source))
    except SecretsError:
        return []


def check(*, slug: str, headers: Mapping[str, str], body: bytes, at: datetime) -> tuple[Source, Delivery]:
    """Whose delivery this is, and what it says, if it is what it claims to be; one that is refused is noted.

    `headers` have names in lowercase, `body` is raw. Raises NoWebhookError, and WebhookError for one that is refused.
    """
    source = Source.objects.filter(slug=slug).first()
    webhook, secrets = (webhook_of(source), webhook_secrets(source)) if source else (None, [])
    if source is None or webhook is None or not secrets:
        raise NoWebhookError(
            "Nothing here takes webhooks: there is no such source, or it has no webhook secret yet. "
            "Enter one on the source's page under Change."
        )
    try:
        delivery = webhook.read(headers, body, secrets)
        _check_fresh(delivery, at)
    except WebhookError as refusal:
        _note_refusal(source, str(refusal), at)
        raise
    return source, delivery


def take(*, source: Source, delivery: Delivery, at: datetime) -> Ringing | None:
    """Note a delivery and make the source due, in one transaction; None for one that came before."""
    verdict = _verdict(source, delivery)
    delivery_id = _fit_id(delivery.delivery_id)
    told = {"event": _text(delivery.event, LONGEST_EVENT), "verdict": verdict, "at": at}
    with transaction.atomic():
        _, is_new = WebhookDelivery.objects.get_or_create(source=source, delivery_id=delivery_id, defaults=told)
        if not is_new:
            return None
        if verdict is Ringing.RANG:
            _make_due(source, at)
        events.ring(topics=["sources", f"source-{source.pk}"])
    return verdict


def _check_fresh(delivery: Delivery, at: datetime) -> None:
    if delivery.sent_at is not None and abs(at - delivery.sent_at) > FRESH:
        raise WebhookError("The delivery was sent more than five minutes ago or ahead; check the clocks on both sides.")


def _verdict(source: Source, delivery: Delivery) -> Ringing:
    if not delivery.is_relevant:
        return Ringing.IGNORED
    return Ringing.RANG if source.is_enabled else Ringing.UNHEARD


def _make_due(source: Source, at: datetime) -> None:
    """Due now, or 2 s after the last poll began; a poll that is under way sees `rung_at` and is followed by another."""
    soonest = Greatest(at, Coalesce(F("last_attempt_at") + APART, at))
    SourceState.objects.filter(source=source).update(rung_at=at, next_poll_at=Least(F("next_poll_at"), soonest))


def _note_refusal(source: Source, reason: str, at: datetime) -> None:
    """One row a reason, so that people see why nothing arrives and strangers cannot fill the table."""
    reason = _text(reason, LONGEST_REASON)
    key = f"refused:{hashlib.sha256(reason.encode()).hexdigest()[:32]}"
    known = WebhookDelivery.objects.filter(source=source, delivery_id=key)
    if known.filter(at__gt=at - REFUSALS_APART).exists():
        return
    row = WebhookDelivery(source=source, delivery_id=key, verdict=Ringing.REFUSED, reason=reason, at=at)
    WebhookDelivery.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["source", "delivery_id"], update_fields=["at"]
    )
    events.ring(topics=[f"source-{source.pk}"])


def _fit_id(delivery_id: str) -> str:
    """The vendor's id, or a digest of one that does not fit or could be taken for a refusal's."""
    is_plain = 0 < len(delivery_id) <= LONGEST_ID and delivery_id.isprintable()
    if is_plain and not delivery_id.startswith("refused:"):
        return delivery_id
    return hashlib.sha256(delivery_id.encode(errors="replace")).hexdigest()


def _text(text: str, limit: int) -> str:
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd")[:limit]
