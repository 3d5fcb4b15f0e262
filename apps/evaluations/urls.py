"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.evaluations import views

app_name = "evaluations"
urlpatterns = [
    path("", views.run_list, name="run-list"),
    path("<int:pk>/", views.run_detail, name="run-detail"),
    path("suites/", views.suite_list, name="suite-list"),
    path("suites/<int:pk>/", views.suite_detail, name="suite-detail"),
    path("of/<int:feature_id>/", views.feature_runs, name="feature-runs"),
]
