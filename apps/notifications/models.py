"""Who hears of the portal's events, and what became of every event sent."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from apps.catalog.models import Feature
from apps.events.models import Event
from apps.notifications.matching import Wanted
from apps.notifications.status import DeliveryState, Format, SubscriptionStatus


class Subscription(models.Model):
    """One receiver and what it wants to hear. Empty lists mean "all"; ids of what is gone match nothing.

    People write this row; the machine only switches `is_enabled` off when a receiver is hopeless.
    """

    name = models.CharField(max_length=120, unique=True)
    url = models.CharField(max_length=1000)
    secrets = models.BinaryField(default=b"", editable=False)  # "current" and while it is rotated "previous"
    previous_until = models.DateTimeField(null=True)  # until then both secrets sign
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.STRUCTURED)
    kinds = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    feature_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    environment_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    only_changes = models.BooleanField(default=False)
    includes_demo = models.BooleanField(default=False)
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    trusted_ca = models.TextField(blank=True, default="")
    is_enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("notifications:subscription-detail", args=[self.pk])

    @property
    def wanted(self) -> Wanted:
        """The filters as the rule takes them."""
        return Wanted(
            kinds=self.kinds,
            feature_ids=self.feature_ids,
            environment_ids=self.environment_ids,
            only_changes=self.only_changes,
            includes_demo=self.includes_demo,
        )

    @property
    def status(self) -> SubscriptionStatus:
        """How it does; needs the state."""
        if not self.is_enabled:
            return SubscriptionStatus.DISABLED if self.state.disabled_at else SubscriptionStatus.PAUSED
        return SubscriptionStatus.FAILING if self.state.failures else SubscriptionStatus.ACTIVE


class SubscriptionState(models.Model):
    """What the machine knows of one subscription: its place in the ledger and how its receiver does.

    The place is the last row handed over, in the order of (transaction, id). `floor_id`: only rows above it count,
    which matters after a move to another database server, whose transactions are counted anew.
    """

    subscription = models.OneToOneField(Subscription, primary_key=True, on_delete=models.CASCADE, related_name="state")
    cursor_transaction = models.BigIntegerField(default=0)
    cursor_event = models.BigIntegerField(default=0)
    highest_event = models.BigIntegerField(default=0)
    floor_id = models.BigIntegerField(default=0)
    not_before = models.DateTimeField(null=True)  # the receiver rests until then
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    last_delivered_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_because = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"state of {self.subscription_id}"


class Delivery(models.Model):
    """One event on its way to one receiver; the row is the work, the broker may forget it.

    `next_try_at` is when it is due: for one under way the end of its lease, empty once it is over. Only the holder of
    `claim_id` may write how it ended.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    is_replay = models.BooleanField(default=False)
    queued_at = models.DateTimeField(db_default=Now())
    next_try_at = models.DateTimeField(null=True, db_default=Now())
    claim_id = models.UUIDField(null=True)
    first_tried_at = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)  # of HTTP, of the last answer
    error = models.TextField(blank=True)
    took_ms = models.PositiveIntegerField(null=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-queued_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["subscription", "event"], name="one_delivery_an_event")]
        indexes = [
            models.Index(
                fields=["subscription", "next_try_at", "id"],
                name="delivery_due",
                condition=models.Q(next_try_at__isnull=False),
            ),
            models.Index(fields=["subscription", "-queued_at", "-id"], name="delivery_of_subscription"),
            models.Index(fields=["queued_at"], name="delivery_oldest"),
            models.Index(
                fields=["subscription"],
                name="delivery_given_up",
                condition=models.Q(state=DeliveryState.ABANDONED),
            ),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} to {self.subscription_id}"


class Replay(models.Model):
    """A span of the ledger to be sent again; asked for by people, carried out by a worker a piece at a time."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="replays")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    requested_at = models.DateTimeField(db_default=Now())
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    place_at = models.DateTimeField(null=True)  # the last event looked at, by time and id
    place_id = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)  # events in the span
    done = models.PositiveIntegerField(default=0)
    queued = models.PositiveIntegerField(default=0)  # of them wanted and so sent again

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["id"], name="replay_open", condition=models.Q(finished_at=None))]

    def __str__(self) -> str:
        return f"replay for {self.subscription_id}"


class Follower(models.Model):
    """Somebody who wants updates by mail: of one feature, or without one of every incident on the status page."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    feature = models.ForeignKey(Feature, null=True, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()

    class Meta:
        ordering = ["feature__name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "feature"], nulls_distinct=False, name="follows_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} follows {self.feature or 'everything'}"


class Letter(models.Model):
    """One event on its way to one person by mail. `next_try_at` is empty once it is sent or given up."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    queued_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-queued_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["user", "event"], name="one_letter_an_event")]
        indexes = [
            models.Index(fields=["next_try_at"], name="letter_due", condition=models.Q(next_try_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} to user {self.user_id}"


class MailPlace(models.Model):
    """How far the ledger was read for mail; one row."""

    transaction = models.BigIntegerField()
    event = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.transaction}:{self.event}"
