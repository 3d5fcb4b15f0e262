"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.health.views import announcements, changes, consistency, data, digests, map, news, readiness, reasons

app_name = "health"
urlpatterns = [
    path("sets/", consistency.consistency_list, name="consistency-list"),
    path("sets/in-short/<int:feature_id>/", consistency.feature_set, name="consistency-short"),
    path("sets/bundles/<int:pk>/", consistency.bundle, name="bundle"),
    path("sets/of/<slug:slug>/", consistency.consistency, name="consistency"),
    path("data/", data.data_list, name="data-list"),
    path("data/of/<slug:slug>/", data.data_detail, name="data-detail"),
    path("data/in-short/<slug:slug>/", data.data_of_component, name="data-short"),
    path("data/of-pipeline/<int:pk>/", data.data_of_pipeline, name="data-of-pipeline"),
    path("data/of-feature/<int:feature_id>/", data.data_of_feature, name="data-of-feature"),
    path("changes/<int:pk>/risks/", changes.change_risks, name="change-risks"),
    path("changes/<int:pk>/apply/", changes.change_apply, name="change-apply"),
    path("digest/", digests.digest, name="digest"),
    path("digest/preview/", digests.digest_preview, name="digest-preview"),
    path("digest/stop/<str:token>/", digests.digest_stop, name="digest-stop"),
    path("map/", map.dependency_map, name="map"),
    path("map/touched-by/<slug:slug>/", map.touched_by, name="touched-by"),
    path("readiness/", readiness.readiness_list, name="readiness-list"),
    path("readiness/in-short/<int:feature_id>/", readiness.readiness_short, name="readiness-short"),
    path("announcements/<int:pk>/withdraw/", announcements.announcement_withdraw, name="announcement-withdraw"),
    path("providers/of-feature/<int:feature_id>/", announcements.providers_of_feature, name="providers-of-feature"),
    path("news/marks/", news.news_marks, name="news-marks"),
    path("<slug:slug>/announcements/", announcements.announcements, name="announcements"),
    path("<slug:slug>/announcements/new/", announcements.announce, name="announce"),
    path("<slug:slug>/announced/", announcements.announced, name="announced"),
    path("<slug:slug>/readiness/", readiness.readiness, name="readiness"),
    path("<slug:slug>/news/", news.feature_news, name="news"),
    path("<slug:slug>/look/", news.look, name="look"),
    path("<slug:slug>/reasons/", reasons.reasons, name="reasons"),
    path("<slug:slug>/strip/", reasons.strip, name="strip"),
]
