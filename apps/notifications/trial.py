"""**Send a test event**: one event that is in no ledger, sent at once, and what the receiver said in plain words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from apps.notifications.envelope import envelope_of, make_test_event
from apps.notifications.models import Subscription
from apps.notifications.sending import Outcome, send


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from the receiver."""

    outcome: Outcome
    sentence: str


def send_test(*, subscription: Subscription, at: datetime) -> Answer:
    """Send a test event by the way every event takes; it is tried once and stands in no log."""
    event = make_test_event(subscription_id=subscription.pk, name=subscription.name, at=at)
    envelope = envelope_of(event) | {"id": f"test_{uuid4().hex}"}
    outcome = asyncio.run(send(subscription=subscription, envelope=envelope))
    if outcome.is_good:
        return Answer(outcome, f"The receiver took it: {outcome.status} after {outcome.took_ms} ms.")
    return Answer(outcome, outcome.error)
