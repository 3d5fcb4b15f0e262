"""A version on its way into the system that keeps the prompt, and what stands in its way."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from apps.prompts.models.prompts import Prompt, PromptVersion
from apps.prompts.status import OPEN_PUSHES, ConflictState, PushState


class VersionPush(models.Model):
    """What somebody wrote here for a prompt of another system: the outbox that `sync` empties.

    `base_number` is the newest version that its author knew. `marker` stands in the commit message that is sent, so
    that the poll which brings the version knows it again; `version` is it then.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="version_pushes")
    base_number = models.PositiveIntegerField()
    template = models.TextField(blank=True)
    messages = models.JSONField(default=list)
    model_config = models.JSONField(default=dict)
    response_format = models.JSONField(null=True)
    content_hash = models.CharField(max_length=64)
    commit_message = models.TextField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    marker = models.CharField(max_length=40, unique=True)
    version = models.ForeignKey(PromptVersion, null=True, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=PushState.choices, default=PushState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    claim_id = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt"], condition=models.Q(state__in=[*OPEN_PUSHES]), name="one_open_version_a_prompt"
            )
        ]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"], name="version_push_due", condition=models.Q(state__in=[*OPEN_PUSHES])
            )
        ]

    def __str__(self) -> str:
        return f"A version of {self.prompt} after v{self.base_number}"

    @property
    def variables(self) -> list[str]:
        """None are declared apart from the text; a comparison asks for them."""
        return []

    @property
    def wording(self) -> dict[str, Any]:
        """What it says, as a connector is told."""
        return {
            "template": self.template,
            "messages": tuple(self.messages),
            "model_config": self.model_config,
            "response_format": self.response_format,
        }


class PromptConflict(models.Model):
    """Both sides got a new version after the last common one: `ours` waits, `theirs` is there."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="conflicts")
    ours = models.ForeignKey(VersionPush, on_delete=models.CASCADE, related_name="conflicts")
    theirs = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=13, choices=ConflictState.choices, default=ConflictState.OPEN)
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)  # of the person, or which rule decided

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt"], condition=models.Q(state=ConflictState.OPEN), name="one_open_conflict_a_prompt"
            ),
            models.CheckConstraint(
                condition=models.Q(state=ConflictState.OPEN) | models.Q(ended_at__isnull=False) & ~models.Q(reason=""),
                name="ended_conflict_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"Conflict of {self.prompt}"
