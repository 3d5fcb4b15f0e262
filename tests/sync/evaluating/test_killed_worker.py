"""A worker killed in the middle of an evaluation: a real kill -9, no case lost and none scored twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from apps.evaluations.models import CaseResult, EvaluationRun, Order, Score
from apps.events.models import Event
from apps.sources import queries as sources
from apps.sync.evaluating import running
from tests.evaluations.suites import make_endpoint, make_suite, start
from tests.sync.evaluating.model import echo, serve_model

WORKER = """
import sys
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from apps.sync.evaluating.running import carry_out_next
print(carry_out_next(), flush=True)
"""


def until(is_so: Callable[[], object]) -> None:
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_costs_only_what_was_under_way():
    held = threading.Event()
    with serve_model() as model:
        model.rule = lambda question: (held.wait(30), echo(question))[1] if question.endswith("q4") else echo(question)
        endpoint = make_endpoint(base_url=model.url, concurrency=1, requests_per_minute=100_000)
        run = start(make_suite(cases=6, endpoint=endpoint), at=sources.database_time())
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "opsportal.settings"}
        arguments = [sys.executable, "-c", WORKER, str(connection.settings_dict["NAME"])]
        process = subprocess.Popen(arguments, env=environment)
        try:
            until(lambda: CaseResult.objects.count() == 3 and model.asked["Answer: q4"])
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            held.set()
        assert running.carry_out_next() == "no evaluation is due", "the dead worker's lease still runs"
        assert EvaluationRun.objects.get(pk=run.pk).state == "running"
        Order.objects.update(claimed_until=sources.database_time() - timedelta(seconds=1))
        assert "3 of 3 cases, succeeded" in running.carry_out_next()
    assert dict(model.asked) == {f"Answer: q{n}": 2 if n == 4 else 1 for n in range(1, 7)}
    assert CaseResult.objects.count() == 6
    assert Score.objects.exclude(case="").count() == 6
    assert Event.objects.filter(kind="evaluations:run:succeeded").count() == 1
