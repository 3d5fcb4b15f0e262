"""What the roll-up found, the spans of the past that the strips are drawn from, and the sets of what runs together."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.catalog.freshness import limits_text
from apps.catalog.models import Component, Environment, Feature, Team
from apps.health.status import DataStatus, HealthStatus, SetStatus


class FeatureHealth(models.Model):
    """The newest judgement of one feature. `version` grows with every change of what people read."""

    feature = models.OneToOneField(Feature, primary_key=True, on_delete=models.CASCADE, related_name="health")
    status = models.CharField(max_length=10, choices=HealthStatus.choices, default=HealthStatus.UNKNOWN)
    sentence = models.TextField()
    since = models.DateTimeField()
    reasons = models.JSONField(default=list)  # see rollup.Reason
    oldest_input_at = models.DateTimeField(null=True)
    evaluated_at = models.DateTimeField()
    stale_at = models.DateTimeField(null=True)  # when the next input turns stale if nothing is heard
    history_from = models.DateTimeField(null=True)  # where the replayed past begins
    data_because = models.TextField(
        blank=True, default=""
    )  # why answers may be old, see behind.Behind; "": they are not
    data_as_of = models.DateTimeField(null=True)
    data_since = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        verbose_name_plural = "feature health"

    def __str__(self) -> str:
        return f"{self.feature}: {self.status}"


class DataFreshness(models.Model):
    """The newest judgement of how old the data of a component are, where the catalog says how old they may be.

    `cause_id`: the pipeline that should have refreshed them; no foreign key, because it is only read with its name.
    """

    component = models.OneToOneField(Component, primary_key=True, on_delete=models.CASCADE, related_name="data")
    status = models.CharField(max_length=10, choices=DataStatus.choices, default=DataStatus.UNKNOWN)
    sentence = models.TextField()
    since = models.DateTimeField()
    as_of = models.DateTimeField(null=True)
    cause_id = models.BigIntegerField(null=True)
    because = models.TextField(blank=True)
    troubled_at = models.DateTimeField(null=True)  # since when it has been too old, kept through silence
    judge_at = models.DateTimeField()
    judged_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "data freshness"
        indexes = [models.Index(fields=["judge_at"], name="data_due")]

    def __str__(self) -> str:
        return f"{self.component}: {self.status}"

    @property
    def allowed(self) -> str:
        """How old its data may be, in words."""
        return limits_text(self.component.freshness)


class HealthSpan(models.Model):
    """One stretch of time in one status; the open one has no end."""

    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="health_spans")
    status = models.CharField(max_length=10, choices=HealthStatus.choices)
    sentence = models.TextField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    is_replayed = models.BooleanField(default=False)  # judged afterwards, from samples alone

    class Meta:
        ordering = ["-started_at"]
        constraints = [  # and spans of a feature never overlap: see migration 0002
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gt=models.F("started_at")),
                name="span_ends_after_it_starts",
            ),
            models.UniqueConstraint(
                fields=["feature"], condition=models.Q(ended_at__isnull=True), name="one_open_span_a_feature"
            ),
        ]
        indexes = [models.Index(fields=["feature", "-started_at"], name="span_of_feature")]

    def __str__(self) -> str:
        return f"{self.feature}: {self.status} from {self.started_at}"


class FeatureConsistency(models.Model):
    """The newest judgement of whether what was tested is what runs; see `consistency.judge`."""

    feature = models.OneToOneField(Feature, primary_key=True, on_delete=models.CASCADE, related_name="consistency")
    status = models.CharField(max_length=10, choices=SetStatus.choices, default=SetStatus.UNKNOWN)
    sentence = models.TextField()
    since = models.DateTimeField()
    findings = models.JSONField(default=list)  # see consistency.Finding
    has_wrong_embedder = models.BooleanField(default=False)  # in production
    judged_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "feature consistency"

    def __str__(self) -> str:
        return f"{self.feature}: {self.status}"

    @property
    def number(self) -> int:
        """How many cells are not as they should be."""
        return len(self.findings)


class Bundle(models.Model):
    """A set of revisions of one feature under one id: a trigger refuses an UPDATE of what was written."""

    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="bundles")
    hash = models.CharField(max_length=64)  # SHA-256 of the sorted members, see bundling.set_hash
    alias = models.CharField(max_length=40)
    members = models.JSONField()  # [{"kind": …, "name": …, "reference": …}], sorted
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["feature", "hash"], name="one_bundle_a_set")]

    def __str__(self) -> str:
        return self.alias

    def get_absolute_url(self) -> str:
        return reverse("health:bundle", args=[self.pk])


class BundleStay(models.Model):
    """From when to when a bundle ran in an environment; the open one has no end."""

    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="+")
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="stays")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    is_promotion = models.BooleanField(default=False)  # the same set had run in an earlier environment before

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["feature", "environment"],
                condition=models.Q(ended_at__isnull=True),
                name="one_open_stay_a_place",
            )
        ]
        indexes = [models.Index(fields=["feature", "environment", "-started_at", "-id"], name="stay_of_place")]

    def __str__(self) -> str:
        return f"{self.bundle} in {self.environment}"


class FeatureLook(models.Model):
    """When a person looked at a feature last, and when the visit before this one ended; see `looking.since_of`.

    Only that person is told, so it is no event: who reads what is nobody else's business.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="+")
    looked_at = models.DateTimeField()
    since = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "feature"], name="one_look_a_person_and_feature")]

    def __str__(self) -> str:
        return f"{self.user} at {self.feature}"


class DigestWish(models.Model):
    """Whether a person wants the week by mail, and of what: teams stand for all of their features."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="digest_wish"
    )
    is_wanted = models.BooleanField(default=False)
    teams = models.ManyToManyField(Team, blank=True, related_name="+")
    features = models.ManyToManyField(Feature, blank=True, related_name="+")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}: {'wanted' if self.is_wanted else 'not wanted'}"


class Digest(models.Model):
    """One mail to one person about the week before `week_on`, a Monday. Whoever made or renewed the row sends it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    week_on = models.DateField()
    claimed_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=1)
    sent_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["-week_on", "user"]
        constraints = [models.UniqueConstraint(fields=["user", "week_on"], name="one_digest_a_person_and_week")]

    def __str__(self) -> str:
        return f"{self.user}, week before {self.week_on}"


class Announcement(models.Model):
    """What a person tells everybody about a feature in plain words, until a time; then it stays as history."""

    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="announcements")
    text = models.CharField(max_length=500)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="announcement_ends_after_it_starts"
            )
        ]
        indexes = [models.Index(fields=["feature", "-ends_at"], name="announcement_of_feature")]

    def __str__(self) -> str:
        return self.text[:80]
