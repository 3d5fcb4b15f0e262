"""External systems: what people set up (Source) and what the machine keeps about them, in rows of their own."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature, Team
from apps.sources.status import Circuit, Outcome, Ringing


class Source(models.Model):
    """One configured external system. People write this row; the poller never does."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    connector = models.CharField(max_length=40)
    config = models.JSONField(default=dict)
    secrets = models.BinaryField(default=b"", editable=False)  # encrypted JSON; see secrets.py
    interval_seconds = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(5), MaxValueValidator(86_400)]
    )
    is_enabled = models.BooleanField(default=True)
    is_polled = models.BooleanField(default=True, db_default=True, editable=False)  # False: it reports by itself
    is_demo = models.BooleanField(default=False, editable=False)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="sources")
    environment = models.ForeignKey(
        Environment,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Of records that do not say where they run.",
    )
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    trusted_ca = models.TextField(blank=True, default="", db_default="")  # PEM of authorities beside the machine's own
    raw_kept_days = models.PositiveSmallIntegerField(default=30)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(interval_seconds__gte=5), name="source_interval_is_5_s_or_more"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("sources:source-detail", args=[self.slug])


class SourceState(models.Model):
    """What the poller knows of one source: the claim, the cursor, the last good and the last bad news.

    Times are the database's clock. A claim is `claim_id` until `claimed_until`; only its holder may write.
    """

    source = models.OneToOneField(Source, primary_key=True, on_delete=models.CASCADE, related_name="state")
    next_poll_at = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(null=True)  # the source asked us to stay away until then
    is_poll_requested = models.BooleanField(default=False)  # somebody pressed "Poll now"
    rung_at = models.DateTimeField(null=True)  # the last webhook that is worth a poll
    claim_id = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    cursor = models.JSONField(default=dict)
    has_backlog = models.BooleanField(default=False)  # the last fetch said there is more
    last_attempt_at = models.DateTimeField(null=True)  # when a worker began; before `claimed_at` while none has
    last_success_at = models.DateTimeField(null=True)
    last_answer_at = models.DateTimeField(null=True)  # the last good poll, with a backlog or without
    last_change_at = models.DateTimeField(null=True)  # the last poll that brought something new
    error_class = models.CharField(max_length=20, blank=True)
    error = models.TextField(blank=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    circuit = models.CharField(max_length=10, choices=Circuit.choices, default=Circuit.CLOSED)
    circuit_opened_at = models.DateTimeField(null=True)
    skew_seconds = models.FloatField(null=True)  # upstream clock minus ours
    missing_scopes = ArrayField(models.CharField(max_length=120), default=list)
    scopes = models.JSONField(  # every right that was looked at: [{"name", "why", "is_granted"}]
        default=list, db_default=models.Value([], models.JSONField())
    )
    scopes_checked_at = models.DateTimeField(null=True)
    scopes_due_at = models.DateTimeField(null=True)  # the next look; None until the first good poll plans it

    class Meta:
        indexes = [models.Index(fields=["next_poll_at"], name="source_due")]

    def __str__(self) -> str:
        return f"state of {self.source_id}"


class Poll(models.Model):
    """One conversation with a source, for the sources page; removed after a while."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="polls")
    claim_id = models.UUIDField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.RUNNING)
    error_class = models.CharField(max_length=20, blank=True)
    error = models.TextField(blank=True)
    fetched = models.PositiveIntegerField(default=0)  # records
    changed = models.PositiveIntegerField(default=0)  # rows written because something was new
    rejected = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [
            models.Index(fields=["source", "-started_at", "-id"], name="poll_of_source"),
            models.Index(fields=["source"], name="poll_running", condition=models.Q(outcome=Outcome.RUNNING)),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} poll of {self.source_id}"

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


class RawRecord(models.Model):
    """The vendor's own item, kept so that a better mapping heals history without a new fetch."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="raw_records")
    kind = models.CharField(max_length=20)
    external_id = models.CharField(max_length=512)
    payload = models.JSONField(default=dict)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kind", "external_id"], name="one_raw_a_record")]
        indexes = [models.Index(fields=["seen_at"], name="raw_oldest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class DeadLetter(models.Model):
    """A record that could not be read or stored, with the reason; the poll went on without it."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="dead_letters")
    kind = models.CharField(max_length=20)
    external_id = models.CharField(max_length=512)
    reason = models.TextField()
    payload = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-last_seen_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "kind", "external_id"], name="one_letter_a_record")]
        indexes = [models.Index(fields=["source", "-last_seen_at", "-id"], name="letter_of_source")]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}: {self.reason}"


class WebhookDelivery(models.Model):
    """One ring of a source's webhook: what makes a repeated one harmless, and what people see of it."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=200)  # the vendor's, or a digest of a long one
    event = models.CharField(max_length=120, blank=True)
    verdict = models.CharField(max_length=12, choices=Ringing.choices)
    reason = models.CharField(max_length=300, blank=True)  # why it was refused
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "webhook deliveries"
        constraints = [models.UniqueConstraint(fields=["source", "delivery_id"], name="one_row_a_delivery")]
        indexes = [
            models.Index(fields=["source", "-at", "-id"], name="delivery_of_source"),
            models.Index(fields=["at"], name="webhook_delivery_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.event or self.delivery_id}: {self.verdict}"


class StreamMemory(models.Model):
    """What a source that sends its own numbers said last: a cumulative count means something only beside the next."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="stream_memories")
    key = models.CharField(max_length=32)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="one_memory_a_stream")]
        indexes = [models.Index(fields=["at"], name="memory_oldest")]

    def __str__(self) -> str:
        return f"memory of {self.key}"


class MappingRule(models.Model):
    """Where things with certain names belong. Rules are tried in order, before what the catalog says by itself.

    `pattern` is compared with the name (see identity.rules), `labels` and `payload` are name or JMESPath -> pattern;
    all must fit. Component, feature and environment are each decided by the first rule that fits and says one.
    """

    position = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    is_enabled = models.BooleanField(default=True)
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.CASCADE, related_name="mapping_rules")
    kind = models.CharField(max_length=20, blank=True)  # of record; "" for every kind
    pattern = models.CharField(max_length=300, default="*")
    labels = models.JSONField(default=dict, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"{self.kind or 'anything'} {self.pattern}"


class ExternalName(models.Model):
    """A name under which a source spoke of something, and where the last batch that used it was put.

    `variants` counts the label sets of that batch, `unplaced` those without component and feature; `labels` are one of
    the unplaced ones if there are any. Whether people wait for it is `is_ignored`.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="external_names")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=512)
    labels = models.JSONField(default=dict)
    variants = models.PositiveIntegerField(default=1)
    unplaced = models.PositiveIntegerField(default=0)
    component = models.ForeignKey(
        Component, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    feature = models.ForeignKey(Feature, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    environment = models.ForeignKey(
        Environment, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    is_ignored = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_seen_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "kind", "name"], name="one_row_an_external_name")]
        indexes = [
            models.Index(
                fields=["-last_seen_at", "-id"],
                name="external_name_unplaced",
                condition=models.Q(unplaced__gt=0, is_ignored=False),
            ),
            models.Index(
                fields=["source"],
                name="external_name_waiting",
                condition=models.Q(unplaced__gt=0, is_ignored=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Remapping(models.Model):
    """One pass of the rules over everything that is stored; asked for by people, carried out by a worker."""

    reason = models.CharField(max_length=300)
    requested_at = models.DateTimeField(db_default=Now())
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_source_id = models.BigIntegerField(default=0)  # sources below it are done
    total = models.PositiveIntegerField(default=0)  # sources
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)  # rows that moved to another place

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["id"], name="remapping_open", condition=models.Q(finished_at=None))]

    def __str__(self) -> str:
        return self.reason


class Heartbeat(models.Model):
    """When a worker was last seen at work; one row a worker."""

    worker = models.CharField(max_length=200, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.worker} at {self.at}"
