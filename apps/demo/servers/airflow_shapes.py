"""DAGs, runs, task instances and logs of the world in the shapes of Airflow's API v2."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.demo.world.calendar import is_weekend, iso
from apps.demo.world.dice import DAY, HOUR, MINUTE, World
from apps.demo.world.pipelines import Pipeline
from apps.demo.world.runs import Plan, pipeline_of
from apps.demo.world.steps import StepRun, steps_at

PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
RETIRED: dict[str, Any] = {  # nobody has owned it for long, so the catalog does not know it
    "dag_id": "gdpr_erasure", "dag_display_name": "gdpr_erasure", "is_paused": True, "is_stale": False,
    "description": "Erases what a customer asked us to forget; done by hand since the spring.",
    "timetable_summary": "0 4 * * *", "tags": [{"name": "privacy", "dag_id": "gdpr_erasure"}], "owners": ["airflow"],
    "next_dagrun_run_after": None, "bundle_name": "fernway-dags", "fileloc": "/opt/airflow/dags/gdpr_erasure.py",
}  # fmt: skip
STATES = {"COMPLETED": "success", "FAILED": "failed", "CRASHED": "failed", "CANCELLED": "failed"}
TASK_STATES = {**STATES, "RUNNING": "running", "SCHEDULED": "up_for_retry"}
DRAFT = "drafts/price_watch.py"
BROKEN_SHARE = 0.3  # of the working days on which somebody saves a draft that cannot be read


def dag_id(slug: str) -> str:
    """Airflow's people write names with underscores."""
    return slug.replace("-", "_")


def run_id(plan: Plan) -> str:
    """`scheduled__2026-11-23T20:20:00+00:00`."""
    moment = datetime.fromtimestamp(plan.due_at, UTC).isoformat()
    return f"{'manual' if plan.started_by else 'scheduled'}__{moment}"


