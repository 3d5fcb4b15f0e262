"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.health.views import changes, consistency, reasons

app_name = "health"
urlpatterns = [
    path("sets/", consistency.consistency_list, name="consistency-list"),
    path("sets/in-short/<int:feature_id>/", consistency.feature_set, name="consistency-short"),
    path("sets/bundles/<int:pk>/", consistency.bundle, name="bundle"),
    path("sets/of/<slug:slug>/", consistency.consistency, name="consistency"),
    path("changes/<int:pk>/risks/", changes.change_risks, name="change-risks"),
    path("changes/<int:pk>/apply/", changes.change_apply, name="change-apply"),
    path("<slug:slug>/reasons/", reasons.reasons, name="reasons"),
    path("<slug:slug>/strip/", reasons.strip, name="strip"),
]
