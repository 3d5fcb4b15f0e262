"""Which revision was put where, when and by whom, and what runs there now."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.core.ui.formats import short_revision
from apps.deployments.status import DeploymentState
from apps.sources.models import Source


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
        return f"{self.component_name} {short_revision(self.reference)}"


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
