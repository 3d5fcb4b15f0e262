"""How far a delivery is, and how a subscription does."""

from __future__ import annotations

from django.db import models

from apps.core.ui.status import StatusChoices


class DeliveryState(StatusChoices):
    QUEUED = "queued", "Waiting", "wait"
    DELIVERING = "delivering", "Sending", "run"
    DELIVERED = "delivered", "Delivered", "ok"
    FAILED = "failed", "Will try again", "retry"
    ABANDONED = "abandoned", "Given up", "bad"


OPEN_STATES = (DeliveryState.QUEUED, DeliveryState.DELIVERING, DeliveryState.FAILED)


class SubscriptionStatus(StatusChoices):
    ACTIVE = "active", "Active", "ok"
    FAILING = "failing", "Failing", "warn"
    PAUSED = "paused", "Paused", "skip"
    DISABLED = "disabled", "Switched off", "bad"


class Format(models.TextChoices):
    """How an event travels, in the words of CloudEvents."""

    STRUCTURED = "structured", "Everything in the body (CloudEvents, structured)"
    BINARY = "binary", "Facts in headers, data in the body (CloudEvents, binary)"
