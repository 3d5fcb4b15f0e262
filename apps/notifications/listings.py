"""The list of subscriptions and the delivery log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet

from apps.core.listing import Column, Filter, Listing
from apps.notifications.models import Delivery, Subscription
from apps.notifications.status import DeliveryState, SubscriptionStatus

FAMILIES = (
    ("deployments:*", "Deployments, holds, freezes"),
    ("prompts:*", "Prompt versions and labels"),
    ("pipelines:*", "Pipeline runs"),
    ("evaluations:*", "Evaluations"),
    ("monitors:*", "Alerts"),
    ("metrics:*", "Budgets"),
    ("health:*", "Feature health and sets"),
    ("source:*", "Sources"),
)


def _in_status(rows: QuerySet[Subscription], status: str) -> QuerySet[Subscription]:
    """The rule of `Subscription.status`, in SQL."""
    if status == SubscriptionStatus.DISABLED:
        return rows.filter(is_enabled=False, state__disabled_at__isnull=False)
    if status == SubscriptionStatus.PAUSED:
        return rows.filter(is_enabled=False, state__disabled_at=None)
    failing = Q(state__failures__gt=0)
    return rows.filter(failing if status == SubscriptionStatus.FAILING else ~failing, is_enabled=True)


def _of_family(rows: QuerySet[Delivery], pattern: str) -> QuerySet[Delivery]:
    return rows.filter(event__kind__startswith=pattern.removesuffix("*"))


def _status(row: Any) -> str:
    return str(row.status)


SUBSCRIPTIONS = Listing(
    name="subscriptions",
    noun="subscription",
    nouns="subscriptions",
    caption="Subscriptions by name",
    default_sort="name",
    row_template="notifications/_subscription_row.html",
    columns=(
        Column("name", "Subscription", sort="name"),
        Column("status", "Status", value=_status),
        Column("url", "Receiver"),
        Column("kinds", "What it hears"),
        Column("last_delivered_at", "Last delivered", value="state.last_delivered_at", cls="r"),
        Column("error", "What went wrong", value="state.error", is_shown=False),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains"),
        Filter("status", "Status", choices=SubscriptionStatus.choices, apply=_in_status),
    ),
    topic="subscriptions",
    empty_title="Nobody outside hears of anything yet",
    empty_text="A subscription sends every event you choose to an address of yours, signed, as a CloudEvent: "
    "a chat bridge, an incident tool, a data warehouse.",
    empty_action="Add a subscription",
    empty_url="/notifications/add/",
)
DELIVERIES = Listing(
    name="deliveries",
    noun="delivery",
    nouns="deliveries",
    caption="Deliveries, newest first",
    page_size=20,
    default_sort="-queued_at",
    row_template="notifications/_delivery_row.html",
    columns=(
        Column("event", "Event", value="event.title"),
        Column("kind", "Kind", value="event.kind", is_shown=False),
        Column("state", "State"),
        Column("status", "Answer", cls="r"),
        Column("attempts", "Tries", cls="r"),
        Column("took_ms", "Took", cls="r"),
        Column("queued_at", "Queued", sort="queued_at", cls="r"),
        Column("delivered_at", "Delivered", is_shown=False),
        Column("error", "What went wrong", is_shown=False),
        Column("again", "Again", value=lambda row: row.is_replay, cls="r"),
    ),
    filters=(
        Filter("q", "Event", "text", apply="event__title__icontains"),
        Filter("state", "State", choices=DeliveryState.choices, is_multiple=True),
        Filter("kind", "Kind", choices=FAMILIES, apply=_of_family),
        Filter("since", "Since", "date", apply="queued_at__gte"),
        Filter("until", "Until", "date", apply="queued_at__lt"),
    ),
    empty_title="Nothing sent yet",
    empty_text="The next event that passes the filters appears here within a second or two. "
    "Deliveries are remembered for 30 days.",
)


def delivery_listing(*, topic: str) -> Listing:
    """The log of one subscription, which rings on `topic`."""
    return replace(DELIVERIES, topic=topic)
