"""Celery's clock. It sends names at their times, so it loads the settings and neither Django's apps nor any task."""

import os

from celery import Celery
from celery.beat import PersistentScheduler
from celery.signals import setup_logging
from django.conf import settings
from django.utils.log import configure_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings")


class Scheduler(PersistentScheduler):  # type: ignore[misc]  # celery ships no types
    """Celery's own wakes 10 ms early and then asks without a pause whether it is time: 1 % of a core."""

    def adjust(self, n: float | None, *_: float) -> float | None:
        """How long to sleep until something is due."""
        return n


app = Celery("opsportal", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_scheduler = "opsportal.beat:Scheduler"


@setup_logging.connect
def log_as_the_portal(**_: object) -> None:
    """Write lines as every other process does."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
