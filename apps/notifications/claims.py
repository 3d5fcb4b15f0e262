"""Who sends which delivery: a claim is a random id and a lease, and only its holder may say how it ended.

A lapsed lease makes the delivery due again, so a sender that dies between sending and writing it down sends the same
event again under the same id; the receiver's idempotency makes that one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.notifications.models import Delivery
from apps.notifications.pacing import PATIENT_FAILURES
from apps.notifications.status import DeliveryState

LEASE_SECONDS = 30  # above sending.TOTAL_SECONDS
VANISHED = "The event is not in the ledger any more; it went with the demo world."
EACH = 10  # sent side by side to one receiver; one that fails gets one at a time
CLAIM = """
WITH receiver AS (
    SELECT subscription.id, CASE WHEN state.failures >= %(patient)s THEN 1 ELSE %(each)s END - (
               SELECT count(*) FROM notifications_delivery busy
                WHERE busy.subscription_id = subscription.id AND busy.state = 'delivering'
                  AND busy.next_try_at > %(at)s
           ) AS free
      FROM notifications_subscription subscription
      JOIN notifications_subscriptionstate state ON state.subscription_id = subscription.id
     WHERE subscription.is_enabled AND (state.not_before IS NULL OR state.not_before <= %(at)s)
), due AS (
    SELECT delivery.id
      FROM receiver CROSS JOIN LATERAL (
               SELECT id FROM notifications_delivery
                WHERE subscription_id = receiver.id AND next_try_at <= %(at)s
                ORDER BY next_try_at, id
                LIMIT GREATEST(receiver.free, 0)
                  FOR UPDATE SKIP LOCKED
           ) AS delivery
     LIMIT %(most)s
)
UPDATE notifications_delivery delivery
   SET state = 'delivering', claim_id = gen_random_uuid(), attempts = attempts + 1, last_tried_at = %(at)s,
       first_tried_at = COALESCE(first_tried_at, %(at)s), next_try_at = %(at)s + make_interval(secs => %(lease)s)
  FROM due WHERE delivery.id = due.id
RETURNING delivery.id, delivery.claim_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to send one delivery, with everything it takes."""

    delivery: Delivery
    claim_id: UUID


def claim_due_deliveries(*, at: datetime, most: int) -> list[Claim]:
    """Claims on what is due, oldest first, each for one caller only; no receiver gets more than its share."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "at": at,
            "most": most,
            "each": EACH,
            "lease": LEASE_SECONDS,
            "patient": PATIENT_FAILURES,
        }
        cursor.execute(CLAIM, values)
        claimed: dict[int, UUID] = dict(cursor.fetchall())
    rows = Delivery.objects.filter(pk__in=claimed).select_related(
        "subscription", "event__feature", "event__component", "event__environment"
    )
    claims = [Claim(delivery=row, claim_id=claimed[row.pk]) for row in rows.order_by("event_id")]
    if missing := claimed.keys() - {claim.delivery.pk for claim in claims}:
        Delivery.objects.filter(pk__in=missing).update(
            state=DeliveryState.ABANDONED, next_try_at=None, claim_id=None, error=VANISHED
        )
    return claims
