"""Celery's clock. It sends names at their times, so it loads the settings and neither Django's apps nor any task."""

import os

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings
from django.utils.log import configure_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings")

app = Celery("opsportal", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")


@setup_logging.connect
def log_as_the_portal(**_: object) -> None:
    """Write lines as every other process does."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
