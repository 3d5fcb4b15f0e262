"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.prompts import serving_views, views

app_name = "prompts"
urlpatterns = [
    path("", views.prompt_list, name="prompt-list"),
    path("<int:pk>/", views.prompt_detail, name="prompt-detail"),
    path("<int:pk>/labels/", views.prompt_labels, name="prompt-labels"),
    path("<int:pk>/serving/", serving_views.prompt_serving, name="prompt-serving"),
    path("<int:pk>/bypasses/", serving_views.prompt_bypasses, name="prompt-bypasses"),
    path("bypasses/<int:pk>/revert/", serving_views.bypass_revert, name="bypass-revert"),
    path("bypasses/<int:pk>/adopt/", serving_views.bypass_adopt, name="bypass-adopt"),
    path("labels/<int:pk>/rollout/", serving_views.rollout_change, name="rollout-change"),
    path("hygiene/", serving_views.hygiene, name="hygiene"),
    path("of/<int:feature_id>/", views.feature_prompts, name="feature-prompts"),
]
