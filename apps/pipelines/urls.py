"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.pipelines.views import lists, pipelines, punctuality, reliability, runs

app_name = "pipelines"
urlpatterns = [
    path("", lists.pipeline_list, name="pipeline-list"),
    path("reliability/", reliability.reliability_list, name="reliability-list"),
    path("<int:pk>/", pipelines.pipeline_detail, name="pipeline-detail"),
    path("<int:pk>/grid/", pipelines.pipeline_grid, name="pipeline-grid"),
    path("<int:pk>/row/", pipelines.pipeline_row, name="pipeline-row"),
    path("<int:pk>/reliability/", reliability.reliability_card, name="reliability"),
    path("<int:pk>/punctuality/", punctuality.punctuality_card, name="punctuality"),
    path("<int:pk>/expectation/", punctuality.expectation_change, name="expectation-change"),
    path("<int:pk>/expectation/accept/", punctuality.expectation_accept, name="expectation-accept"),
    path("<int:pk>/expectation/remove/", punctuality.expectation_remove, name="expectation-remove"),
    path("of/<int:feature_id>/", pipelines.feature_runs, name="feature-runs"),
    path("runs/", lists.run_list, name="run-list"),
    path("runs/<int:pk>/", runs.run_detail, name="run-detail"),
    path("runs/<int:pk>/status/", runs.run_status, name="run-status"),
    path("runs/<int:pk>/steps/", runs.run_steps, name="run-steps"),
]