def dag(pipeline: Pipeline, now: int) -> dict[str, Any]:
    """One DAG."""
    name = dag_id(pipeline.slug)
    coming = (slot for day in (now // DAY, now // DAY + 1) for slot in pipeline.schedule.slots(day) if slot > now)
    return {
        "dag_id": name, "dag_display_name": name, "is_paused": False, "is_stale": False,
        "description": pipeline.description, "timetable_summary": pipeline.schedule.cron,
        "tags": [{"name": pipeline.team, "dag_id": name}], "owners": [pipeline.team],
        "next_dagrun_run_after": iso(next(coming)), "bundle_name": "fernway-dags",
        "fileloc": f"/opt/airflow/dags/{name}.py",
    }  # fmt: skip


def state_of(plan: Plan, now: int) -> str:
    """Airflow has no word for what was cancelled or crashed: it failed."""
    if now >= plan.ends_at:
        return STATES[plan.outcome]
    return "running" if now >= plan.starts_at else "queued"


def changed_at(plan: Plan, now: int) -> float:
    """When a run last changed; Airflow filters and sorts by it but does not tell it."""
    return max(at for at in (plan.due_at, plan.starts_at, plan.ends_at) if at <= max(now, plan.due_at))


def run(world: World, plan: Plan, now: int) -> dict[str, Any]:
    """One run as it is at a time."""
    cancelled = plan.outcome == "CANCELLED" and now >= plan.ends_at
    version = 1 + plan.due_at // (9 * DAY) % 7
    return {
        "dag_run_id": run_id(plan), "dag_id": dag_id(plan.pipeline), "logical_date": iso(plan.due_at),
        "run_after": iso(plan.due_at), "queued_at": iso(plan.due_at + 0.2),
        "start_date": iso(plan.starts_at) if now >= plan.starts_at else None,
        "end_date": iso(plan.ends_at) if now >= plan.ends_at else None,
        "data_interval_start": iso(plan.due_at), "data_interval_end": iso(plan.due_at),
        "run_type": "manual" if plan.started_by else "scheduled",
        "triggered_by": "ui" if plan.started_by else "timetable", "triggering_user_name": plan.started_by or None,
        "state": state_of(plan, now), "conf": {"rerun_of": plan.rerun_of} if plan.rerun_of else {},
        "note": f"{plan.message}." if cancelled else None, "bundle_version": None, "partition_key": None,
        "dag_versions": [{
            "id": world.uuid("dag-version", plan.pipeline, version), "version_number": version,
            "dag_id": dag_id(plan.pipeline), "bundle_name": "fernway-dags", "bundle_version": None,
        }],
    }  # fmt: skip


def tasks(world: World, plan: Plan, now: int) -> list[dict[str, Any]]:
    """The task instances of a run: those that have begun, and those that wait or never will begin."""
    begun = {step.position: step for step in steps_at(world, plan, now)}
    found = []
    for position, step in enumerate(pipeline_of(plan).steps):
        state = None if now < plan.ends_at else "upstream_failed"
        found.append(_task(world, plan, position, step.name, begun.get(position), state))
    return found


def _task(
    world: World, plan: Plan, position: int, name: str, step: StepRun | None, waiting: str | None
) -> dict[str, Any]:
    task_id = name.lower().replace(" ", "_")
    state = TASK_STATES[step.state.type] if step else waiting
    return {
        "id": world.uuid("task", plan.id, position, step.attempts if step else 0), "task_id": task_id,
        "dag_id": dag_id(plan.pipeline), "dag_run_id": run_id(plan), "map_index": -1, "logical_date": iso(plan.due_at),
        "start_date": iso(step.starts_at) if step else None,
        "end_date": iso(step.ends_at) if step and step.ends_at is not None else None,
        "state": state, "try_number": step.attempts if step else 0, "max_tries": 2, "task_display_name": task_id,
        "operator": "PythonOperator", "pool": "default_pool", "rendered_map_index": None, "note": None,
    }  # fmt: skip


def log(plan: Plan, task_id: str, now: int) -> dict[str, Any]:
    """What a task wrote; the last error says why it failed."""
    events: list[dict[str, Any]] = [{"event": f"Running {task_id}", "level": "info", "timestamp": iso(plan.starts_at)}]
    if now >= plan.ends_at and plan.outcome == "FAILED":
        kind, _, value = plan.message.partition(": ")
        raised = {"exc_type": kind, "exc_value": value, "is_cause": False, "frames": []}
        events.append({"event": "Task failed with exception", "level": "error", "error_detail": [raised]})
    elif now >= plan.ends_at and plan.outcome != "COMPLETED":
        crash = "Process terminated by signal -9 (likely out of memory)"
        said = crash if plan.outcome == "CRASHED" else f"Task was marked failed. {plan.message}"
        events.append({"event": said, "level": "error"})
    return {"content": events, "continuation_token": None}


def health(now: int) -> dict[str, Any]:
    """Every part is well and was heard of lately."""
    return {
        part: {"status": "healthy"} | ({} if part == "metadatabase" else {f"latest_{part}_heartbeat": iso(now - 4)})
        for part in PARTS
    }


def import_errors(world: World, now: int) -> list[dict[str, Any]]:
    """On some afternoons a draft cannot be read for a while."""
    day = now // DAY
    began = day * DAY + 13 * HOUR + int(world.roll("draft", day) * 90) * MINUTE
    if is_weekend(day) or world.roll("broken draft", day) >= BROKEN_SHARE or not began <= now < began + 35 * MINUTE:
        return []
    trace = (
        f'Traceback (most recent call last):\n  File "/opt/airflow/dags/{DRAFT}", line 4, in <module>\n'
        "    import playwright\nModuleNotFoundError: No module named 'playwright'\n"
    )
    return [{
        "import_error_id": day, "timestamp": iso(began), "filename": DRAFT, "bundle_name": "fernway-dags",
        "stack_trace": trace,
    }]  # fmt: skip
