"""Monitors and objectives that people set, what the machine knows of them, and alerts: a rule being broken."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.metrics.models import Series
from apps.monitors import recurring
from apps.monitors.rules import KINDS, Kind
from apps.monitors.status import AlertState, BacktestState, MonitorState, SloState
from apps.pipelines.models import Pipeline
from apps.sources.models import Source


class Monitor(models.Model):
    """A rule on one series. `parameters` are those of its kind; see rules/kinds.py."""

    name = models.CharField(max_length=120)
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="monitors")
    kind = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    severity = models.CharField(max_length=40, default="warning")
    renotify_minutes = models.PositiveIntegerField(default=0)  # 0: told once
    is_enabled = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False, editable=False)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("monitors:monitor-detail", args=[self.pk])

    @property
    def rule(self) -> Kind | None:
        """What its kind is, None for one that nobody knows (any more)."""
        return KINDS.get(self.kind)

    @property
    def kind_label(self) -> str:
        """The kind in words."""
        return self.rule.label if self.rule else self.kind

    @property
    def unit(self) -> str:
        """Of the value that it compares."""
        return (self.rule.unit if self.rule else "") or self.series.shown_unit

    @property
    def settings(self) -> list[tuple[str, object]]:
        """The parameters in words, in the order of the form."""
        known = self.rule.parameters if self.rule else ()
        given = [(one, self.parameters.get(one.name)) for one in known]
        return [(one.label, dict(one.choices).get(str(value), value)) for one, value in given if value is not None]

    @property
    def topic(self) -> str:
        """The live topic of its page."""
        return f"monitor-{self.pk}"


class MonitorCondition(models.Model):
    """What the machine knows of a monitor. `memory` goes on from `seen_until`; see rules."""

    monitor = models.OneToOneField(Monitor, primary_key=True, on_delete=models.CASCADE, related_name="condition")
    state = models.CharField(max_length=14, choices=MonitorState.choices, default=MonitorState.NOT_EVALUATED)
    value = models.FloatField(null=True)
    why = models.TextField(blank=True)
    due_at = models.DateTimeField()
    evaluated_at = models.DateTimeField(null=True)
    seen_until = models.DateTimeField(null=True)  # samples up to here are in `memory`
    memory = models.BinaryField(default=bytes)
    memory_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="monitor_due")]

    def __str__(self) -> str:
        return f"{self.monitor_id}: {self.state}"


class Silencing(models.Model):
    """Planned work or a known fault: a monitor, or all of a feature, opens no alert in this time."""

    monitor = models.ForeignKey(Monitor, null=True, blank=True, on_delete=models.CASCADE, related_name="silencings")
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # Cron in `zone`: windows of so many minutes that begin between the two times; "" for one from start to end.
    schedule = models.CharField(max_length=100, blank=True, db_default="")
    minutes = models.PositiveIntegerField(null=True, blank=True)
    zone = models.CharField(max_length=60, db_default="UTC", default="UTC")
    reason = models.TextField()
    created_by = models.CharField(max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="silencing_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=models.Q(monitor__isnull=False) | models.Q(feature__isnull=False),
                name="silencing_is_of_something",
            ),
            models.CheckConstraint(
                condition=models.Q(schedule="") | models.Q(minutes__gt=0), name="silencing_that_repeats_has_a_length"
            ),
        ]

    def __str__(self) -> str:
        return self.reason[:80]

    @property
    def length(self) -> timedelta:
        """Of one window."""
        return timedelta(minutes=self.minutes) if self.minutes else self.ends_at - self.starts_at

    def holds(self, at: datetime) -> bool:
        """Whether it keeps quiet at a time."""
        if self.lifted_at or not self.starts_at <= at < self.ends_at:
            return False
        if not self.schedule:
            return True
        return recurring.window_at(cron=self.schedule, zone=self.zone, length=self.length, at=at) is not None


class Backtest(models.Model):
    """A monitor that was tried on the past before anybody saved it. What is queued is due."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    days = models.PositiveSmallIntegerField(default=30)
    state = models.CharField(max_length=8, choices=BacktestState.choices, default=BacktestState.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0)  # percent
    samples = models.PositiveIntegerField(default=0)
    episodes = models.JSONField(default=list)  # {"start", "end", "value", "why"}, seconds
    problem = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="backtest_queued", condition=models.Q(state="queued")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.series_id}"

    @property
    def topic(self) -> str:
        """The live topic of its result."""
        return f"backtest-{self.pk}"

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in (BacktestState.DONE, BacktestState.FAILED)


