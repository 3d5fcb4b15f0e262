"""Addresses of the app; the words before the slugs are reserved in `services.RESERVED_SLUGS`."""

from __future__ import annotations

from django.urls import path

from apps.sources import metrics_view, ringing_view, views
from apps.sources.identity import views as identity

app_name = "sources"
urlpatterns = [
    path("", views.source_list, name="source-list"),
    path("telemetry", metrics_view.telemetry, name="telemetry"),
    path("add/", views.source_add, name="source-add"),
    path("add/<slug:connector>/", views.source_create, name="source-create"),
    path("add/<slug:connector>/help/", views.source_help, name="source-help"),
    path("add/<slug:connector>/test/", views.source_test_new, name="source-test-new"),
    path("add/<slug:connector>/preview/", views.source_preview_new, name="source-preview-new"),
    path("mapping/", identity.rule_list, name="rule-list"),
    path("mapping/add/", identity.rule_create, name="rule-create"),
    path("mapping/preview/", identity.rule_preview, name="rule-preview"),
    path("mapping/progress/", identity.progress, name="mapping-progress"),
    path("mapping/again/", identity.remap, name="remap"),
    path("mapping/<int:pk>/", identity.rule_change, name="rule-change"),
    path("mapping/<int:pk>/remove/", identity.rule_remove, name="rule-remove"),
    path("mapping/<int:pk>/<str:way>/", identity.rule_move, name="rule-move"),
    path("unmatched/", identity.name_list, name="name-list"),
    path("unmatched/<int:pk>/map/", identity.name_map, name="name-map"),
    path("unmatched/<int:pk>/ignore/", identity.name_ignore, name="name-ignore"),
    path("<slug:slug>/", views.source_detail, name="source-detail"),
    path("<slug:slug>/change/", views.source_change, name="source-change"),
    path("<slug:slug>/test/", views.source_test, name="source-test"),
    path("<slug:slug>/preview/", views.source_preview, name="source-preview"),
    path("<slug:slug>/head/", views.source_head, name="source-head"),
    path("<slug:slug>/health/", views.source_health, name="source-health"),
    path("<slug:slug>/progress/", views.source_progress, name="source-progress"),
    path("<slug:slug>/recent/", views.source_recent, name="source-recent"),
    path("<slug:slug>/webhook/", ringing_view.source_webhook, name="source-webhook"),
    path("<slug:slug>/poll/", views.source_poll, name="source-poll"),
    path("<slug:slug>/pause/", views.source_pause, name="source-pause"),
    path("<slug:slug>/resume/", views.source_resume, name="source-resume"),
    path("<slug:slug>/remove/", views.source_remove, name="source-remove"),
    path("<slug:slug>/polls/", views.poll_list, name="poll-list"),
    path("<slug:slug>/unreadable/", views.letter_list, name="letter-list"),
]
