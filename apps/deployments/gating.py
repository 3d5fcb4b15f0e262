"""Systems that ask before they deploy: the question, what was answered, and the outbox of answers in one."""

from __future__ import annotations

from django.db import models

from apps.connectors.gating import GateQuestion as Question
from apps.deployments.status import AnswerState
from apps.sources.models import Source


class GateQuestion(models.Model):
    """One question of one system, told apart by the id of its delivery; asked once, answered once.

    `next_try_at` is None as soon as nothing more is sent. A claim is a random id with a lease until `next_try_at`.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="gate_questions")
    delivery_id = models.CharField(max_length=200)
    repository = models.CharField(max_length=300)
    environment_name = models.CharField(max_length=120)
    callback_url = models.CharField(max_length=1000)
    installation = models.CharField(max_length=40, blank=True)
    revision = models.CharField(max_length=300, blank=True)
    reference = models.CharField(max_length=300, blank=True)
    asked_by = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=AnswerState.choices, default=AnswerState.WAITING)
    reasons = models.JSONField(default=list)  # [{"kind", "text"}] of the newest judgement
    answered_at = models.DateTimeField(null=True)
    is_told_unknown = models.BooleanField(default=False)  # it was told that nobody knows its feature
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    claim_id = models.UUIDField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "delivery_id"], name="one_question_a_delivery")]
        indexes = [
            models.Index(fields=["-asked_at", "-id"], name="gate_newest"),
            models.Index(fields=["next_try_at"], name="gate_due", condition=models.Q(next_try_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.repository} into {self.environment_name}"

    @property
    def question(self) -> Question:
        """What the connector is given."""
        return Question(
            repository=self.repository,
            environment=self.environment_name,
            callback_url=self.callback_url,
            installation=self.installation,
            revision=self.revision,
            reference=self.reference,
            asked_by=self.asked_by,
        )

    @property
    def reason_text(self) -> str:
        """Every reason in one line."""
        return " ".join(str(one["text"]) for one in self.reasons)
