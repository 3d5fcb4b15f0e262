"""What pages ask about subscriptions and deliveries."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from apps.catalog.models import Environment, Feature
from apps.events.models import Event
from apps.notifications.models import Delivery, Replay, Subscription
from apps.notifications.status import DeliveryState


def subscriptions() -> QuerySet[Subscription]:
    """Every subscription with its state, for the list."""
    return Subscription.objects.select_related("state")


def disabled_subscriptions() -> list[Subscription]:
    """Those that were switched off because their receivers are gone or hopeless."""
    return list(subscriptions().filter(is_enabled=False, state__disabled_at__isnull=False))


def deliveries_of(*, subscription: Subscription) -> QuerySet[Delivery]:
    """The delivery log of one subscription, with the events."""
    return Delivery.objects.filter(subscription=subscription).select_related("event")


def waiting_counts(*, subscription: Subscription) -> dict[str, int]:
    """How many deliveries are still open, and how many were given up, of those the log remembers."""
    rows = Delivery.objects.order_by().filter(subscription=subscription)
    return {
        "waiting": rows.filter(next_try_at__isnull=False).count(),
        "abandoned": rows.filter(state=DeliveryState.ABANDONED).count(),
    }


def last_replay(*, subscription: Subscription) -> Replay | None:
    """The replay that was asked for last."""
    return Replay.objects.filter(subscription=subscription).first()


def events_in_span(*, start: datetime, end: datetime) -> QuerySet[Event]:
    """The ledger in [start, end), oldest first."""
    return Event.objects.filter(at__gte=start, at__lt=end).order_by("at", "id")


def names_of_filters(*, subscription: Subscription) -> dict[str, list[str]]:
    """The features and environments that a subscription asks for, by name; what is gone is missing."""
    features = Feature.objects.filter(pk__in=subscription.feature_ids) if subscription.feature_ids else []
    environments = (
        Environment.objects.filter(pk__in=subscription.environment_ids) if subscription.environment_ids else []
    )
    return {"features": [row.name for row in features], "environments": [row.name for row in environments]}