class Slo(models.Model):
    """An objective over so many days: so many percent of samples on the good side of a limit, of events that are
    good, or of minutes in which a pipeline is in time.

    `good_series` and `total_series` count events, as counters or as so many a sample.
    """

    name = models.CharField(max_length=120)
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="slos")
    series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.CASCADE, related_name="slos")
    limit = models.FloatField(null=True, blank=True)
    is_bad_above = models.BooleanField(default=True)
    pipeline = models.ForeignKey(Pipeline, null=True, blank=True, on_delete=models.CASCADE, related_name="slos")
    good_series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    total_series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    objective = models.FloatField()  # percent
    days = models.PositiveSmallIntegerField(default=28)
    is_demo = models.BooleanField(default=False, editable=False)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=SloState.choices, default=SloState.NOT_MEASURED)
    good = models.FloatField(default=0)
    total = models.FloatField(default=0)
    budget_left = models.FloatField(null=True)  # 1 untouched, below 0 overdrawn
    burn_hour = models.FloatField(null=True)
    burn_day = models.FloatField(null=True)
    measured_at = models.DateTimeField(null=True)
    rolled_until = models.DateTimeField(null=True)  # hours before are in `SloHour`

    class Meta:
        ordering = ["budget_left", "name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(objective__gt=0, objective__lt=100), name="slo_objective_is_a_share"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    series__isnull=False,
                    limit__isnull=False,
                    pipeline__isnull=True,
                    good_series__isnull=True,
                    total_series__isnull=True,
                )
                | models.Q(
                    series__isnull=True, pipeline__isnull=False, good_series__isnull=True, total_series__isnull=True
                )
                | models.Q(
                    series__isnull=True, pipeline__isnull=True, good_series__isnull=False, total_series__isnull=False
                ),
                name="slo_watches_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("monitors:slo-detail", args=[self.pk])

    @property
    def share(self) -> float | None:
        """Good ÷ all, None while nothing was measured."""
        return self.good / self.total if self.total else None


class SloHour(models.Model):
    """What one hour held; hours that are over do not change."""

    slo = models.ForeignKey(Slo, on_delete=models.CASCADE, related_name="hours")
    at = models.DateTimeField()
    good = models.FloatField()
    total = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slo", "at"], name="one_row_an_hour_of_an_slo")]

    def __str__(self) -> str:
        return f"{self.slo_id} {self.at}"


class SloCorrection(models.Model):
    """A stretch that does not count, and why."""

    slo = models.ForeignKey(Slo, on_delete=models.CASCADE, related_name="corrections")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField()
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="slo_correction_ends_after_it_starts"
            )
        ]

    def __str__(self) -> str:
        return self.reason[:80]


class Alert(models.Model):
    """One episode of one alert of one source; the same fingerprint may open again later as a new row."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="alerts")
    external_id = models.CharField(max_length=512)  # fingerprint of the label set
    name = models.CharField(max_length=300)
    state = models.CharField(max_length=8, choices=AlertState.choices)
    severity = models.CharField(max_length=40, blank=True)
    summary = models.TextField(blank=True)
    labels = models.JSONField(default=dict)
    url = models.CharField(max_length=1000, blank=True)
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts")
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts")
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    is_own = models.BooleanField(default=False, db_default=False)  # the portal's judgement, no word of the source
    last_seen_at = models.DateTimeField()  # of the last news that changed something
    monitor = models.ForeignKey(Monitor, null=True, on_delete=models.SET_NULL, related_name="alerts")
    inputs = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField())
    )  # the rule and what it saw when it opened
    told_at = models.DateTimeField(null=True)  # of the last reminder
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True, db_default="")
    note = models.TextField(blank=True, db_default="")

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=models.Q(resolved_at__isnull=True),
                name="one_open_alert_a_fingerprint",
            )
        ]
        indexes = [
            models.Index(
                fields=["external_id"], name="alert_open_own", condition=models.Q(is_own=True, resolved_at__isnull=True)
            ),
            models.Index(fields=["-opened_at", "-id"], name="alert_newest"),
            models.Index(fields=["feature", "-opened_at", "-id"], name="alert_of_feature"),
            models.Index(fields=["source", "external_id", "-opened_at", "-id"], name="alert_episodes"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("monitors:alert-detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """The live topic of its pages."""
        return f"alert-{self.pk}"

    @property
    def lasted(self) -> timedelta | None:
        """From opened to resolved; None while it is open."""
        return self.resolved_at - self.opened_at if self.resolved_at else None
