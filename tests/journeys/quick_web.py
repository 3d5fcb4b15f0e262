"""The portal's own ASGI application with a quick heartbeat and watch; no step gathers static files for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings

settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"

application = import_module("opsportal.asgi").application
live: Any = import_module("apps.portal.live")  # only now, for it needs Django set up
live.HEARTBEAT_SECONDS = 1.0
deadman: Any = import_module("apps.sync.deadman.watch")
deadman.PERIOD_SECONDS = 1.0
