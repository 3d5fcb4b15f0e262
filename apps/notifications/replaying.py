"""Carrying out replays: a piece of the span a transaction, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.events import services as events
from apps.events.models import Event
from apps.notifications.matching import matches
from apps.notifications.models import Delivery, Replay
from apps.notifications.outbox import FACTS, facts_of, queue
from apps.notifications.queries import events_in_span
from apps.notifications.services import AGAIN
from apps.notifications.status import DeliveryState
from apps.sources import queries as sources

BATCH = 500
BUDGET = timedelta(seconds=20)  # of one task


def carry_out_replays(*, at: datetime) -> int:
    """Carry out what was asked for, oldest first; returns how many deliveries were queued."""
    queued = 0
    while sources.database_time() < at + BUDGET:
        found = _next_piece(at=sources.database_time())
        if found is None:
            break
        queued += found
    return queued


def _next_piece(*, at: datetime) -> int | None:
    """One piece of the oldest open replay; None when nothing is asked for or another works."""
    with transaction.atomic():
        rows = Replay.objects.select_for_update(skip_locked=True, of=("self",)).select_related("subscription")
        replay = rows.filter(finished_at=None).order_by("pk").first()
        if replay is None:
            return None
        if replay.started_at is None:
            replay.started_at = at
            replay.total = events_in_span(start=replay.start_at, end=replay.end_at).count()
        piece = _piece(replay)
        queued = _queue_again(replay, piece, at)
        replay.done, replay.queued = replay.done + len(piece), replay.queued + queued
        if piece:
            replay.place_at, replay.place_id = piece[-1].at, piece[-1].pk
        if len(piece) < BATCH:
            replay.finished_at, replay.total = at, max(replay.total, replay.done)
        replay.save()
        events.ring(topics=["subscriptions", f"subscription-{replay.subscription_id}"])
    return queued


def _piece(replay: Replay) -> list[Event]:
    rows = events_in_span(start=replay.start_at, end=replay.end_at).only("at", *FACTS)
    if replay.place_at is not None:
        rows = rows.filter(
            Q(at__gt=replay.place_at) | Q(at=replay.place_at, id__gt=replay.place_id), at__gte=replay.place_at
        )
    return list(rows[:BATCH])


def _queue_again(replay: Replay, piece: list[Event], at: datetime) -> int:
    """Queue what was never sent to it, and once more what was; what is being sent right now is sent anyway."""
    wanted = [event for event in piece if matches(replay.subscription.wanted, facts_of(event))]
    known = Delivery.objects.filter(subscription=replay.subscription, event__in=[event.pk for event in wanted])
    again = known.exclude(state=DeliveryState.DELIVERING)
    again.update(**AGAIN, next_try_at=at, queued_at=at, is_replay=True)
    queue(subscription=replay.subscription, events=wanted, at=at)
    return len(wanted)
