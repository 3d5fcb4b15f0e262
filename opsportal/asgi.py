"""The one web process: pages, API and server-sent events on one port."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings")

pages = get_asgi_application()

from apps.api.serving.asgi import PromptAnswers  # noqa: E402 - models are importable only now
from apps.portal.asgi import LiveStreams  # noqa: E402
from apps.sync.deadman.watch import watched  # noqa: E402 - needs Django set up

application = watched(PromptAnswers(LiveStreams(pages)))
