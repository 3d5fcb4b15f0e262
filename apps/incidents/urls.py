"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.incidents.views import asof, incident, lists, reviews, verbs

app_name = "incidents"
_ONE = "incidents/<int:pk>"
urlpatterns = [
    path("incidents/", lists.incident_list, name="incident-list"),
    path("incidents/declare/", lists.declare, name="incident-declare"),
    path("incidents/status/", lists.status_page, name="status-page"),
    path("incidents/open/", lists.open_now, name="open-now"),
    path(f"{_ONE}/", incident.incident_detail, name="incident-detail"),
    path(f"{_ONE}/suspects/", incident.suspects, name="suspects"),
    path(f"{_ONE}/timeline/", incident.timeline, name="timeline"),
    path(f"{_ONE}/change/", verbs.change, name="incident-change"),
    path(f"{_ONE}/move/", verbs.move, name="incident-move"),
    path(f"{_ONE}/acknowledge/", verbs.acknowledge, name="incident-acknowledge"),
    path(f"{_ONE}/role/", verbs.role, name="incident-role"),
    path(f"{_ONE}/entry/", verbs.entry, name="incident-entry"),
    path(f"{_ONE}/pin/", verbs.pin, name="incident-pin"),
    path(f"{_ONE}/update/", verbs.update, name="incident-update"),
    path(f"{_ONE}/verdict/", verbs.verdict, name="incident-verdict"),
    path(f"{_ONE}/review/", reviews.review, name="review"),
    path(f"{_ONE}/review/text/", reviews.review_text, name="review-text"),
    path(f"{_ONE}/review/state/", reviews.review_state, name="review-state"),
    path(f"{_ONE}/action/", reviews.action_add, name="action-add"),
    path(f"{_ONE}/action/<int:action_id>/", reviews.action_change, name="action-change"),
    path(f"{_ONE}/case/", reviews.case_add, name="case-add"),
    path(f"{_ONE}/export/<slug:kind>/", reviews.export, name="export"),
    path("incidents/alert/<int:alert_id>/", incident.alert_suspects, name="alert-suspects"),
    path("as-of/", asof.as_of, name="as-of"),
]
