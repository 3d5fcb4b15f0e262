"""Which revision was put where, when and by whom, and what runs there now."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.accounts.models import validate_time_zone
from apps.catalog.models import Component, Environment, Feature
from apps.core.ui.formats import short_revision
from apps.deployments.comparing import compare_url
from apps.deployments.failing import ChangeFailure
from apps.deployments.freezing import Weekly, Window
from apps.deployments.gating import GateQuestion
from apps.deployments.status import DeploymentState, FreezeState, HoldState
from apps.sources.models import Source

__all__ = [
    "ChangeFailure",
    "Deployment",
    "Freeze",
    "GateQuestion",
    "Hold",
    "LatestAttempt",
    "Revision",
    "RevisionKind",
    "Running",
    "Weekday",
]


class RevisionKind(models.TextChoices):
    CODE = "code", "Code"
    MODEL = "model", "Model"
    EMBEDDING_MODEL = "embedding_model", "Embedding model"
    INDEX = "index", "Index build"
    CONFIG = "config", "Configuration"


class Revision(models.Model):
    """An immutable, identified state of the code, model, index or configuration of one component."""

    component_name = models.CharField(max_length=300)  # the source's own name; mapped by `Deployment.component`
    kind = models.CharField(max_length=16, choices=RevisionKind.choices, default=RevisionKind.CODE)
    reference = models.CharField(max_length=300)  # version, tag, commit or digest
    url = models.CharField(max_length=1000, blank=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["component_name", "kind", "reference"], name="one_revision_a_reference")
        ]

    def __str__(self) -> str:
        return f"{self.component_name} {self.short}"

    @property
    def short(self) -> str:
        """The reference as people say it; the whole of it stands on the page of a deployment."""
        return short_revision(self.reference)


class Deployment(models.Model):
    """Putting one revision into one environment at one time, with an outcome."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="deployments")
    external_id = models.CharField(max_length=512)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="deployments")
    previous_revision = models.ForeignKey(Revision, null=True, on_delete=models.PROTECT, related_name="+")
    component_name = models.CharField(max_length=300)
    environment_name = models.CharField(max_length=120)
    component = models.ForeignKey(
        Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="deployments"
    )
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="deployments")
    environment = models.ForeignKey(
        Environment, null=True, blank=True, on_delete=models.SET_NULL, related_name="deployments"
    )
    state = models.CharField(max_length=12, choices=DeploymentState.choices)
    raw_state = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    deployed_by = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    is_told_rollback = models.BooleanField(default=False)  # the source calls it one
    is_rollback = models.BooleanField(default=False)  # told, or its revision had been live there before
    frozen_by = models.ForeignKey(  # the freeze inside which it began
        "deployments.Freeze", null=True, blank=True, on_delete=models.SET_NULL, related_name="broken_by"
    )
    url = models.CharField(max_length=1000, blank=True)
    labels = models.JSONField(default=dict)
    upstream_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_deployment_an_external_id")]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="deployment_newest"),
            models.Index(fields=["feature", "-started_at", "-id"], name="deployment_of_feature"),
            models.Index(
                fields=["component_name", "environment_name", "-started_at", "-id"], name="deployment_of_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.revision} in {self.environment_name}"

    def get_absolute_url(self) -> str:
        return reverse("deployments:deployment-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"deployment-{self.pk}"

    @property
    def where(self) -> str:
        """The environment as people call it."""
        return self.environment.name if self.environment else self.environment_name or "no environment"

    @property
    def compare_url(self) -> str:
        """The page that shows what it changed, "" where its source does not tell enough."""
        if self.previous_revision is None or self.revision.kind != RevisionKind.CODE:
            return ""
        before, after = self.previous_revision.reference, self.revision.reference
        return compare_url(url=self.url, connector=self.source.connector, before=before, after=after)

    @property
    def took(self) -> timedelta | None:
        """From start to end; None while it has not ended, and where the source tells one instant only."""
        if self.finished_at is None or self.finished_at <= self.started_at:
            return None
        return self.finished_at - self.started_at


class Running(models.Model):
    """What runs in one place now: one row a component and environment, moved by the newest successful deployment."""

    component_name = models.CharField(max_length=300)
    environment_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=RevisionKind.choices, default=RevisionKind.CODE)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "component_name", "environment_name", "kind"], name="one_running_revision_a_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component_name} in {self.environment_name}"


class LatestAttempt(models.Model):
    """The newest deployment into one place, whatever became of it; what really runs there is `Running`."""

    component_name = models.CharField(max_length=300)
    environment_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=RevisionKind.choices, default=RevisionKind.CODE)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "component_name", "environment_name", "kind"], name="one_latest_attempt_a_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component_name} in {self.environment_name}"


