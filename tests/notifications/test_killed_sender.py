"""A sender killed after sending and before writing it down: a real process, a real kill -9, the same id again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection

from apps.notifications import pump
from apps.notifications.models import Delivery
from apps.sources.queries import database_time

SENDER = """
import sys
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from apps.notifications.tasks import deliver_events
print(deliver_events(), flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_killed_between_sending_and_marking_the_event_comes_again_under_its_id(receiver, make_subscription, tell):
    make_subscription()
    event = tell()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "opsportal.settings"}
    arguments = [sys.executable, "-c", SENDER, str(connection.settings_dict["NAME"])]
    process = subprocess.Popen(arguments, env=environment)

    def kill_once(_got: object) -> None:
        process.send_signal(signal.SIGKILL)  # the receiver has it, the sender never hears so
        process.wait()

    receiver.before_answer = kill_once
    assert process.wait(60) == -signal.SIGKILL
    assert receiver.ids == [f"evt_{event.pk}"]
    assert Delivery.objects.get().state == "delivering"

    receiver.before_answer = lambda _got: None
    _until(lambda: pump.pump() is not None)  # the dead sender's turn ends with its connection
    assert len(receiver.got) == 1, "its lease still runs"
    Delivery.objects.update(next_try_at=database_time() - timedelta(seconds=1))
    pump.pump()
    assert receiver.ids == [f"evt_{event.pk}"] * 2
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)


def _until(happened, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
