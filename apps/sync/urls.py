"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.sync import views

app_name = "sync"
urlpatterns = [
    path("healthz/polling", views.polling, name="polling"),
    path("polling/silence/", views.silence, name="silence"),
]
