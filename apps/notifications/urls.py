"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.subscription_list, name="subscription-list"),
    path("schema/event.json", views.schema, name="schema"),
    path("updates/", views.updates, name="updates"),
    path("updates/of/", views.follow, name="follow"),
    path("add/", views.subscription_create, name="subscription-create"),
    path("<int:pk>/", views.subscription_detail, name="subscription-detail"),
    path("<int:pk>/head/", views.subscription_head, name="subscription-head"),
    path("<int:pk>/change/", views.subscription_change, name="subscription-change"),
    path("<int:pk>/test/", views.subscription_test, name="subscription-test"),
    path("<int:pk>/rotate/", views.subscription_rotate, name="subscription-rotate"),
    path("<int:pk>/pause/", views.subscription_pause, name="subscription-pause"),
    path("<int:pk>/resume/", views.subscription_resume, name="subscription-resume"),
    path("<int:pk>/remove/", views.subscription_remove, name="subscription-remove"),
    path("<int:pk>/replay/", views.replay_span, name="replay-span"),
    path("<int:pk>/replay/progress/", views.replay_progress, name="replay-progress"),
    path("deliveries/<int:pk>/replay/", views.delivery_replay, name="delivery-replay"),
]
