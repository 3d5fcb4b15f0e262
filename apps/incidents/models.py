"""Disruptions that people respond to: what happened, who led, what was said, what was learned."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from apps.catalog.models import Component, Feature
from apps.incidents.status import (
    OPEN_STATES,
    ActionState,
    EntryKind,
    IncidentState,
    ReviewState,
    Severity,
    SuspectVerdict,
)
from apps.monitors.models import Alert


class IncidentKind(models.TextChoices):
    """What people feel of it."""

    OUTAGE = "outage", "Outage"
    DEGRADATION = "degradation", "Slower or worse than promised"
    QUALITY = "quality", "Wrong or poor answers"
    SAFETY = "safety", "Unsafe answers"
    COST = "cost", "Cost"
    DATA = "data", "Missing or old data"
    OTHER = "other", "Other"


class CauseClass(models.TextChoices):
    """Where the cause lay, for the trend."""

    PROMPT = "prompt", "Prompt"
    DATA = "data", "Data or pipeline"
    RETRIEVAL = "retrieval", "Retrieval or index"
    MODEL = "model", "Model or provider"
    DEPLOY = "deploy", "Deployment"
    CONFIG = "config", "Configuration"
    CAPACITY = "capacity", "Capacity"
    UNKNOWN = "unknown", "Not found"


class Visibility(models.TextChoices):
    INTERNAL = "internal", "Everybody here, with the status page"
    RESPONDERS = "responders", "Not on the status page"


class RoleKind(models.TextChoices):
    COMMANDER = "commander", "Commander"
    COMMS = "comms", "Communication"
    SCRIBE = "scribe", "Scribe"
    EXPERT = "expert", "Expert"
    OBSERVER = "observer", "Observer"


class Incident(models.Model):
    """One disruption. The clocks are what people say of the world; `declared_at` and `updated_at` are our own.

    `draft_key` names what a draft was made from, so that the same news finds the same draft.
    """

    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    kind = models.CharField(max_length=12, choices=IncidentKind.choices, default=IncidentKind.DEGRADATION)
    severity = models.CharField(max_length=4, choices=Severity.choices, default=Severity.SEV3)
    state = models.CharField(max_length=14, choices=IncidentState.choices, default=IncidentState.INVESTIGATING)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.INTERNAL)
    cause_class = models.CharField(max_length=10, choices=CauseClass.choices, blank=True)
    features = models.ManyToManyField(Feature, related_name="incidents")
    components = models.ManyToManyField(Component, blank=True, related_name="incidents")
    impact_started_at = models.DateTimeField()
    detected_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    mitigated_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    declared_at = models.DateTimeField()
    declared_by = models.CharField(max_length=150)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    next_update_at = models.DateTimeField(null=True, blank=True)  # when the next status update is expected
    reminded_at = models.DateTimeField(null=True, blank=True)
    draft_key = models.CharField(max_length=120, blank=True)
    is_demo = models.BooleanField(default=False)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-impact_started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["draft_key"],
                condition=~Q(draft_key="") & ~Q(state__in=["resolved", "dismissed"]),
                name="one_open_incident_a_draft_key",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("impact_started_at")),
                name="incident_ends_after_it_began",
            ),
        ]
        indexes = [
            models.Index(fields=["-impact_started_at", "-id"], name="incident_newest"),
            models.Index(fields=["state", "-impact_started_at"], name="incident_of_state"),
            models.Index(
                fields=["next_update_at"], name="incident_update_due", condition=Q(next_update_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("incidents:incident-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"incident-{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether people still respond to it."""
        return self.state in OPEN_STATES

    @property
    def time_to_detect(self) -> timedelta:
        """From the start of the impact to the first sign of it."""
        return max(self.detected_at - self.impact_started_at, timedelta(0))

    @property
    def time_to_acknowledge(self) -> timedelta | None:
        """From the first sign to somebody at work."""
        return max(self.acknowledged_at - self.detected_at, timedelta(0)) if self.acknowledged_at else None

    @property
    def time_to_resolve(self) -> timedelta | None:
        """From the start of the impact to its end."""
        return self.resolved_at - self.impact_started_at if self.resolved_at else None

    def lasted(self, at: datetime) -> timedelta:
        """How long it went on, or has gone on by now."""
        return (self.resolved_at or at) - self.impact_started_at


