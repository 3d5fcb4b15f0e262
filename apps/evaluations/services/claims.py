"""Who works on which order: a claim is a random id and a lease, and only its holder may write.

A worker that dies simply stops renewing; the order is due again when the lease has lapsed, and goes on with the cases
that have no result yet. One order an endpoint is carried out at a time, so that its limits are kept by one worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from psycopg import sql

from apps.core import bulk
from apps.evaluations.models import Order

LEASE = timedelta(seconds=30)
SIDE_BY_SIDE = 2  # orders under way in the whole portal; the other threads of the workers poll


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out one order."""

    run_id: int
    claim_id: UUID


CLAIM = sql.SQL("""
WITH busy AS (
    SELECT endpoint_id FROM evaluations_order WHERE due_at IS NOT NULL AND claimed_until > %(at)s
), due AS (
    SELECT run_id FROM evaluations_order
     WHERE due_at <= %(at)s AND (claimed_until IS NULL OR claimed_until <= %(at)s)
       AND endpoint_id NOT IN (SELECT endpoint_id FROM busy) AND (SELECT count(*) FROM busy) < %(most)s
     ORDER BY due_at, run_id LIMIT 1
)
UPDATE evaluations_order AS kept
   SET claim_id = gen_random_uuid(), claimed_until = %(at)s + %(lease)s, claims = claims + 1
  FROM due WHERE kept.run_id = due.run_id
RETURNING kept.run_id, kept.claim_id
""")


def claim_order(*, at: datetime) -> Claim | None:
    """The right to carry out the order that is due for longest, None if nothing is due that may be begun."""
    with transaction.atomic():
        bulk.lock(space="evaluation-orders", number=0)
        rows = bulk.fetch(CLAIM, {"at": at, "lease": LEASE, "most": SIDE_BY_SIDE})
    return Claim(rows[0]["run_id"], rows[0]["claim_id"]) if rows else None


def keep_claim(*, claim: Claim, at: datetime) -> bool:
    """Whether it is still ours and still wanted; renews the lease."""
    ours = Order.objects.filter(run_id=claim.run_id, claim_id=claim.claim_id, cancel_asked_at=None)
    return bool(ours.update(claimed_until=at + LEASE))


def release(*, claim: Claim, due_at: datetime) -> bool:
    """Give the order back, to be taken up again at `due_at`; False if it was taken away meanwhile."""
    ours = Order.objects.filter(run_id=claim.run_id, claim_id=claim.claim_id)
    return bool(ours.update(claim_id=None, claimed_until=None, due_at=due_at))


def held(claim: Claim) -> Order | None:
    """The order, locked until the transaction ends; None if somebody else holds it by now."""
    orders = Order.objects.select_for_update(of=("self",)).select_related("run__suite", "run__source", "suite_version")
    return orders.filter(run_id=claim.run_id, claim_id=claim.claim_id).first()
