"""Code locations, runs, steps and events of the world in the shapes of Dagster's GraphQL. Times are in seconds."""

from __future__ import annotations

from typing import Any

from apps.demo.world.dice import DAY, World
from apps.demo.world.pipelines import ZONE, Pipeline
from apps.demo.world.runs import Plan, pipeline_of
from apps.demo.world.steps import StepRun, steps_at
from apps.demo.world.systems import pipelines_of

REPOSITORY = "__repository__"
LOCATIONS = {"embeddings-sync": "search", "invoice-import": "documents"}
DAEMONS = ("SENSOR", "BACKFILL", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "ASSET")
STATUSES = {"COMPLETED": "SUCCESS", "FAILED": "FAILURE", "CRASHED": "FAILURE", "CANCELLED": "CANCELED"}
STEP_STATUSES = {"COMPLETED": "SUCCESS", "FAILED": "FAILURE", "CRASHED": "FAILURE", "CANCELLED": "SKIPPED"}
SMOKE_TEST = {  # left behind by somebody, so the catalog does not know it
    "name": "warehouse_smoke_test", "description": "Tries the connection to the warehouse.", "isAssetJob": False,
    "tags": [],
}  # fmt: skip


def job_name(slug: str) -> str:
    """Dagster's names have no hyphens."""
    return slug.replace("-", "_")


def locations(world: World) -> list[dict[str, Any]]:
    """Every code location with its repository, jobs and schedules."""
    return [_location(world, name) for name in sorted(set(LOCATIONS.values()))]


def _location(world: World, name: str) -> dict[str, Any]:
    pipelines = [pipeline for pipeline in pipelines_of("dagster") if LOCATIONS[pipeline.slug] == name]
    jobs = [
        {"name": job_name(one.slug), "description": one.description, "isAssetJob": False, "tags": _tags(team=one.team)}
        for one in pipelines
    ]
    repository = {
        "name": REPOSITORY,
        "jobs": [*jobs, SMOKE_TEST] if name == "search" else jobs,
        "schedules": [_schedule(one) for one in pipelines],
        "sensors": [],
    }
    return {
        "name": name, "loadStatus": "LOADED", "updatedTimestamp": float(world.starts_at),
        "displayMetadata": _tags(image=f"registry.fernway.example/{name}-jobs:2026.11"),
        "locationOrLoadError": {"__typename": "RepositoryLocation", "repositories": [repository]},
    }  # fmt: skip


def _schedule(pipeline: Pipeline) -> dict[str, Any]:
    name = job_name(pipeline.slug)
    return {
        "name": f"{name}_schedule", "pipelineName": name, "cronSchedule": pipeline.schedule.cron,
        "executionTimezone": ZONE, "canReset": True, "scheduleState": {"status": "RUNNING"},
    }  # fmt: skip


def daemons(now: int) -> list[dict[str, Any]]:
    """All daemons live."""
    return [
        {"daemonType": kind, "required": True, "healthy": True, "lastHeartbeatTime": now - 7.0,
         "lastHeartbeatErrors": []}
        for kind in DAEMONS
    ]  # fmt: skip


def status_of(plan: Plan, now: int) -> str:
    """The status of a run in Dagster's words."""
    if now >= plan.ends_at:
        return STATUSES[plan.outcome]
    if now >= plan.starts_at:
        return "STARTED"
    return "STARTING" if now >= plan.starts_at - 3 else "QUEUED"


def changed_at(plan: Plan, now: int) -> float:
    """When a run last changed."""
    return max((at for at in (plan.due_at, plan.starts_at, plan.ends_at) if at <= now), default=plan.due_at)


def run(plan: Plan, now: int) -> dict[str, Any]:
    """One run as it is at a time."""
    name = job_name(plan.pipeline)
    by = {"user": plan.started_by} if plan.started_by else {"dagster/schedule_name": f"{name}_schedule"}
    if plan.outcome == "CRASHED" and now >= plan.ends_at:
        by["dagster/failure_reason"] = "UNEXPECTED_TERMINATION"
    return {
        "runId": plan.id, "jobName": name, "status": status_of(plan, now), "creationTime": float(plan.due_at),
        "startTime": plan.starts_at if now >= plan.starts_at else None,
        "endTime": plan.ends_at if now >= plan.ends_at else None,
        "updateTime": changed_at(plan, now), "runConfig": {}, "parentRunId": None, "assetSelection": None,
        "tags": _tags(**{"dagster/image": f"jobs:2026.{40 + plan.due_at // (7 * DAY) % 12}", **by}),
        "repositoryOrigin": {"repositoryName": REPOSITORY, "repositoryLocationName": LOCATIONS[plan.pipeline]},
    }  # fmt: skip


def with_steps(world: World, plan: Plan, now: int) -> dict[str, Any]:
    """One run with the figures of its steps and the plan behind them."""
    keys = [_key(step.name) for step in pipeline_of(plan).steps]
    waits = [
        {"key": key, "inputs": [{"dependsOn": [{"key": before}]}] if before else []}
        for key, before in zip(keys, [None, *keys], strict=False)
    ]
    stats = [_step(step) for step in steps_at(world, plan, now)]
    return {
        "runId": plan.id, "status": status_of(plan, now), "stepStats": stats, "executionPlan": {"steps": waits},
    }  # fmt: skip


def _step(step: StepRun) -> dict[str, Any]:
    is_over = step.ends_at is not None
    done = step.attempts if is_over else step.attempts - 1
    attempts = [{"startTime": step.starts_at, "endTime": step.ends_at or step.state.since} for _ in range(done)]
    return {
        "stepKey": _key(step.name), "status": STEP_STATUSES[step.state.type] if is_over else "IN_PROGRESS",
        "startTime": step.starts_at, "endTime": step.ends_at, "attempts": attempts,
    }  # fmt: skip


def with_events(plan: Plan, now: int) -> dict[str, Any]:
    """One run with those of its events that tell why it failed."""
    events: list[dict[str, Any]] = [{"__typename": "RunStartEvent"}]
    if now >= plan.ends_at and plan.outcome == "FAILED":
        key = _key(pipeline_of(plan).steps[plan.weak_step].name)
        wrapped = (
            f'dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op "{key}":\n'
        )
        error = {"__typename": "PythonError", "message": wrapped, "causes": [{"message": f"{plan.message}\n"}]}
        events += [
            {"__typename": "ExecutionStepFailureEvent", "stepKey": key, "error": error},
            {"__typename": "RunFailureEvent", "message": f"Execution of run failed. Steps failed: ['{key}'].",
             "error": None},
        ]  # fmt: skip
    elif now >= plan.ends_at and plan.outcome == "CRASHED":
        said = "Run worker ended unexpectedly with exit code 137 (out of memory)."
        events.append({"__typename": "RunFailureEvent", "message": said, "error": None})
    connection = {"cursor": str(len(events)), "hasMore": False, "events": events}
    return {"runId": plan.id, "eventConnection": connection}


def _key(name: str) -> str:
    return name.lower().replace(" ", "_")


def _tags(**pairs: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in pairs.items()]
