"""What people describe: teams, features, their components, environments, and who depends on whom."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from apps.accounts.models import Role, validate_time_zone


class ComponentKind(models.TextChoices):
    SERVICE = "service", "API service"
    PIPELINE = "pipeline", "Pipeline"
    PROMPT = "prompt", "Prompt"
    MODEL = "model", "Model"
    INDEX = "index", "Retrieval index"
    CACHE = "cache", "Cache"
    DATASTORE = "datastore", "Datastore"
    EVALUATION_SUITE = "evaluation_suite", "Evaluation suite"
    GATEWAY = "gateway", "Gateway"
    CLIENT_APP = "client_app", "Client app"
    PROVIDER = "provider", "Provider"


class Described(models.Model):
    """What everything in the catalog has: an address that never changes and a name that may."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Team(Described):
    """The people who own something and are asked first."""

    channel = models.CharField(max_length=200, blank=True, help_text="Where people reach the team, such as #search.")
    on_call = models.CharField(max_length=200, blank=True, help_text="Who is on call, or where that is written.")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])

    class Meta:
        ordering = ["name"]


class Membership(models.Model):
    """A person in a team, with the role the person has for that team's things."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.ENGINEER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Environment(Described):
    """Where something runs; `rank` orders them from first (development) to last (production)."""

    rank = models.PositiveSmallIntegerField(default=0)
    is_production = models.BooleanField(default=False)

    class Meta:
        ordering = ["rank", "slug"]


class Feature(Described):
    """An AI feature that a team owns and people depend on: the unit of the catalog and of every health page."""

    summary = models.CharField(max_length=200, blank=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="features")
    tier = models.PositiveSmallIntegerField(default=2, help_text="1 matters most, 4 least.")
    runbook_url = models.URLField(blank=True)
    channel = models.CharField(max_length=200, blank=True)
    is_retired = models.BooleanField(default=False)

    class Meta:
        ordering = ["tier", "name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(tier__gte=1, tier__lte=4), name="feature_tier_is_1_to_4"),
        ]

    def get_absolute_url(self) -> str:
        return reverse("portal:feature-detail", args=[self.slug])


class Component(Described):
    """A part: one that belongs to a feature, or a shared one that features reach through dependencies.

    `external_names` are the names under which sources know it, each "<record kind>:<pattern>" with * and ?.
    """

    kind = models.CharField(max_length=20, choices=ComponentKind.choices)
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.PROTECT, related_name="components")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="components")
    external_names = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    url = models.URLField(blank=True)
    is_critical = models.BooleanField(default=False, db_default=False)  # a missed run of it is an incident
    freshness = models.JSONField(null=True, blank=True)  # how old its data may be, see `freshness.whole_limits`

    class Meta:
        ordering = ["kind", "name"]
        indexes = [
            models.Index(
                fields=["updated_at"],
                name="component_with_freshness",
                condition=models.Q(freshness__isnull=False),
            )
        ]


class Dependency(models.Model):
    """`consumer` needs `provider`: when the provider breaks, the consumer is touched."""

    consumer = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="needs")
    provider = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="needed_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consumer", "provider"], name="one_dependency_a_pair"),
            models.CheckConstraint(condition=~models.Q(consumer=models.F("provider")), name="no_dependency_on_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} needs {self.provider}"


class Promise(models.Model):
    """What a feature promises about one measure: at most, or at least, a value; worse than `fails_at` is down."""

    class Comparison(models.TextChoices):
        AT_MOST = "at_most", "at most"
        AT_LEAST = "at_least", "at least"

    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="promises")
    measure = models.CharField(max_length=60)  # a slug of the metric glossary
    comparison = models.CharField(max_length=8, choices=Comparison.choices)
    limit = models.FloatField(help_text="In the measure's unit.")
    fails_at = models.FloatField(null=True, blank=True, help_text="Worse than this and the feature counts as down.")
    window_minutes = models.PositiveSmallIntegerField(default=15)
    label = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["feature", "measure"]
        constraints = [models.UniqueConstraint(fields=["feature", "measure"], name="one_promise_a_measure")]

    def __str__(self) -> str:
        return f"{self.feature}: {self.measure} {self.get_comparison_display()} {self.limit:g}"
