"""Real schedulers that stop and go on, and runs that fail: what is missed, what recovers, what features feel."""

from __future__ import annotations

import json
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.live import servers
from tests.live.airflow import airflow_server
from tests.live.conftest import prefect_server
from tests.live.dagster import daemon, until, webserver
from tests.live.polling import connect
from tests.live.watching import (
    Watched,
    check_a_failure_is_carried,
    check_a_schedule_that_stops,
    describe,
    waited_for,
)

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

FLOW = """
from pathlib import Path
from prefect import flow

@flow(name="nightly_index")
def index():
    if (Path(__file__).parent / "broken").exists():
        raise ValueError("the feed is empty")

if __name__ == "__main__":
    index.serve(name="steady", interval=20, pause_on_shutdown=False)
"""
JOB = """
from pathlib import Path
from dagster import *

@op
def fill():
    if (Path(__file__).parent / "broken").exists():
        raise ValueError("the feed is empty")

@job(executor_def=in_process_executor)
def nightly_index():
    fill()

@sensor(job=nightly_index, minimum_interval_seconds=20, default_status=DefaultSensorStatus.RUNNING)
def steady(context):
    # one run at a time, however slow the machine
    going = [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]
    if not context.instance.get_runs(RunsFilter(statuses=going)):
        yield RunRequest()

defs = Definitions(jobs=[nightly_index], sensors=[steady])
"""
DAG = '''
"""An airflow dag whose schedule comes and goes."""
from datetime import datetime, timedelta
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule={schedule}, start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1,
     is_paused_upon_creation=False)
def nightly_index():
    @task
    def fill():
        if (Path(__file__).parent / "broken").exists():
            raise ValueError("the feed is empty")
    fill()
nightly_index()
'''


def test_a_prefect_schedule_that_is_removed_is_missed_until_it_is_back(tmp_path: Path) -> None:
    with prefect_server(tmp_path / "server", {}) as base, _served(tmp_path, base):
        describe()
        watched = Watched.begin(connect("prefect", {"url": f"{base}/api"}))
        (deployment,) = _ask("POST", f"{base}/api/deployments/filter", {})
        schedules = f"{base}/api/deployments/{deployment['id']}/schedules"
        (own,) = deployment["schedules"]
        check_a_schedule_that_stops(
            watched,
            stop=lambda: _ask("DELETE", f"{schedules}/{own['id']}"),
            resume=lambda: _ask("POST", schedules, [{"schedule": {"interval": 20}, "active": True}]),
        )
        _check_failing(watched, tmp_path / "broken")


def test_a_dagster_daemon_that_stops_is_missed_until_it_is_back(tmp_path: Path) -> None:
    """A sensor every 20 s stands for a schedule, which Dagster starts once a minute at most."""
    with webserver(tmp_path, JOB) as server, ExitStack() as running:
        running.enter_context(daemon(server))
        describe()
        watched = Watched.begin(connect("dagster", {"url": server.url}))

        def stop() -> None:
            """Between two runs: one that is under way would fail with the daemon."""
            until(lambda: {run["status"] for run in server.runs().values()} <= {"SUCCESS"})
            running.pop_all().close()

        check_a_schedule_that_stops(watched, stop=stop, resume=lambda: running.enter_context(daemon(server)))
        _check_failing(watched, tmp_path / "broken")


def test_an_airflow_schedule_that_is_removed_is_missed_until_it_is_back(tmp_path: Path) -> None:
    with airflow_server(tmp_path) as airflow:
        file = airflow.folder / "steady.py"

        def schedule(said: str) -> None:
            file.write_text(DAG.format(schedule=said))

        schedule("timedelta(seconds=20)")
        describe()
        config = {"url": airflow.url, "auth": "basic", "username": "admin", "dags": ["nightly_index"]}
        watched = Watched.begin(connect("airflow", config, password=airflow.password))
        check_a_schedule_that_stops(
            watched, stop=lambda: schedule("None"), resume=lambda: schedule("timedelta(seconds=20)")
        )
        _check_failing(watched, airflow.folder / "broken")


def _check_failing(watched: Watched, broken: Path) -> None:
    check_a_failure_is_carried(watched, fail=broken.touch, mend=broken.unlink)


@contextmanager
def _served(home: Path, base: str) -> Iterator[None]:
    """The flow with its schedule, served by Prefect's own runner."""
    (home / "steady.py").write_text(textwrap.dedent(FLOW))
    program = servers.executable("python", "prefect")
    env = {"PREFECT_API_URL": f"{base}/api", "PREFECT_HOME": str(home / "client"), "PREFECT_RUNNER_POLL_FREQUENCY": "2"}
    with servers.running([program, "steady.py"], home=home, ready_url=f"{base}/api/health", env=env):
        yield


def _ask(method: str, url: str, body: Any = None) -> Any:
    """Prefect's answer; while its SQLite is busy it says 503, and its own client asks again then."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)

    def answer() -> bytes | None:
        try:
            with urllib.request.urlopen(asked, timeout=30) as given:
                return given.read() or b"null"
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return None

    return json.loads(waited_for(answer))