class Duty(models.Model):
    """A person in a role for a stretch of time; a hand-over ends one and begins the next."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="duties")
    role = models.CharField(max_length=10, choices=RoleKind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=150)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident"],
                condition=Q(role="commander", until__isnull=True),
                name="one_commander_an_incident",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.get_role_display()}"


class TimelineEntry(models.Model):
    """What a person wrote down, or an event of the ledger that a person pinned. `before` keeps what it said earlier."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="entries")
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    kind = models.CharField(max_length=8, choices=EntryKind.choices, default=EntryKind.NOTE)
    text = models.TextField()
    author = models.CharField(max_length=150)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    event_id = models.BigIntegerField(null=True)  # of the ledger
    is_pinned = models.BooleanField(default=False)
    written_at = models.DateTimeField()
    before = models.JSONField(default=list)  # [{"text", "at", "by", "changed_at"}], oldest first

    class Meta:
        ordering = ["at", "id"]
        verbose_name_plural = "timeline entries"
        indexes = [models.Index(fields=["incident", "at", "id"], name="entry_of_incident")]

    def __str__(self) -> str:
        return self.text[:80]


class StatusUpdate(models.Model):
    """What was told to everybody; never changed, the next one says it better."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    at = models.DateTimeField()
    state = models.CharField(max_length=14, choices=IncidentState.choices)
    text = models.TextField()
    brief = models.CharField(max_length=300, blank=True)  # one sentence for those who read nothing else
    author = models.CharField(max_length=150)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["incident", "-at", "-id"], name="update_of_incident")]

    def __str__(self) -> str:
        return self.brief or self.text[:80]


class Verdict(models.Model):
    """What a person says of one suspect, with what the ranking said then; it teaches the priors."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="verdicts")
    suspect = models.CharField(max_length=80)  # the key of the suspect: "event-12", "pipeline-7"
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=300)
    at = models.DateTimeField()  # when the suspect happened
    component_id = models.BigIntegerField(null=True)
    verdict = models.CharField(max_length=12, choices=SuspectVerdict.choices)
    note = models.TextField(blank=True)
    rank = models.PositiveSmallIntegerField(null=True)
    score = models.FloatField(null=True)
    given_by = models.CharField(max_length=150)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    given_at = models.DateTimeField()

    class Meta:
        ordering = ["given_at", "id"]
        constraints = [models.UniqueConstraint(fields=["incident", "suspect"], name="one_verdict_a_suspect")]

    def __str__(self) -> str:
        return f"{self.title}: {self.get_verdict_display()}"


class Snapshot(models.Model):
    """The portal as it was when the incident was declared; written once, so that retention takes nothing away."""

    incident = models.OneToOneField(Incident, primary_key=True, on_delete=models.CASCADE, related_name="snapshot")
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"snapshot of {self.incident_id}"


class Review(models.Model):
    """The blameless write-up. `version` counts the saves, so that nobody writes over another's words unseen."""

    incident = models.OneToOneField(Incident, primary_key=True, on_delete=models.CASCADE, related_name="review")
    text = models.TextField()
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=9, choices=ReviewState.choices, default=ReviewState.DRAFT)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    meeting_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"review of {self.incident_id}"


class ActionItem(models.Model):
    """What somebody promised to do so that it does not happen again, and whether it had its effect."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="actions")
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    due_on = models.DateField(null=True, blank=True)
    reminded_on = models.DateField(null=True, editable=False)  # once a day at most
    state = models.CharField(max_length=8, choices=ActionState.choices, default=ActionState.TODO)
    url = models.URLField(max_length=1000, blank=True)
    effect = models.TextField(blank=True)  # how it was seen to help
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    done_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="verified") | ~Q(effect=""), name="verified_action_says_its_effect"
            )
        ]

    def __str__(self) -> str:
        return self.title


class Explanation(models.Model):
    """What had changed before an alert, as the ranking saw it when the alert had just opened; final once it is told.

    `suspects` holds three at most: [{"title", "kind", "chance", "at", "url", "actor"}], `chance` from 0 to 1.
    """

    alert = models.OneToOneField(Alert, primary_key=True, on_delete=models.CASCADE, related_name="explanation")
    first_at = models.DateTimeField()  # the first look
    at = models.DateTimeField()  # the last one
    sentence = models.TextField()
    suspects = models.JSONField(default=list)
    is_told = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["at"], name="explanation_untold", condition=Q(is_told=False))]

    def __str__(self) -> str:
        return self.sentence


class LedgerPlace(models.Model):
    """How far the ledger was read for drafts; one row."""

    transaction = models.BigIntegerField()
    event = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.transaction}:{self.event}"
