"""A real Dagster to poll: its definitions, its webserver and daemon, and its GraphQL to make things happen in it."""

from __future__ import annotations

import json
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live import servers

REPOSITORY, LOCATION = "__repository__", "analytics"

DEFINITIONS = """
import time
from dagster import *

@op(config_schema={"secs": Field(float, default_value=0.0)}, out=Out(int))
def extract(context):
    time.sleep(context.op_config["secs"])
    return 3

@op(retry_policy=RetryPolicy(max_retries=2))
def transform(context, n: int):
    if context.retry_number == 0:
        raise RuntimeError("the first try loses its connection")
    return n * 2

@op
def load(context, n: int):
    context.log.info(f"loaded {n}")

@job(tags={"team": "data"}, description="Loads the orders.", executor_def=in_process_executor)
def nightly_etl():
    load(transform(extract()))

@op
def boom():
    try:
        {}["price"]
    except KeyError as error:
        raise ValueError("the feed has no column 'price'") from error

@op
def after(x): ...

@job(executor_def=in_process_executor)
def broken_import():
    after(boom())

@job(executor_def=in_process_executor)
def quick():
    extract()

@job(executor_def=in_process_executor)
def watched():
    extract()

days = DailyPartitionsDefinition(start_date="2026-01-01")

@asset(partitions_def=days)
def customers(context):
    return 1

@asset
def orders():
    return 1

customers_job = define_asset_job("customers_job", [customers], partitions_def=days, executor_def=in_process_executor)

nightly = ScheduleDefinition(
    name="nightly", job=nightly_etl, cron_schedule="0 2 29 2 *", execution_timezone="Europe/Berlin",
    default_status=DefaultScheduleStatus.RUNNING,
)
twice = ScheduleDefinition(
    name="twice", job=broken_import, cron_schedule=["0 3 1 1 *", "0 15 1 1 *"],
    default_status=DefaultScheduleStatus.RUNNING,
)
idle = ScheduleDefinition(name="idle", job=watched, cron_schedule="0 4 1 1 *")
minutely = ScheduleDefinition(name="minutely", job=quick, cron_schedule="* * * * *")

@sensor(job=watched, minimum_interval_seconds=1, default_status=DefaultSensorStatus.RUNNING)
def new_files(context):
    return RunRequest(run_key="the only file")

defs = Definitions(
    jobs=[nightly_etl, broken_import, quick, watched, customers_job], assets=[customers, orders],
    schedules=[nightly, twice, minutely, idle], sensors=[new_files],
)
"""

REPORTS = """
from dagster import *

@op
def count(): ...

@job
def weekly_report():
    count()

defs = Definitions(jobs=[weekly_report])
"""

WORKSPACE = """
load_from:
  - python_file: {relative_path: analytics.py, location_name: analytics}
  - python_file: {relative_path: reports.py, location_name: reports}
"""

SETTINGS = """
telemetry: {enabled: false}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
    tag_concurrency_limits: [{key: lane, value: closed, limit: 0}]
"""


