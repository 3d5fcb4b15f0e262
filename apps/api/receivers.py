"""Addresses for systems that speak a standard: OpenTelemetry, Prometheus, CloudEvents, Alertmanager, webhooks."""

from __future__ import annotations

from django.urls import path

from apps.api import announcements, hooks, otlp, remote_write

app_name = "receivers"
urlpatterns = [
    path("otlp/<slug:slug>/v1/metrics", otlp.metrics, name="otlp-metrics"),
    path("prometheus/<slug:slug>/write", remote_write.write, name="remote-write"),
    path("events/<slug:slug>", announcements.events, name="cloud-events"),
    path("sources/<slug:slug>/alertmanager", announcements.alertmanager, name="alertmanager"),
    path("hooks/<slug:slug>", hooks.hook, name="hook"),
]
