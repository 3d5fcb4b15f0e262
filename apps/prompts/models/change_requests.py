"""Change requests: the proposal to move a label, its revisions, what reviewers said, and the conversation."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from apps.evaluations.status import GateState
from apps.prompts.models.prompts import Prompt, PromptVersion
from apps.prompts.status import OPEN, ChangeState, Decision


class ChangeRequest(models.Model):
    """A proposal to move one label of a prompt. Triggers keep `status.MOVES` and count the votes again.

    What it needs (`minimum_approvals` to `vote_days`, `gate`) is copied from the policy when it is sent for review.
    `revision` is what counts now; `broken_revision` the one that went out, or may, without approval.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="changes")
    label = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=18, choices=ChangeState.choices, default=ChangeState.DRAFT)
    revision = models.ForeignKey(
        "prompts.ChangeRevision", null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="reviews")
    minimum_approvals = models.PositiveSmallIntegerField(default=1)
    required_team_ids = ArrayField(models.BigIntegerField(), default=list)
    vote_days = models.PositiveSmallIntegerField(default=7)
    respects_freezes = models.BooleanField(default=True)
    gate = models.JSONField(default=list)
    gate_state = models.CharField(max_length=12, choices=GateState.choices, default=GateState.NOT_REQUIRED)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    apply_at = models.DateTimeField(null=True)
    apply_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    applied_at = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)  # why it could not be applied, in a sentence
    broken_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    broken_at = models.DateTimeField(null=True)
    broken_reason = models.TextField(blank=True)
    broken_revision = models.ForeignKey(
        "prompts.ChangeRevision", null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    rolled_back_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    rolled_back_at = models.DateTimeField(null=True)
    rollback_reason = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "label"],
                condition=models.Q(state__in=sorted(OPEN)),
                name="one_open_change_a_label",
            ),
            models.CheckConstraint(
                condition=models.Q(broken_by__isnull=True, broken_revision__isnull=True)
                | models.Q(broken_by__isnull=False, broken_at__isnull=False, broken_revision__isnull=False)
                & ~models.Q(broken_reason=""),
                name="broken_glass_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=ChangeState.ROLLED_BACK)
                | models.Q(rolled_back_by__isnull=False) & ~models.Q(rollback_reason=""),
                name="rollback_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[ChangeState.APPROVED, ChangeState.APPLIED])
                | models.Q(gate_state__in=[GateState.PASSED, GateState.NOT_REQUIRED])
                | models.Q(broken_revision__isnull=False, broken_revision=models.F("revision")),  # NULL would pass
                name="approved_change_has_passed_its_gate",
            ),
        ]
        indexes = [
            models.Index(fields=["-changed_at", "-id"], name="change_newest"),
            models.Index(fields=["prompt", "-created_at"], name="change_of_prompt"),
            models.Index(fields=["state", "-changed_at", "-id"], name="change_of_state"),
            models.Index(
                fields=["apply_at"],
                name="change_due",
                condition=models.Q(state=ChangeState.APPROVED, apply_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("prompts:change-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"change-{self.pk}"

    @property
    def current(self) -> ChangeRevision:
        """The revision that counts now; a request has one from its first moment."""
        assert self.revision is not None
        return self.revision

    @property
    def is_broken_glass(self) -> bool:
        """Whether the current revision went, or may go, out without approval."""
        return self.broken_revision_id is not None and self.broken_revision_id == self.revision_id


class ChangeRevision(models.Model):
    """What exactly is proposed: never changes; every edit makes another one. Whoever wrote any of them is an author.

    `base` is where the label pointed; the hash covers prompt, label, base, version with its content, and the reason.
    """

    change = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="+")
    base = models.ForeignKey(PromptVersion, null=True, on_delete=models.CASCADE, related_name="+")
    reason = models.TextField()
    content_hash = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["change", "number"], name="one_revision_a_number")]

    def __str__(self) -> str:
        return f"{self.change} (revision {self.number})"


class Vote(models.Model):
    """What one reviewer said of one revision: append-only, with the hash of what was on the reviewer's screen."""

    change = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="votes")
    revision = models.ForeignKey(ChangeRevision, on_delete=models.CASCADE, related_name="votes")
    content_hash = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=16, choices=Decision.choices)
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["revision", "user", "decision"], name="one_vote_a_reviewer_and_revision")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.decision}"


class Comment(models.Model):
    """A remark on a request, pinned to lines of the text or the settings where `part` is set; answers have a parent."""

    class Part(models.TextChoices):
        GENERAL = "", "The whole change"
        TEXT = "Text", "Text"
        VARIABLES = "Variables", "Variables"
        SETTINGS = "Settings", "Settings"

    change = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="comments")
    revision = models.ForeignKey(ChangeRevision, on_delete=models.CASCADE, related_name="+")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="answers")
    part = models.CharField(max_length=10, choices=Part.choices, blank=True)
    first_line = models.PositiveIntegerField(null=True)  # of the proposed version, counted from 1
    last_line = models.PositiveIntegerField(null=True)
    quote = models.TextField(blank=True)  # the words that stood there
    body = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(part="", first_line__isnull=True, last_line__isnull=True)
                | models.Q(first_line__gte=1, last_line__gte=models.F("first_line")) & ~models.Q(part=""),
                name="comment_has_a_whole_range",
            )
        ]

    def __str__(self) -> str:
        return self.body[:80]

    @property
    def lines(self) -> int:
        """How many lines it speaks of; 0 for the whole change."""
        return (self.last_line or 0) - (self.first_line or 1) + 1
