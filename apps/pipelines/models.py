"""Definitions of repeatable work, their executions and the steps of those, from any orchestrator."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.core.ui.status import StatusLook
from apps.pipelines.status import END_STATES, RunState, Trigger, run_look
from apps.sources.models import Source


class Pipeline(models.Model):
    """One flow, DAG, job or workflow. The `last_*` columns follow its newest due run, so lists never search history."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="pipelines")
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=512)
    description = models.TextField(blank=True)
    vendor_kind = models.CharField(max_length=40, blank=True)
    schedule = models.CharField(max_length=200, blank=True)
    is_paused = models.BooleanField(default=False)
    url = models.CharField(max_length=1000, blank=True)
    labels = models.JSONField(default=dict)
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="pipelines")
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="pipelines")
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    first_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)  # absent from two complete listings
    absences = models.PositiveSmallIntegerField(default=0)
    active_at = models.DateTimeField()  # of the newest run, else when it was first seen: the order of lists
    last_run_id = models.BigIntegerField(null=True)
    last_run_at = models.DateTimeField(null=True)
    last_state = models.CharField(max_length=12, choices=RunState.choices, blank=True)
    last_succeeded_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_pipeline_an_external_id")]
        indexes = [
            models.Index(fields=["-active_at", "-id"], name="pipeline_latest"),
            models.Index(fields=["name", "id"], name="pipeline_by_name"),
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

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="runs")
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

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="task_runs")
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

    def __str__(self) -> str:
        return self.name
