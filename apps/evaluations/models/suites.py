"""Suites that the portal runs itself: their cases and scorers, version by version."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.evaluations.gating import SAFETY
from apps.evaluations.models.endpoints import EvaluationEndpoint
from apps.evaluations.models.results import EvaluationSuite


class SuiteSetup(models.Model):
    """What people decide about a suite of ours; without this row a suite is one that a source told of."""

    suite = models.OneToOneField(EvaluationSuite, primary_key=True, on_delete=models.CASCADE, related_name="setup")
    description = models.TextField(blank=True)
    endpoint = models.ForeignKey(
        EvaluationEndpoint, null=True, blank=True, on_delete=models.PROTECT, related_name="suites"
    )
    version = models.PositiveIntegerField(default=0)  # the newest; 0 before the first cases

    def __str__(self) -> str:
        return f"setup of {self.suite_id}"


class SuiteVersion(models.Model):
    """One state of the cases and scorers; never changes, so that old executions keep theirs.

    `scorers`: [{"name", "kind", "options"}]; `judge` names the judging model and its prompt, "" without a judge.
    """

    suite = models.ForeignKey(EvaluationSuite, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    scorers = models.JSONField(default=list)
    judge = models.CharField(max_length=200, blank=True)
    cases = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=150, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["suite", "number"], name="one_suite_version_a_number")]

    def __str__(self) -> str:
        return f"{self.suite} v{self.number}"


class Case(models.Model):
    """One input with what is expected of the answer; it belongs to the versions from `since` to before `until`.

    What was written never changes: another text is another row.
    """

    suite = models.ForeignKey(EvaluationSuite, on_delete=models.CASCADE, related_name="cases")
    key = models.CharField(max_length=120)
    inputs = models.JSONField(default=dict)  # variable -> text
    expected = models.JSONField(null=True)
    weight = models.FloatField(default=1.0)
    tags = ArrayField(models.CharField(max_length=60), default=list)
    origin = models.CharField(max_length=300, blank=True)  # where it comes from: "incident 12", "import"
    since = models.PositiveIntegerField()
    until = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(
                fields=["suite", "key"], condition=models.Q(until__isnull=True), name="one_case_a_key_now"
            ),
            models.UniqueConstraint(fields=["suite", "key", "since"], name="one_case_a_key_and_version"),
            models.CheckConstraint(condition=models.Q(weight__gt=0), name="case_weighs_something"),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gt=models.F("since")),
                name="case_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_safety(self) -> bool:
        """Whether it must pass by itself."""
        return SAFETY in self.tags
