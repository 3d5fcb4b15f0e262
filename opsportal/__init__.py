"""Wiring only: settings, the schedule, Celery, URLs and the ASGI and WSGI entry points.

`cli.py` beside them is the command that reports to a portal; it is also installed alone, where there is no Celery.
"""

try:
    from opsportal.celery import app as celery_app
except ModuleNotFoundError as error:
    if error.name != "celery":
        raise
else:
    __all__ = ["celery_app"]
