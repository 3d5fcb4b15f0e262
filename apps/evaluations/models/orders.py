"""Executions that the portal carries out itself: what is asked for, who works on it, what came back for each case."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.accounts.models import validate_time_zone
from apps.evaluations.models.endpoints import EvaluationEndpoint
from apps.evaluations.models.results import EvaluationRun, EvaluationSuite
from apps.evaluations.models.suites import Case, SuiteVersion
from apps.evaluations.status import OrderReason


class Order(models.Model):
    """What an execution of ours has to do, and the claim on it: a random id and a lease, as with polls.

    `messages` is the request's template ([{"role", "content"}] with {{variables}}), `parameters` goes beside it into
    the request. `due_at` is empty once the execution has ended. Only the holder of `claim_id` may write.
    """

    run = models.OneToOneField(EvaluationRun, primary_key=True, on_delete=models.CASCADE, related_name="order")
    suite_version = models.ForeignKey(SuiteVersion, on_delete=models.CASCADE, related_name="orders")
    endpoint = models.ForeignKey(EvaluationEndpoint, on_delete=models.PROTECT, related_name="orders")
    messages = models.JSONField(default=list)
    parameters = models.JSONField(default=dict)
    model = models.CharField(max_length=200)
    reason = models.CharField(max_length=10, choices=OrderReason.choices, default=OrderReason.MANUAL)
    total = models.PositiveIntegerField(default=0)  # cases
    cost_limit = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0))  # USD; 0 is none
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    due_at = models.DateTimeField(null=True, db_default=Now())
    claim_id = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    claims = models.PositiveIntegerField(default=0)  # how often a worker took it up
    cancel_asked_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="order_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["endpoint"], name="order_of_endpoint", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"order of run {self.run_id}"


class CaseResult(models.Model):
    """What came back for one case of one execution: the answer, what it cost, and its scores.

    `scores`: [{"scorer", "value", "passed", "comment"}]; empty with an `error`.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="results")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    output = models.TextField(blank=True)
    scores = models.JSONField(default=list)
    latency_ms = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=Decimal(0))  # USD, judges included
    attempts = models.PositiveSmallIntegerField(default=1)
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["order", "case"], name="one_result_a_case")]

    def __str__(self) -> str:
        return f"result of {self.case_id}"


class SuiteSchedule(models.Model):
    """When a suite is run by itself, and against what: the version that a label of a prompt points at by then."""

    suite = models.ForeignKey(EvaluationSuite, on_delete=models.CASCADE, related_name="schedules")
    subject = models.CharField(max_length=300)  # a prompt's name
    label = models.CharField(max_length=120, default="production")
    cron = models.CharField(max_length=120, default="0 3 * * *")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    is_enabled = models.BooleanField(default=True)
    due_at = models.DateTimeField()
    last_run = models.ForeignKey(EvaluationRun, null=True, on_delete=models.SET_NULL, related_name="+")
    error = models.TextField(blank=True)  # why the last time started nothing
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["subject", "label"]
        constraints = [
            models.UniqueConstraint(fields=["suite", "subject", "label"], name="one_schedule_a_suite_and_label")
        ]
        indexes = [models.Index(fields=["due_at"], name="schedule_due", condition=models.Q(is_enabled=True))]

    def __str__(self) -> str:
        return f"{self.suite} for {self.subject}@{self.label}"
