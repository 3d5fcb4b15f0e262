"""From the ledger to deliveries: every event is handed to every subscription that wants it, once, whoever crashes.

The ledger is read in the order of (transaction, id), and only below the oldest transaction that is still open
anywhere: a row that commits late has an older transaction than rows already there, so a reader that went by ids would
pass it by for ever. The deliveries and the place in the ledger are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from apps.events.models import Event
from apps.notifications.matching import Facts, matches
from apps.notifications.models import Delivery, Subscription, SubscriptionState

BATCH = 500  # events a subscription is moved on by in one transaction
MOST_BATCHES = 20  # of one subscription in a row, so that a long backlog does not hold up the others
FACTS = ("id", "transaction", "kind", "feature_id", "environment_id", "is_change", "is_demo")
HORIZON = """
SELECT pg_snapshot_xmin(snapshot)::text::bigint, pg_snapshot_xmax(snapshot)::text::bigint
  FROM pg_current_snapshot() AS snapshot
"""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Transactions below `settled` are over; from `future` on none has begun yet."""

    settled: int
    future: int


def read_horizon() -> Horizon:
    """Where the ledger may be read up to, now. Ask it before reading: what is settled stays so."""
    with connection.cursor() as cursor:
        cursor.execute(HORIZON)
        row = cursor.fetchone()
    assert row is not None
    return Horizon(*row)


def hand_over_events(*, at: datetime) -> int:
    """Make deliveries of what is new in the ledger, for every subscription that is on; returns how many."""
    horizon = read_horizon()
    newest = Event.objects.filter(transaction__lt=horizon.settled).order_by("-transaction", "-id")
    head = newest.values_list("transaction", "id").first()
    states = SubscriptionState.objects.filter(subscription__is_enabled=True)
    behind = Q(cursor_transaction__gt=horizon.future)
    if head is not None:
        behind |= Q(cursor_transaction__lt=head[0]) | Q(cursor_transaction=head[0], cursor_event__lt=head[1])
    return sum(_catch_up(pk, horizon, at) for pk in states.filter(behind).values_list("pk", flat=True))


def place_at_end(state: SubscriptionState) -> None:
    """Move the place to now: what is recorded from here on counts, transactions that are open included."""
    state.cursor_transaction, state.cursor_event = read_horizon().settled, 0
    state.highest_event = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _catch_up(pk: int, horizon: Horizon, at: datetime) -> int:
    made = 0
    for _ in range(MOST_BATCHES):
        read, queued = _hand_over_batch(pk, horizon, at)
        made += queued
        if read < BATCH:
            break
    return made


def _hand_over_batch(pk: int, horizon: Horizon, at: datetime) -> tuple[int, int]:
    """How many events were read and how many deliveries made; nothing if another worker is at this subscription."""
    with transaction.atomic():
        rows = SubscriptionState.objects.select_for_update(skip_locked=True, of=("self",))
        state = rows.select_related("subscription").filter(pk=pk, subscription__is_enabled=True).first()
        if state is None:
            return 0, 0
        if state.cursor_transaction > horizon.future:  # restored into another server, which counts anew
            state.cursor_transaction, state.cursor_event, state.floor_id = 0, 0, state.highest_event
        events = list(_unread(state, horizon)[:BATCH])
        queued = queue(subscription=state.subscription, events=events, at=at)
        if events:
            state.cursor_transaction, state.cursor_event = events[-1].transaction, events[-1].pk
            state.highest_event = max(state.highest_event, *(event.pk for event in events))
        state.save(update_fields=["cursor_transaction", "cursor_event", "floor_id", "highest_event"])
    return len(events), queued


def _unread(state: SubscriptionState, horizon: Horizon) -> QuerySet[Event]:
    beyond = Q(transaction__gt=state.cursor_transaction) | Q(
        transaction=state.cursor_transaction, id__gt=state.cursor_event
    )
    rows = Event.objects.filter(
        beyond, transaction__gte=state.cursor_transaction, transaction__lt=horizon.settled, id__gt=state.floor_id
    )
    return rows.order_by("transaction", "id").only(*FACTS)


def queue(*, subscription: Subscription, events: Sequence[Event], at: datetime) -> int:
    """Queue those of `events` that the subscription wants; one that is there already stays as it is."""
    wanted = subscription.wanted
    rows = [
        Delivery(subscription=subscription, event_id=event.pk, queued_at=at, next_try_at=at)
        for event in events
        if matches(wanted, facts_of(event))
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def facts_of(event: Event) -> Facts:
    """What of an event the filters look at."""
    return Facts(
        kind=event.kind,
        feature_id=event.feature_id,
        environment_id=event.environment_id,
        is_change=event.is_change,
        is_demo=event.is_demo,
    )
