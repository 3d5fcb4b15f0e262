"""Definitions of repeatable work, their executions and the steps of those, from any orchestrator."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.core.ui.status import StatusLook
from apps.pipelines.rolled import Reliability, RunDay
from apps.pipelines.status import (
    END_STATES,
    TROUBLE_STATES,
    Basis,
    DayRule,
    ExpectationKind,
    PunctualityState,
    RunState,
    Trigger,
    run_look,
)
from apps.sources.models import Source

__all__ = [
    "Expectation",
    "PauseSpan",
    "Pipeline",
    "Punctuality",
    "Reliability",
    "Run",
    "RunDay",
    "TaskRun",
]


class Pipeline(models.Model):
    """One flow, DAG, job or workflow. The `last_*` columns follow its newest due run, so lists never search history."""

    # Every run rewrites its pipeline's row, and each index of the table makes that dearer: only what pages look up by.
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="pipelines", db_index=False)
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=512)
    description = models.TextField(blank=True)
    vendor_kind = models.CharField(max_length=40, blank=True)
    schedule = models.CharField(max_length=200, blank=True)
    is_paused = models.BooleanField(default=False)
    url = models.CharField(max_length=1000, blank=True)
    labels = models.JSONField(default=dict)
    component = models.ForeignKey(
        Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="pipelines", db_index=False
    )
    feature = models.ForeignKey(
        Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="pipelines", db_index=False
    )
    environment = models.ForeignKey(
        Environment, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    first_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)  # absent from two complete listings
    absences = models.PositiveSmallIntegerField(default=0)
    active_at = models.DateTimeField()  # of the newest run, else when it was first seen: the order of lists
    last_run_id = models.BigIntegerField(null=True)
    last_run_at = models.DateTimeField(null=True)
    last_state = models.CharField(max_length=12, choices=RunState.choices, blank=True)
    last_succeeded_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    data_as_of = models.DateTimeField(
        null=True
    )  # up to when what it made goes, see `marks`; backfills never move it on
    data_failed_as_of = models.DateTimeField(null=True)  # the same of the newest that failed, had it succeeded
    data_failed_at = models.DateTimeField(null=True)
    alerted_at = models.DateTimeField(null=True)  # when an alert about its component was last opened

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_pipeline_an_external_id")]
        indexes = [
            models.Index(fields=["-active_at", "-id"], name="pipeline_latest"),
            models.Index(fields=["name", "id"], name="pipeline_by_name"),
            models.Index(
                fields=["component"], name="pipeline_of_component", condition=models.Q(component__isnull=False)
            ),
            models.Index(fields=["feature"], name="pipeline_of_feature", condition=models.Q(feature__isnull=False)),
            models.Index(
                fields=["-last_run_at"],
                name="pipeline_failing",
                condition=models.Q(last_state__in=["failed", "crashed"], gone_at=None, is_paused=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("pipelines:pipeline-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"pipeline-{self.pk}"

    @property
    def on_time(self) -> Punctuality | None:
        """Its judgement, of a row that was read with it; None before the first sweep."""
        judged: Punctuality | None = getattr(self, "punctuality", None)
        return judged

    @property
    def has_old_data(self) -> bool:
        """Whether the newest of its runs that were to bring newer data failed."""
        failed, good = self.data_failed_as_of, self.data_as_of
        return failed is not None and (good is None or failed > good)

    @property
    def strip(self) -> list[StatusLook]:
        """How the newest runs of a row out of `queries.pipelines` look, oldest first."""
        return [run_look(run["state"], run["attempts"]) for run in reversed(self.recent_runs)]

    @property
    def strip_text(self) -> str:
        """The same in words: "8 passed, 2 failed"."""
        counts = Counter(look.label.lower() for look in self.strip)
        return ", ".join(f"{number} {word}" for word, number in counts.most_common()) or "no runs yet"

    @property
    def last_took(self) -> timedelta | None:
        """How long the last run took; None while it has not ended."""
        last = next((run for run in self.recent_runs if run["id"] == self.last_run_id), {})
        started_at, finished_at = last.get("started_at"), last.get("finished_at")
        if not started_at or not finished_at:
            return None
        return datetime.fromisoformat(finished_at) - datetime.fromisoformat(started_at)

    @property
    def recent_runs(self) -> list[dict[str, Any]]:
        """The facts of the newest runs of a row out of `queries.pipelines`, newest first."""
        found: list[dict[str, Any]] = orjson.loads(getattr(self, "recent", "[]"))
        return found


class Run(models.Model):
    """One execution. `at` is when it started, else when it was due, else when it was first seen: the order of lists.

    `upstream_at` orders news about the run: an upsert with an older one changes nothing.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs", db_index=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="runs", db_index=False)
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=512)
    state = models.CharField(max_length=12, choices=RunState.choices)
    raw_state = models.CharField(max_length=80)
    at = models.DateTimeField()
    scheduled_for = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    trigger = models.CharField(max_length=10, choices=Trigger.choices, default=Trigger.UNKNOWN)
    triggered_by = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict)
    revision = models.CharField(max_length=200, blank=True)
    partition_key = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=1)
    rows_in = models.BigIntegerField(null=True)
    rows_out = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    url = models.CharField(max_length=1000, blank=True)
    labels = models.JSONField(default=dict)
    upstream_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    absences = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_run_an_external_id")]
        indexes = [
            models.Index(
                fields=["pipeline", "-at", "-id"],
                include=["state", "started_at", "finished_at", "attempts"],
                name="run_of_pipeline",
            ),
            models.Index(fields=["-at", "-id"], name="run_newest"),
            models.Index(fields=["-at", "-id"], name="run_failed", condition=models.Q(state__in=["failed", "crashed"])),
            models.Index(fields=["-at", "-id"], name="run_open", condition=models.Q(state__in=["queued", "running"])),
            models.Index(
                fields=["-at", "-id"],
                name="run_rare",
                condition=models.Q(state__in=["cancelled", "skipped", "unknown"]),
            ),
            models.Index(fields=["source", "-at", "-id"], name="run_of_source"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("pipelines:run-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"run-{self.pk}"

    @property
    def look(self) -> StatusLook:
        """The badge; a success at a later attempt says so."""
        return run_look(self.state, self.attempts)

    @property
    def version(self) -> str:
        """Changes whenever the run does; a page tells it to ask for news only."""
        return f"{self.state}-{self.attempts}-{self.upstream_at.timestamp():.6f}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.state in END_STATES

    @property
    def took(self) -> timedelta | None:
        """From start to end; None while it has not ended."""
        return self.finished_at - self.started_at if self.started_at and self.finished_at else None


class TaskRun(models.Model):
    """One step of one run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="task_runs", db_index=False)
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=512)
    state = models.CharField(max_length=12, choices=RunState.choices)
    raw_state = models.CharField(max_length=80)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=1)
    position = models.PositiveIntegerField(default=0)
    upstream = ArrayField(models.CharField(max_length=512), default=list)
    error = models.TextField(blank=True)
    url = models.CharField(max_length=1000, blank=True)
    upstream_at = models.DateTimeField()

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "external_id"], name="one_task_run_an_external_id")]
        indexes = [models.Index(fields=["run"], name="task_run_retried", condition=models.Q(attempts__gt=1))]

    def __str__(self) -> str:
        return self.name


class Expectation(models.Model):
    """What people expect of a pipeline; without a row its own schedule is. A kind leaves the columns of others.

    Times are local to `zone`. A run may take as long as it likes when nothing is learned and `longest_seconds` is None.
    `is_muted`: judged and shown, but it opens no alert and the health of features does not feel it.
    """

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="expectation")
    kind = models.CharField(max_length=10, choices=ExpectationKind.choices, default=ExpectationKind.SCHEDULE)
    cron = models.CharField(max_length=100, blank=True)
    every_seconds = models.PositiveIntegerField(null=True, blank=True)
    day_rule = models.CharField(max_length=14, choices=DayRule.choices, default=DayRule.DAILY)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # 0 is Monday
    nth = models.SmallIntegerField(default=1)  # of the month; -1 is the last
    country = models.CharField(max_length=10, blank=True)
    at_time = models.TimeField(null=True, blank=True)
    zone = models.CharField(max_length=64, default="UTC")
    upstream = models.ForeignKey(Pipeline, null=True, blank=True, on_delete=models.CASCADE, related_name="followers")
    within_seconds = models.PositiveIntegerField(null=True, blank=True)
    grace_seconds = models.PositiveIntegerField(default=900)
    longest_seconds = models.PositiveIntegerField(null=True, blank=True)
    is_longest_learned = models.BooleanField(default=True)
    is_muted = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"what is expected of {self.pipeline}"


class Punctuality(models.Model):
    """What the machine says about a pipeline's runs being in time. No state: nothing is expected, `reason` says why.

    `judge_at`: when to judge again; None when nothing but news can change it. `troubled_at`: when it last got into
    trouble, kept through silence until it is good again. `expected_from`: since when `expected` has stood.
    """

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="punctuality")
    state = models.CharField(max_length=12, choices=PunctualityState.choices, blank=True)
    since = models.DateTimeField(null=True)
    sentence = models.TextField(blank=True)
    basis = models.CharField(max_length=8, choices=Basis.choices, blank=True)
    expected = models.TextField(blank=True)  # in words
    reason = models.TextField(blank=True)
    expected_from = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    next_due_at = models.DateTimeField(null=True)
    troubled_at = models.DateTimeField(null=True)
    longest_seconds = models.PositiveIntegerField(null=True)  # learned
    learned_at = models.DateTimeField(null=True)
    judge_at = models.DateTimeField(null=True)
    judged_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "punctuality"
        indexes = [
            models.Index(fields=["judge_at"], name="punctuality_due", condition=models.Q(judge_at__isnull=False)),
            models.Index(
                fields=["state"],
                name="punctuality_trouble",
                condition=models.Q(state__in=["late", "missed", "running_long"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state or 'nothing expected'}: {self.pipeline_id}"

    @property
    def needs_words(self) -> bool:
        """Whether a badge alone does not say enough."""
        return self.state in TROUBLE_STATES or self.state == PunctualityState.UNKNOWN


class PauseSpan(models.Model):
    """From when to when a pipeline was paused, as far as its source told; the open one has no end."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="pauses")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["pipeline"], condition=models.Q(ended_at__isnull=True), name="one_open_pause_a_pipeline"
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at} – {self.ended_at or 'now'}"
