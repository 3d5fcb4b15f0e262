"""What follows from a change request: the move in another system, and the review of a broken glass."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.prompts.models.change_requests import ChangeRequest
from apps.prompts.models.prompts import Prompt, PromptVersion
from apps.prompts.status import OPEN_PUSHES, PushState, ReviewVerdict


class LabelPush(models.Model):
    """One label move on its way into the system that owns the prompt: the outbox that `sync` empties.

    Whoever holds `claim_id` until `leased_until` may push it; `key` makes a repeated push recognisable.
    """

    class Kind(models.TextChoices):
        APPLY = "apply", "Apply"
        ROLL_BACK = "roll_back", "Roll back"
        REVERT = "revert", "Put back what was moved outside approval"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    change = models.ForeignKey(ChangeRequest, null=True, on_delete=models.CASCADE, related_name="pushes")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="pushes")
    label = models.CharField(max_length=120)
    from_version = models.ForeignKey(PromptVersion, null=True, on_delete=models.CASCADE, related_name="+")
    to_version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=PushState.choices, default=PushState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    claim_id = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "label"],
                condition=models.Q(state__in=[*OPEN_PUSHES]),
                name="one_open_push_a_label",
            )
        ]
        indexes = [
            models.Index(fields=["next_try_at", "id"], name="push_due", condition=models.Q(state__in=[*OPEN_PUSHES]))
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.label}"


class AfterReview(models.Model):
    """The review that a broken glass owes: by somebody who neither broke it nor wrote the change."""

    change = models.OneToOneField(ChangeRequest, on_delete=models.CASCADE, related_name="after_review")
    due_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=12, choices=ReviewVerdict.choices, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reviewed_at__isnull=True, reviewed_by__isnull=True, verdict="")
                | models.Q(reviewed_at__isnull=False, reviewed_by__isnull=False, verdict__in=ReviewVerdict.values)
                & ~models.Q(note=""),
                name="after_review_is_whole",
            )
        ]

    def __str__(self) -> str:
        return f"Review of {self.change}"