class Hold(models.Model):
    """A place that stays as it is until a person lifts the hold: set by a rollback, or by hand.

    The portal cannot stop another system. What is put there all the same is `broken_by`; where a person asks for a
    rollback, that is what ran as it was asked for, from that moment on.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    component_name = models.CharField(max_length=300)
    environment_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=RevisionKind.choices, default=RevisionKind.CODE)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="holds")  # what is to stay
    away_from = models.ForeignKey(Revision, null=True, on_delete=models.PROTECT, related_name="+")  # rolled back from
    held_at = models.DateTimeField()
    held_by = models.CharField(max_length=200, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.TextField(blank=True)
    broken_by = models.ForeignKey(Deployment, null=True, on_delete=models.SET_NULL, related_name="breaks")
    broken_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=200, blank=True)
    lift_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-held_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "component_name", "environment_name", "kind"],
                condition=models.Q(lifted_at__isnull=True),
                name="one_open_hold_a_place",
            )
        ]

    def __str__(self) -> str:
        return f"{self.deployment.revision} in {self.deployment.where}"

    @property
    def is_asked(self) -> bool:
        """Whether it is a rollback that a person asked for and that has not come."""
        return self.state is HoldState.ASKED

    @property
    def counts_from(self) -> datetime:
        """What began later than this goes against the hold."""
        return self.held_at if self.user_id else self.deployment.started_at

    @property
    def state(self) -> HoldState:
        """Held, broken or lifted; or asked for, while what ran before the hold still runs."""
        if self.lifted_at:
            return HoldState.LIFTED
        if self.broken_at is None:
            return HoldState.HELD
        is_asked = self.user_id is not None and self.broken_at <= self.held_at
        return HoldState.ASKED if is_asked else HoldState.BROKEN


class Weekday(models.IntegerChoices):
    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class Freeze(models.Model):
    """A time in which nothing should be deployed: once, or every week by the clock of one zone.

    Without features it is for all of them, and likewise without environments.
    """

    name = models.CharField(max_length=120)
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)  # empty only for a weekly one without an end
    is_weekly = models.BooleanField(default=False)
    first_day = models.PositiveSmallIntegerField(choices=Weekday.choices, default=Weekday.FRIDAY)
    first_time = models.TimeField(null=True, blank=True)
    last_day = models.PositiveSmallIntegerField(choices=Weekday.choices, default=Weekday.MONDAY)
    last_time = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    features = models.ManyToManyField(Feature, blank=True, related_name="+")
    environments = models.ManyToManyField(Environment, blank=True, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    planned_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=200, blank=True)
    lift_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=models.F("starts_at")),
                name="freeze_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(is_weekly=False, ends_at__isnull=False)
                | models.Q(is_weekly=True, first_time__isnull=False, last_time__isnull=False),
                name="freeze_knows_its_times",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("deployments:freeze-detail", args=[self.pk])

    @property
    def who_for(self) -> str:
        """ "Search Answers, Support Reply in Production"."""
        features = ", ".join(feature.name for feature in self.features.all()) or "every feature"
        environments = ", ".join(environment.name for environment in self.environments.all())
        return f"{features} in {environments or 'every environment'}"

    @property
    def rhythm(self) -> str:
        """ "Friday 16:00 to Monday 08:00, Europe/Berlin"; "" for one that comes once."""
        if not self.is_weekly or self.first_time is None or self.last_time is None:
            return ""
        first, last = Weekday(self.first_day).label, Weekday(self.last_day).label
        return f"{first} {self.first_time:%H:%M} to {last} {self.last_time:%H:%M}, {self.time_zone}"

    @property
    def weekly(self) -> Weekly | None:
        """Its stretch of the week, None for one that comes once."""
        if not self.is_weekly or self.first_time is None or self.last_time is None:
            return None
        return Weekly(self.first_day, self.first_time, self.last_day, self.last_time, ZoneInfo(self.time_zone))

    @property
    def window(self) -> Window:
        """What the rules judge; features and environments should be prefetched."""
        return Window(
            id=self.pk,
            name=self.name,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            lifted_at=self.lifted_at,
            weekly=self.weekly,
            features=frozenset(feature.pk for feature in self.features.all()),
            environments=frozenset(environment.pk for environment in self.environments.all()),
        )

    def state_at(self, at: datetime) -> FreezeState:
        """Planned, active, over or lifted; a weekly one is planned between two of its stretches."""
        if self.lifted_at:
            return FreezeState.LIFTED
        if self.ends_at and self.ends_at <= at:
            return FreezeState.OVER
        return FreezeState.ACTIVE if self.window.holds_at(at) else FreezeState.PLANNED
