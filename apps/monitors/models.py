"""Alerts: a rule being broken, from opened to resolved."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.urls import reverse

from apps.catalog.models import Component, Environment, Feature
from apps.monitors.status import AlertState
from apps.sources.models import Source


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
