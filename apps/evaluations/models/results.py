"""Named suites, their executions against one version of something, and the numbers that came out."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.evaluations.status import EvaluationState, Verdict, verdict_of
from apps.sources.models import Source


class EvaluationSuite(models.Model):
    """A named set of cases and scorers, as its source calls it."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="evaluation_suites")
    name = models.CharField(max_length=300)
    component = models.ForeignKey(
        Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="evaluation_suites"
    )
    feature = models.ForeignKey(
        Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="evaluation_suites"
    )
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["source", "name"], name="one_suite_a_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("evaluations:suite-detail", args=[self.pk])

    @property
    def is_ours(self) -> bool:
        """Whether the portal runs it itself; `select_related("setup")` spares a question."""
        return hasattr(self, "setup")

    @property
    def version(self) -> int:
        """The newest version of its cases; 0 for a suite that a source told of, which has none."""
        return self.setup.version if self.is_ours else 0


class EvaluationRun(models.Model):
    """One execution of a suite. `summary`: scorer -> {mean, count, passed, failed}, over all its scores."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="evaluation_runs")
    external_id = models.CharField(max_length=512)
    suite = models.ForeignKey(EvaluationSuite, on_delete=models.CASCADE, related_name="runs")
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    feature = models.ForeignKey(
        Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="evaluation_runs"
    )
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    subject = models.CharField(max_length=300, blank=True)  # a prompt's or component's name; they lie above
    version = models.CharField(max_length=120, blank=True)
    revision = models.CharField(max_length=200, blank=True)
    judge = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=12, choices=EvaluationState.choices)
    raw_state = models.CharField(max_length=80)
    at = models.DateTimeField()  # when it started, else ended, else was first heard of
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    passed = models.PositiveIntegerField(default=0)  # scores with that verdict, weighted by their counts
    failed = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict)
    scores_digest = models.CharField(max_length=64, blank=True)  # changed scores are news
    url = models.CharField(max_length=1000, blank=True)
    labels = models.JSONField(default=dict)
    upstream_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_evaluation_an_external_id")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="evaluation_newest"),
            models.Index(fields=["suite", "-at", "-id"], name="evaluation_of_suite"),
            models.Index(fields=["feature", "-at", "-id"], name="evaluation_of_feature"),
            models.Index(fields=["subject", "version", "-at"], name="evaluation_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.suite}: {self.what}" if self.what else str(self.suite)

    def get_absolute_url(self) -> str:
        return reverse("evaluations:run-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"evaluation-{self.pk}"

    @property
    def is_ours(self) -> bool:
        """Whether the portal carries it out itself; `select_related("order")` spares a question."""
        return hasattr(self, "order")

    @property
    def suite_version(self) -> int:
        """Which cases it was run with; 0 for an execution that a source told of."""
        return self.order.suite_version.number if self.is_ours else 0

    @property
    def what(self) -> str:
        """What was evaluated: "checkout-assistant 7"."""
        return f"{self.subject} {self.version or self.revision[:12]}".strip()

    @property
    def verdict(self) -> Verdict:
        """What its scores say together."""
        return verdict_of(passed=self.passed, failed=self.failed)

    @property
    def took(self) -> timedelta | None:
        """From start to end; None while either is unknown."""
        if self.started_at is None or self.finished_at is None or self.finished_at < self.started_at:
            return None
        return self.finished_at - self.started_at


class Score(models.Model):
    """One number of one execution; `case` is "" for a number that speaks of all cases."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="scores")
    scorer = models.CharField(max_length=200)
    case = models.CharField(max_length=300, blank=True)
    value = models.FloatField()
    is_passed = models.BooleanField(null=True)
    count = models.PositiveIntegerField(default=1)
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["scorer", "case"]
        constraints = [models.UniqueConstraint(fields=["run", "scorer", "case"], name="one_score_a_scorer_and_case")]

    def __str__(self) -> str:
        return f"{self.scorer} {self.value:g}"