class Dagster:
    """One server; asks and tells it by its own GraphQL."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.home = home

    def ask(self, question: str, **variables: Any) -> dict[str, Any]:
        """The `data` of the answer."""
        body = json.dumps({"query": question, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:2000]) from None

    def launch(self, job: str, config: dict[str, Any] | None = None, **tags: str) -> str:
        """The id of the new run."""
        selector = {"repositoryName": REPOSITORY, "repositoryLocationName": LOCATION, "jobName": job}
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        params = {"selector": selector, "runConfigData": config or {}, "executionMetadata": metadata}
        question = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
            __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
        return self.ask(question, p=params)["launchRun"]["run"]["runId"]

    def backfill(self, job: str, partition: str) -> str:
        """The id of a backfill of one partition, whose run is queued at once."""
        repository = {"repositoryName": REPOSITORY, "repositoryLocationName": LOCATION}
        selector = {"partitionSetName": f"{job}_partition_set", "repositorySelector": repository}
        params = {"selector": selector, "partitionNames": [partition], "forceSynchronousSubmission": True}
        question = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
            __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
        return self.ask(question, p=params)["launchPartitionBackfill"]["backfillId"]

    def terminate(self, run_id: str) -> None:
        self._tell("mutation($id: String!) { done: terminateRun(runId: $id) { __typename } }", run_id)

    def delete(self, run_id: str) -> None:
        self._tell("mutation($id: String!) { done: deletePipelineRun(runId: $id) { __typename } }", run_id)

    def reload(self, location: str) -> None:
        question = (
            "mutation($id: String!) { done: reloadRepositoryLocation(repositoryLocationName: $id) { __typename } }"
        )
        assert self.ask(question, id=location)["done"]["__typename"] == "WorkspaceLocationEntry"

    def start_schedule(self, name: str) -> None:
        question = "mutation($s: ScheduleSelector!) { startSchedule(scheduleSelector: $s) { __typename } }"
        found = self.ask(question, s=_schedule(name))["startSchedule"]
        assert found["__typename"] == "ScheduleStateResult"

    def stop_schedule(self, name: str) -> None:
        """Stop it for good: a daemon in the middle of a tick writes back that it runs."""
        find = """query($s: ScheduleSelector!) { scheduleOrError(scheduleSelector: $s) {
            ... on Schedule { id scheduleState { status } } } }"""
        stop = "mutation($id: String!) { stopRunningSchedule(id: $id) { __typename } }"

        def is_stopped() -> bool:
            self.ask(stop, id=self.ask(find, s=_schedule(name))["scheduleOrError"]["id"])
            time.sleep(2)
            return self.ask(find, s=_schedule(name))["scheduleOrError"]["scheduleState"]["status"] == "STOPPED"

        until(is_stopped)

    def _tell(self, question: str, run_id: str) -> None:
        assert "Success" in self.ask(question, id=run_id)["done"]["__typename"]

    def runs(self) -> dict[str, dict[str, Any]]:
        """Every run as the server tells it, by id."""
        question = """{ runsOrError(limit: 1000) { ... on Runs { results {
            runId jobName status creationTime startTime endTime updateTime runConfig
            tags { key value } stepStats { stepKey status startTime endTime attempts { startTime } } } } } }"""
        return {run["runId"]: run for run in self.ask(question)["runsOrError"]["results"]}

    def jobs(self) -> dict[str, str]:
        """`repository@location/job` -> name, of everything that is loaded."""
        question = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
            name location { name } jobs { name } } } } }"""
        return {
            f"{node['name']}@{node['location']['name']}/{job['name']}": job["name"]
            for node in self.ask(question)["repositoriesOrError"]["nodes"]
            for job in node["jobs"]
        }

    def are_daemons_healthy(self) -> bool:
        question = "{ instance { daemonHealth { allDaemonStatuses { required healthy } } } }"
        found = self.ask(question)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return all(daemon["healthy"] for daemon in found if daemon["required"])


def _schedule(name: str) -> dict[str, str]:
    return {"repositoryName": REPOSITORY, "repositoryLocationName": LOCATION, "scheduleName": name}


def until(condition: Callable[[], Any], *, seconds: float = 240) -> Any:
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.5)
    return found


def tags_of(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["tags"]}


@contextmanager
def webserver(home: Path, definitions: str = DEFINITIONS) -> Iterator[Dagster]:
    """A webserver with two code locations, and no daemon yet."""
    files = {"dagster.yaml": SETTINGS, "workspace.yaml": WORKSPACE, "analytics.py": definitions, "reports.py": REPORTS}
    for name, text in files.items():
        (home / name).write_text(textwrap.dedent(text))
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [servers.executable("dagster-webserver", "dagster"), "-h", "127.0.0.1", "-p", str(port)]
    with servers.running(
        [*command, "-w", "workspace.yaml"], home=home, ready_url=f"{url}/server_info", env=_environment(home)
    ):
        yield Dagster(url, home)


@contextmanager
def daemon(dagster: Dagster) -> Iterator[None]:
    """The daemon of a webserver, from its first heartbeats to its end."""
    command = [servers.executable("dagster-daemon", "dagster"), "run", "-w", "workspace.yaml"]
    home = dagster.home
    with servers.running(command, home=home, ready_url=f"{dagster.url}/server_info", env=_environment(home)):
        until(dagster.are_daemons_healthy)
        yield


def _environment(home: Path) -> dict[str, str]:
    return {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
