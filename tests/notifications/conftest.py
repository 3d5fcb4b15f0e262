"""A receiver and a subscription to it. Models are imported late: this file is read before Django is set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.notifications.receiver import Receiver, receive

if TYPE_CHECKING:
    from apps.events.models import Event
    from apps.notifications.models import Subscription


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as running:
        yield running


@pytest.fixture
def make_subscription(receiver: Receiver) -> Callable[..., Subscription]:
    """`make_subscription(name=…)` listens to everything at the receiver; its secret is `subscription.secret`."""
    from apps.notifications import services

    def make(**fields: Any) -> Subscription:
        draft = services.SubscriptionDraft(**{"name": "Bridge", "url": receiver.url, **fields})
        subscription, secret = services.create_subscription(draft=draft, actor=None)
        subscription.secret = secret
        return subscription

    return make


@pytest.fixture
def tell() -> Callable[..., Event]:
    """`tell(kind=…)` records one event and returns its row."""
    from django.utils import timezone

    from apps.events.models import Event
    from apps.events.services import NewEvent, record_events

    def record(**fields: Any) -> Event:
        defaults = {"kind": "deployments:deployment:succeeded", "at": timezone.now(), "title": "api 2.40 went live"}
        record_events(events=[NewEvent(**defaults | fields)])
        return Event.objects.latest("pk")

    return record
