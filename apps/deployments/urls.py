"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.deployments.views import dora, freezes, gates, history, holds, matrix

app_name = "deployments"
urlpatterns = [
    path("", history.deployment_list, name="deployment-list"),
    path("where/", matrix.matrix, name="matrix"),
    path("dora/", dora.dora, name="dora"),
    path("dora/links/<int:change_id>/<int:cause_id>/", dora.link_decide, name="link-decide"),
    path("gates/", gates.gate_list, name="gate-list"),
    path("calendar/", freezes.calendar, name="calendar"),
    path("freezes/", freezes.freeze_list, name="freeze-list"),
    path("freezes/plan/", freezes.freeze_plan, name="freeze-plan"),
    path("freezes/<int:pk>/", freezes.freeze_detail, name="freeze-detail"),
    path("freezes/<int:pk>/lift/", freezes.freeze_lift, name="freeze-lift"),
    path("holds/<int:pk>/lift/", holds.hold_lift, name="hold-lift"),
    path("<int:pk>/", history.deployment_detail, name="deployment-detail"),
    path("<int:pk>/roll-back/", holds.rollback_ask, name="rollback-ask"),
    path("<int:pk>/hold/", holds.hold_place, name="hold-place"),
    path("of/<int:feature_id>/", history.feature_live, name="feature-live"),
]
