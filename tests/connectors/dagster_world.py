"""A small Dagster that answers the connector's questions like the real one, and polls of it; values are made up."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import time_machine

from apps.connectors.http import Limits
from apps.connectors.providers.dagster.connector import DagsterConnector
from apps.connectors.records import AlertRecord, Batch, Kind, RunRecord, TaskRunRecord
from tests.connectors.conftest import ask
from tests.connectors.upstream import Answer, Request, Upstream
from tests.connectors.worlds import World

ROOMY = Limits(total_seconds=5, fetch_seconds=20)
REPOSITORY = "__repository__"
ETL, REPORT = f"{REPOSITORY}@main/etl", f"{REPOSITORY}@main/report"
DAEMONS = ("SENSOR", "BACKFILL", "SCHEDULER", "QUEUED_RUN_COORDINATOR")
OPEN = ("QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "SUSPENDED", "CANCELING")


def python_error(message: str, *causes: str) -> dict[str, Any]:
    return {"__typename": "PythonError", "message": message, "causes": [{"message": cause} for cause in causes]}


def failure_events(step: str, *, wrapper: str, cause: str) -> list[dict[str, Any]]:
    """The events of a run whose step failed, as far as the connector asks for them."""
    error = python_error(f"{wrapper}\n", f"{cause}\n")
    return [
        {"__typename": "ExecutionStepStartEvent"},
        {"__typename": "ExecutionStepFailureEvent", "stepKey": step, "error": error},
        {"__typename": "RunFailureEvent", "message": f"Execution failed. Steps failed: ['{step}'].", "error": error},
    ]


@dataclass
class DagsterWorld(World):
    """Code locations, daemons and runs, newest run last. `events` and `steps` are by run id."""

    locations: list[Any] = field(default_factory=list)
    daemons: list[Any] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    steps: dict[str, list[Any]] = field(default_factory=dict)
    plans: dict[str, Any] = field(default_factory=dict)
    events: dict[str, list[Any]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)  # operation -> `data`, instead of what it would be

    def add_location(self, name: str, *jobs: str, **repository: Any) -> dict[str, Any]:
        definitions = [{"name": j, "description": None, "isAssetJob": False, "tags": []} for j in jobs]
        found = {"name": REPOSITORY, "jobs": definitions, "schedules": [], "sensors": [], **repository}
        location = {
            "name": name, "loadStatus": "LOADED", "updatedTimestamp": self.clock.timestamp() - 3600,
            "displayMetadata": [{"key": "python_file", "value": "/srv/defs.py"}],
            "locationOrLoadError": {"__typename": "RepositoryLocation", "repositories": [found]},
        }  # fmt: skip
        self.locations.append(location)
        return location

    def add_daemons(self, *sick: str) -> None:
        for kind in DAEMONS:
            beat = None if kind in sick else self.clock.timestamp() - 5
            self.daemons.append({
                "daemonType": kind, "required": True, "healthy": kind not in sick, "lastHeartbeatTime": beat,
                "lastHeartbeatErrors": [],
            })  # fmt: skip

    def add_run(self, run_id: str, status: str = "SUCCESS", *, job: str = "etl", **more: Any) -> dict[str, Any]:
        began = self.clock.timestamp() - 600
        is_begun = status not in ("QUEUED", "NOT_STARTED", "MANAGED", "STARTING")
        run = {
            "runId": run_id, "jobName": job, "status": status, "creationTime": began - 5, "parentRunId": None,
            "startTime": began if is_begun else None, "endTime": None if status in OPEN else began + 60,
            "updateTime": began + 60, "runConfig": {"ops": {"n": 2}}, "assetSelection": None,
            "tags": [{"key": "dagster/code_location", "value": "main"}],
            "repositoryOrigin": {"repositoryName": REPOSITORY, "repositoryLocationName": "main"},
            **more,
        }  # fmt: skip
        self.runs.append(run)
        return run

    def add_step(self, run_id: str, key: str, status: str | None = "SUCCESS", *, tries: int = 1, **more: Any) -> None:
        began = self.clock.timestamp() - 590
        ended = began + 5 if status in ("SUCCESS", "FAILURE") else None
        attempts = [{"startTime": began, "endTime": began + 5}] * tries
        step = {"stepKey": key, "status": status, "startTime": began, "endTime": ended, "attempts": attempts, **more}
        self.steps.setdefault(run_id, []).append(step)

    def delete(self, run_id: str) -> None:
        self.runs = [run for run in self.runs if run["runId"] != run_id]

    def run(self, run_id: str) -> dict[str, Any]:
        return next(run for run in self.runs if run["runId"] == run_id)

    def __call__(self, request: Request) -> Answer:
        if request.path != "/graphql":
            return self.answer({"detail": "Not Found"}, 404)
        asked = request.json
        operation = re.match(r"\s*query (\w+)", asked["query"])
        name = operation[1] if operation else "Version"
        data = self.answers[name] if name in self.answers else self._data(name, asked["variables"])
        return self.answer({"data": data})

    def _data(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "Workspace":
                return {"workspaceOrError": {"__typename": "Workspace", "locationEntries": self.locations}}
            case "Daemons":
                return {"instance": {"daemonHealth": {"allDaemonStatuses": self.daemons}}}
            case "Runs":
                return self._runs(self._page(asked))
            case "RunIds":
                ids = [run["runId"] for run in self._page(asked) if isinstance(run, dict)]
                return {"runIdsOrError": {"__typename": "RunIds", "results": ids}}
            case "RunCount":
                return {"runsOrError": {"__typename": "Runs", "count": len(self.runs)}}
            case "Steps":
                return self._runs([self._with_steps(run) for run in self._page(asked)])
            case "Failures":
                return self._runs([self._with_events(run["runId"], 0, asked["events"]) for run in self._page(asked)])
            case "EventsAfter":
                found = self._with_events(asked["run"], int(asked["after"]), asked["events"])
                return {"runOrError": {"__typename": "Run", **found}}
        return {"version": "1.13.27"}

    def _runs(self, results: list[Any]) -> dict[str, Any]:
        return {"runsOrError": {"__typename": "Runs", "results": results}}

    def _with_steps(self, run: dict[str, Any]) -> dict[str, Any]:
        run_id = run["runId"]
        own = {"runId": run_id, "status": run["status"]}
        return {**own, "stepStats": self.steps.get(run_id, []), "executionPlan": self.plans.get(run_id)}

    def _with_events(self, run_id: str, start: int, size: int) -> dict[str, Any]:
        found = self.events.get(run_id, [])
        rest = {"hasMore": start + size < len(found), "cursor": str(start + size)}
        return {"runId": run_id, "eventConnection": {"events": found[start : start + size], **rest}}

    def _page(self, asked: dict[str, Any]) -> list[Any]:
        """Newest first; after a run that was deleted there is nothing, as in the real one."""
        runs = list(reversed(self.runs))
        if cursor := asked.get("cursor"):
            ids = [run["runId"] for run in runs]
            runs = runs[ids.index(cursor) + 1 :] if cursor in ids else []
        wanted = asked.get("filter") or {}
        found = [run for run in runs if not isinstance(run, dict) or _passes(run, wanted)]
        return found[: asked["limit"]]


def _passes(run: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """An empty list of ids means every run, as in the real one."""
    return (
        (not wanted.get("runIds") or run["runId"] in wanted["runIds"])
        and (not wanted.get("statuses") or run["status"] in wanted["statuses"])
        and (not wanted.get("pipelineName") or run["jobName"] == wanted["pipelineName"])
        and (not wanted.get("updatedAfter") or run["updateTime"] > wanted["updatedAfter"])
    )


def small_world() -> DagsterWorld:
    """Two jobs with runs in every phase, one of them failed, and a daemon that never lived."""
    world = DagsterWorld()
    world.add_location("main", "etl", "report")
    world.add_daemons("SCHEDULER")
    world.add_run("done")
    world.add_run("failed", "FAILURE", job="report")
    world.add_run("going", "STARTED")
    world.add_run("waiting", "QUEUED")
    world.add_step("done", "extract")
    world.add_step("done", "load")
    world.add_step("failed", "boom", "FAILURE")
    world.add_step("going", "extract", "IN_PROGRESS", tries=0)
    wrapper = 'dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op "boom":'
    world.events["failed"] = failure_events("boom", wrapper=wrapper, cause="ValueError: the feed has no prices")
    return world


def fetch(upstream: Upstream, world: Any, cursor: Any = None, *, limits: Limits = ROOMY, **settings: Any) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, **settings}
    with time_machine.travel(getattr(world, "clock", datetime.now(UTC)), tick=False):
        return ask(lambda http: DagsterConnector(config=config, secrets={}, http=http).fetch(saved), limits=limits)


def runs(batch: Batch) -> dict[str, RunRecord]:
    return {record.external_id: record for record in batch.records if isinstance(record, RunRecord)}


def steps(batch: Batch) -> dict[str, TaskRunRecord]:
    return {record.external_id: record for record in batch.records if isinstance(record, TaskRunRecord)}


def alerts(batch: Batch) -> dict[str, AlertRecord]:
    return {record.external_id: record for record in batch.records if isinstance(record, AlertRecord)}


def listed(batch: Batch, kind: Kind) -> dict[str, frozenset[str]]:
    return {listing.scope: listing.external_ids for listing in batch.listings if listing.kind is kind}


def operations(upstream: Upstream) -> list[str]:
    return [request.json["query"].split()[1].partition("(")[0] for request in upstream.requests]
