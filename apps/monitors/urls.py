"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.monitors.views import alerts, monitors, rollouts, slos

app_name = "monitors"
urlpatterns = [
    path("", alerts.alert_list, name="alert-list"),
    path("open/", alerts.open_alerts, name="open-alerts"),
    path("<int:pk>/", alerts.alert_detail, name="alert-detail"),
    path("<int:pk>/status/", alerts.alert_status, name="alert-status"),
    path("<int:pk>/acknowledge/", alerts.alert_acknowledge, name="alert-acknowledge"),
    path("of/<int:feature_id>/", alerts.feature_alerts, name="feature-alerts"),
    path("monitors/", monitors.monitor_list, name="monitor-list"),
    path("monitors/new/", monitors.monitor_create, name="monitor-create"),
    path("monitors/<int:pk>/", monitors.monitor_detail, name="monitor-detail"),
    path("monitors/<int:pk>/edit/", monitors.monitor_edit, name="monitor-edit"),
    path("monitors/<int:pk>/switch/", monitors.monitor_switch, name="monitor-switch"),
    path("monitors/<int:pk>/mute/", monitors.monitor_mute, name="monitor-mute"),
    path("monitors/<int:pk>/remove/", monitors.monitor_remove, name="monitor-remove"),
    path("mutes/<int:pk>/lift/", monitors.mute_lift, name="mute-lift"),
    path("tries/<int:pk>/", monitors.backtest, name="backtest"),
    path("rollouts/<int:pk>/", rollouts.rollout_change, name="rollout-change"),
    path("objectives/", slos.slo_list, name="slo-list"),
    path("objectives/new/", slos.slo_create, name="slo-create"),
    path("objectives/<int:pk>/", slos.slo_detail, name="slo-detail"),
    path("objectives/<int:pk>/edit/", slos.slo_change, name="slo-change"),
    path("objectives/<int:pk>/correct/", slos.slo_correct, name="slo-correct"),
    path("objectives/<int:pk>/remove/", slos.slo_remove, name="slo-remove"),
]
