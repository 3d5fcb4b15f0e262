"""Prompts, their immutable versions, and the labels that point at one version each."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.prompts.status import ConflictPolicy, Truth
from apps.sources.models import Source


class PromptKind(models.TextChoices):
    TEXT = "text", "Text"
    CHAT = "chat", "Chat"


class Prompt(models.Model):
    """A name under which versions are kept. `source` is empty for a prompt that the portal itself owns."""

    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.CASCADE, related_name="prompts")
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=512)
    folder = models.CharField(max_length=300, blank=True)
    kind = models.CharField(max_length=4, choices=PromptKind.choices, default=PromptKind.TEXT)
    description = models.TextField(blank=True)
    labels = models.JSONField(default=dict)
    url = models.CharField(max_length=1000, blank=True)
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="prompts")
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="prompts")
    first_seen_at = models.DateTimeField()
    last_changed_at = models.DateTimeField()
    latest_number = models.PositiveIntegerField(default=0)
    gone_at = models.DateTimeField(null=True)
    absences = models.PositiveSmallIntegerField(default=0)
    truth = models.CharField(max_length=8, choices=Truth.choices, default=Truth.UPSTREAM, db_default=Truth.UPSTREAM)
    on_conflict = models.CharField(
        max_length=8, choices=ConflictPolicy.choices, default=ConflictPolicy.PERSON, db_default=ConflictPolicy.PERSON
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="one_prompt_an_external_id", nulls_distinct=False
            )
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="prompt_by_name"),
            models.Index(fields=["-last_changed_at", "-id"], name="prompt_latest"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("prompts:prompt-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"prompt-{self.pk}"

    @property
    def pointers_text(self) -> str:
        """Where the labels of a row out of `queries.prompts` point: "production v22, staging v23"."""
        pointers: list[dict[str, Any]] = getattr(self, "pointers", [])
        return ", ".join(f"{pointer['name']} v{pointer['number']}" for pointer in pointers)


class PromptVersion(models.Model):
    """Numbered content that never changes: a trigger refuses an UPDATE of what was written."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    external_id = models.CharField(max_length=512)
    template = models.TextField(blank=True)
    messages = models.JSONField(default=list)  # [{"role": …, "content": …}]
    model_config = models.JSONField(default=dict)
    response_format = models.JSONField(null=True)
    variables = ArrayField(models.CharField(max_length=120), default=list)
    content_hash = models.CharField(max_length=64)  # SHA-256 of all of the above, canonical JSON
    commit_message = models.TextField(blank=True)
    author = models.CharField(max_length=200, blank=True)
    tags = models.JSONField(default=dict)
    snippets = ArrayField(models.CharField(max_length=512), default=list, db_default=[])  # names in {{> name}}
    written_by = models.ForeignKey(  # who wrote it here; nobody for one that a source told of
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    url = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    absences = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="one_version_a_number")]
        indexes = [
            models.Index(fields=["content_hash"], name="version_by_hash"),
            GinIndex(fields=["snippets"], name="version_by_snippet", condition=~models.Q(snippets=[])),
        ]

    def __str__(self) -> str:
        return f"{self.prompt} v{self.number}"


class PromptLabel(models.Model):
    """Where a label points now (MLflow: alias); one label a prompt and name."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="labels_now")
    name = models.CharField(max_length=120)
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="labels_now")
    environment = models.ForeignKey(Environment, null=True, on_delete=models.SET_NULL, related_name="+")
    moved_at = models.DateTimeField()
    moved_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["prompt", "name"], name="one_label_a_name")]

    def __str__(self) -> str:
        return f"{self.prompt}@{self.name}"


class LabelMove(models.Model):
    """History of a label: append-only. `to_version` empty means that the label was removed."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="moves")
    name = models.CharField(max_length=120)
    from_version = models.ForeignKey(PromptVersion, null=True, on_delete=models.CASCADE, related_name="+")
    to_version = models.ForeignKey(PromptVersion, null=True, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    actor = models.CharField(max_length=200, blank=True)
    is_rollback = models.BooleanField(default=False)
    change = models.ForeignKey(  # the request that moved it; none for a move that a source told of
        "prompts.ChangeRequest", null=True, on_delete=models.CASCADE, related_name="moves"
    )

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["change", "is_rollback"], name="one_move_and_one_return_a_change")
        ]
        indexes = [models.Index(fields=["prompt", "-at", "-id"], name="move_of_prompt")]

    def __str__(self) -> str:
        return f"{self.name} moved"


class ScanOverride(models.Model):
    """A finding of the scan that a person called a false alarm, with the reason; kept with the version."""

    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="overrides")
    kind = models.CharField(max_length=60)
    place = models.CharField(max_length=200)
    reason = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} in {self.place}"
