"""Addresses of the app."""

from __future__ import annotations

from django.urls import path, re_path

from apps.evaluations.views import endpoints, gates, orders, results, suites

app_name = "evaluations"
urlpatterns = [
    path("", results.run_list, name="run-list"),
    path("<int:pk>/", results.run_detail, name="run-detail"),
    path("<int:pk>/progress/", orders.run_progress, name="run-progress"),
    path("<int:pk>/cancel/", orders.run_cancel, name="run-cancel"),
    path("<int:pk>/resume/", orders.run_resume, name="run-resume"),
    path("<int:pk>/answers/<int:result_pk>/", orders.answer_detail, name="answer-detail"),
    path("suites/", results.suite_list, name="suite-list"),
    path("suites/add/", suites.suite_create, name="suite-create"),
    path("suites/<int:pk>/", results.suite_detail, name="suite-detail"),
    path("suites/<int:pk>/change/", suites.suite_change, name="suite-change"),
    path("suites/<int:pk>/run/", orders.run_start, name="run-start"),
    path("suites/<int:pk>/cases/", suites.case_list, name="case-list"),
    path("suites/<int:pk>/cases/add/", suites.case_add, name="case-add"),
    path("suites/<int:pk>/cases/import/", suites.case_import, name="case-import"),
    re_path(r"^suites/(?P<pk>\d+)/cases\.(?P<kind>csv|jsonl)$", suites.case_export, name="case-export"),
    path("suites/<int:pk>/schedule/", suites.schedule_plan, name="schedule-plan"),
    path("cases/<int:pk>/end/", suites.case_end, name="case-end"),
    path("schedules/<int:pk>/remove/", suites.schedule_remove, name="schedule-remove"),
    path("schedules/<int:pk>/run/", suites.schedule_run, name="schedule-run"),
    path("endpoints/", endpoints.endpoint_list, name="endpoint-list"),
    path("endpoints/add/", endpoints.endpoint_create, name="endpoint-create"),
    path("endpoints/<slug:slug>/", endpoints.endpoint_change, name="endpoint-change"),
    path("gate/", gates.gate_table, name="gate-table"),
    path("of/<int:feature_id>/", results.feature_runs, name="feature-runs"),
]
