"""Named streams of numbers and their samples, partitioned by day."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.metrics import measures
from apps.metrics.measures import Measure
from apps.sources.models import Source


class SeriesKind(models.TextChoices):
    GAUGE = "gauge", "Gauge"
    COUNTER = "counter", "Counter"


class Series(models.Model):
    """One stream. `measure` names an entry of the glossary (measures.py); empty when nobody said what it means."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="series")
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=512)
    measure = models.CharField(max_length=60, blank=True)
    unit = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=8, choices=SeriesKind.choices, default=SeriesKind.GAUGE)
    labels = models.JSONField(default=dict)
    feature = models.ForeignKey(Feature, null=True, blank=True, on_delete=models.SET_NULL, related_name="series")
    component = models.ForeignKey(Component, null=True, blank=True, on_delete=models.SET_NULL, related_name="series")
    environment = models.ForeignKey(Environment, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    is_primary = models.BooleanField(default=False)  # the one that speaks for its feature and measure
    first_seen_at = models.DateTimeField()
    step_seconds = models.FloatField(null=True)  # the usual distance of its samples, from the newest batch
    first_at = models.DateTimeField(null=True)  # moves only backward
    last_at = models.DateTimeField(null=True)  # moves only forward
    rolled_until = models.DateTimeField(null=True)  # the hours before are rolled up; see services/hours.py
    last_value = models.FloatField(null=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "series"
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_series_an_external_id")]
        indexes = [
            models.Index(fields=["feature", "measure"], name="series_of_feature"),
            models.Index(fields=["feature", "measure"], name="series_primary", condition=models.Q(is_primary=True)),
            models.Index(fields=["name", "id"], name="series_by_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("metrics:series-detail", args=[self.pk])

    @property
    def entry(self) -> Measure:
        """What the glossary says of it."""
        return measures.measure(self.measure)

    @property
    def shown_unit(self) -> str:
        """The unit to show values in."""
        return self.entry.unit_for(self.unit)

    @property
    def interval(self) -> float:
        """Seconds after which news is expected: its own step or its source's interval, the longer one."""
        return max(self.step_seconds or 0.0, float(self.source.interval_seconds))


class Sample(models.Model):
    """One (at, value) of a series. The table is partitioned by day; services keep the partitions."""

    pk = models.CompositePrimaryKey("series_id", "at")
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, related_name="samples", db_constraint=False)
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        managed = False
        db_table = "metrics_sample"

    def __str__(self) -> str:
        return f"{self.value:g}"


class Budget(models.Model):
    """What a feature may cost in a calendar month, in the unit of its cost series."""

    feature = models.OneToOneField(Feature, on_delete=models.CASCADE, related_name="budget")
    amount = models.FloatField()
    unit = models.CharField(max_length=20)
    set_by = models.CharField(max_length=150)
    set_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="budget_is_positive")]

    def __str__(self) -> str:
        return f"{self.feature}: {self.amount:g} {self.unit} a month"
