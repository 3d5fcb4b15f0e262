"""What watches a rollout: apart from the rollout itself, so that counting a soak drops no answer that is kept."""

from __future__ import annotations

from datetime import datetime

from django.core.validators import MaxValueValidator
from django.db import models

from apps.prompts.guarding import Judgement, healthy_seconds, obstacle
from apps.prompts.models.serving import LabelRollout
from apps.prompts.status import GuardHealth, GuardKind, OnAlert, RolloutState

LONGEST_SOAK = 7 * 24 * 60  # minutes


class RolloutWatch(models.Model):
    """How a rollout is guarded. `healthy` seconds of the current step are counted up to `counted_at`.

    `stopped_percent` is the share that it had when an alert returned it.
    """

    rollout = models.OneToOneField(LabelRollout, primary_key=True, on_delete=models.CASCADE, related_name="watch")
    state = models.CharField(max_length=8, choices=RolloutState.choices, default=RolloutState.RUNNING)
    on_alert = models.CharField(max_length=6, choices=OnAlert.choices, default=OnAlert.RETURN)
    soak_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(LONGEST_SOAK)])
    healthy = models.FloatField(default=0)
    counted_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    stopped_why = models.TextField(blank=True)
    stopped_percent = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state=RolloutState.RUNNING)
                | models.Q(stopped_at__isnull=False) & ~models.Q(stopped_why=""),
                name="stopped_rollout_says_why",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rollout}: {self.state}"

    def healthy_at(self, at: datetime) -> float:
        """Seconds of the current step in which every guard was healthy."""
        judged = [one.judgement for one in self.guards.all()]
        return healthy_seconds(before=self.healthy, since=self.counted_at, judgements=judged, at=at)

    def obstacle_at(self, at: datetime) -> str:
        """Why it may not grow now, in a sentence; "" when it may."""
        judged = [one.judgement for one in self.guards.all()]
        return obstacle(judgements=judged, healthy=self.healthy_at(at), soak=60.0 * self.soak_minutes, at=at)


class RolloutGuard(models.Model):
    """A monitor or an objective, by its number, and what it said last; `monitors` keeps that up."""

    watch = models.ForeignKey(RolloutWatch, on_delete=models.CASCADE, related_name="guards")
    kind = models.CharField(max_length=9, choices=GuardKind.choices)
    number = models.BigIntegerField()
    name = models.CharField(max_length=120)
    health = models.CharField(max_length=9, choices=GuardHealth.choices, default=GuardHealth.UNKNOWN)
    why = models.TextField(blank=True)
    judged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["watch", "kind", "number"], name="one_guard_a_rollout")]
        indexes = [models.Index(fields=["kind", "number"], name="guard_by_number")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """How forms and the API name it: "monitor:7"."""
        return f"{self.kind}:{self.number}"

    @property
    def judgement(self) -> Judgement:
        """What it said, for the rules."""
        return Judgement(name=self.name, health=self.health, why=self.why, at=self.judged_at)
