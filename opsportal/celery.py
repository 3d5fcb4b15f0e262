"""The Celery application: settings come from Django under `CELERY_`, the schedule from one table."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # they load every page; what starts or tests the portal has run them

app = Celery("opsportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["opsportal"])
