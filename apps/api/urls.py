"""Addresses of the app: the page for people, and version 1 for machines."""

from __future__ import annotations

from typing import Any

from django.urls import include, path, re_path

from apps.api import views
from apps.api.endpoints import api
from apps.api.errors import for_machines
from apps.api.serving import langfuse


def _for_machines(urls: tuple[list[Any], str, str]) -> tuple[list[Any], str]:
    """The addresses that django-ninja made, each of them without a session and with its refusals in the one shape."""
    patterns, _, namespace = urls
    for pattern in patterns:
        pattern.callback = for_machines(views.nowhere if pattern.name == "api-root" else pattern.callback)
    return patterns, namespace


pages = ([path("", views.docs, name="docs")], "api-pages")
urlpatterns = [
    path("", include(pages)),
    path("v1/", include("apps.api.receivers")),
    path("v1/", include(_for_machines(api.urls))),
    path("public/v2/prompts/<path:name>", for_machines(langfuse.prompt)),
    path("public/projects", for_machines(langfuse.projects)),
    re_path("^public/(?P<rest>.*)$", for_machines(views.nowhere)),
    re_path("^v1/(?P<rest>.*)$", for_machines(views.nowhere)),
]
