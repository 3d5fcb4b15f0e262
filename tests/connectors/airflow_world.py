"""A small Airflow: API v2 of Airflow 3, or API v1 of Airflow 2, over what tests put into it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from tests.connectors.upstream import Answer, Request
from tests.connectors.worlds import World, iso

TOKEN = "eyJhbGciOi.fresh-token.0123456789"
HEALTHY = {part: {"status": "healthy"} for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")}
OPEN = ("queued", "running")


@dataclass
class AirflowWorld(World):
    """`changed`: run id -> its hidden updated_at. `refused`: parts of paths that answer 403. `logs`: by task id."""

    generation: int = 3
    version: str = "3.3.2"
    users: dict[str, str] = field(default_factory=lambda: {"admin": "correct-horse"})
    dags: list[Any] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    tasks: list[Any] = field(default_factory=list)
    import_errors: list[Any] = field(default_factory=list)
    health: Any = field(default_factory=lambda: dict(HEALTHY))
    zones: dict[str, str] = field(default_factory=dict)
    logs: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    most: int = 100  # the server's maximum_page_limit

    def add_dag(self, dag_id: str, **more: Any) -> None:
        self.dags.append({
            "dag_id": dag_id, "dag_display_name": dag_id, "is_paused": False, "description": None,
            "timetable_summary": None, "tags": [{"name": "data", "dag_id": dag_id}], "owners": ["airflow"],
            "next_dagrun_run_after": None, "bundle_name": "dags-folder", **more,
        })  # fmt: skip

    def add_run(self, run_id: str, dag_id: str = "etl", state: str = "success", **more: Any) -> dict[str, Any]:
        """A run that changed ten minutes ago, unless `changed` says when."""
        changed = more.pop("changed", self.clock - timedelta(minutes=10))
        began = changed - timedelta(seconds=60)
        run = {
            "dag_run_id": run_id, "dag_id": dag_id, "logical_date": iso(began), "run_after": iso(began),
            "queued_at": iso(began), "start_date": None if state == "queued" else iso(began),
            "end_date": None if state in OPEN else iso(changed), "data_interval_start": None, "data_interval_end": None,
            "run_type": "manual", "triggered_by": "ui", "triggering_user_name": "ann", "state": state, "conf": {"n": 2},
            "note": None, "bundle_version": None, "partition_key": None,
            "dag_versions": [{"version_number": 1, "bundle_version": None}], **more,
        }  # fmt: skip
        self.runs.append(run)
        self.changed[run_id] = changed
        return run

    def change(self, run_id: str, **news: Any) -> None:
        """News about a run, as of now."""
        next(run for run in self.runs if run["dag_run_id"] == run_id).update(news)
        self.changed[run_id] = self.clock

    def add_task(self, task_id: str, run_id: str, state: str | None = "success", **more: Any) -> dict[str, Any]:
        run = next(run for run in self.runs if run["dag_run_id"] == run_id)
        has_begun = state not in (None, "scheduled", "queued", "upstream_failed")
        task = {
            "id": f"{task_id}-of-{run_id}", "task_id": task_id, "dag_id": run["dag_id"], "dag_run_id": run_id,
            "map_index": -1, "start_date": run["start_date"] if has_begun else None,
            "end_date": run["end_date"], "state": state, "try_number": 1 if has_begun else 0,
            "rendered_map_index": None, **more,
        }  # fmt: skip
        self.tasks.append(task)
        return task

    def add_import_error(self, file: str, exception: str) -> None:
        trace = f'Traceback (most recent call last):\n  File "{file}", line 1\n{exception}\n'
        self.import_errors.append({
            "import_error_id": len(self.import_errors) + 1, "timestamp": iso(self.clock), "filename": file,
            "bundle_name": "dags-folder", "stack_trace": trace,
        })  # fmt: skip

    def __call__(self, request: Request) -> Answer:
        prefix = "/api/v2/" if self.generation == 3 else "/api/v1/"
        if request.path == "/auth/token" and self.generation == 3:
            return self.sign_in(request)
        if not request.path.startswith(prefix):
            return self.answer({"detail": "Not Found"}, 404)
        path = request.path.removeprefix(prefix)
        if any(part in path for part in self.refused):
            return self.answer({"detail": "Forbidden"}, 403)
        if path == "version":
            return self.answer({"version": self.version, "git_version": None})
        if path == ("monitor/health" if self.generation == 3 else "health"):
            return self.answer(self.health)
        return self.route(path, request)

    def sign_in(self, request: Request) -> Answer:
        asked = request.json
        if self.users.get(asked["username"]) != asked["password"]:
            return self.answer({"detail": "Invalid credentials"}, 401)
        return self.answer({"access_token": TOKEN}, 201)

    def route(self, path: str, request: Request) -> Answer:
        if path == "dags":
            return self.page("dags", self.dags, request)
        if path == "importErrors":
            return self.page("import_errors", self.import_errors, request)
        if found := re.fullmatch(r"dags/([^/]+)/details", path):
            return self.answer({"dag_id": found[1], "timezone": self.zones.get(found[1], "UTC")})
        if path == "dags/~/dagRuns/~/taskInstances":
            return self.page("task_instances", self.tasks, request)
        if found := re.fullmatch(r"dags/([^/]+)/dagRuns", path):
            return self.page("dag_runs", self.asked_runs(found[1], request), request)
        if found := re.fullmatch(r"dags/([^/]+)/dagRuns/([^/]+)(/taskInstances(?:/([^/]+)/logs/(\d+))?)?", path):
            return self.one_run(found[1], unquote(found[2]), found[3] or "", found[4], request)
        return self.answer({"detail": "Not Found"}, 404)

    def asked_runs(self, dag_id: str, request: Request) -> list[Any]:
        query = request.query
        found = [run for run in self.runs if dag_id == "~" or (isinstance(run, dict) and run["dag_id"] == dag_id)]
        if "state" in query:
            found = [run for run in found if isinstance(run, dict) and run["state"] in OPEN]
        if "updated_at_gte" in query:
            since = datetime.fromisoformat(query["updated_at_gte"])
            assert since.tzinfo, "a naive time gives 500"
            found = [run for run in found if self.changed_at(run) >= since]
        if query.get("order_by") == "-updated_at":
            found.sort(key=self.changed_at, reverse=True)
        return found

    def changed_at(self, run: Any) -> datetime:
        return self.changed.get(run.get("dag_run_id"), self.clock) if isinstance(run, dict) else self.clock

    def one_run(self, dag_id: str, run_id: str, rest: str, task_id: str | None, request: Request) -> Answer:
        found = [run for run in self.runs if isinstance(run, dict) and run["dag_run_id"] == run_id]
        if not found:
            return self.answer({"detail": "The DagRun was not found"}, 404)
        if not rest:
            return self.answer(found[0])
        if task_id is None:
            own = [task for task in self.tasks if not isinstance(task, dict) or task.get("dag_run_id") == run_id]
            return self.page("task_instances", own, request)
        log = self.logs.get(task_id)
        return log if isinstance(log, Answer) else self.answer(log or {"content": []})

    def page(self, key: str, items: list[Any], request: Request) -> Answer:
        limit, offset = min(int(request.query["limit"]), self.most), int(request.query["offset"])
        return self.answer({key: items[offset : offset + limit], "total_entries": len(items)})


def failure_log(kind: str, value: str) -> dict[str, Any]:
    """What Airflow 3 logs when a task raises."""
    detail = [{"exc_type": kind, "exc_value": value, "is_cause": False, "frames": []}]
    return {
        "content": [
            {"event": "::group::Log message source details"},
            {"event": "Filling up the DagBag", "level": "info"},
            {"event": "Task failed with exception", "level": "error", "error_detail": detail},
            {"event": "Finished", "level": "error"},
        ]
    }


def small_world(generation: int = 3) -> AirflowWorld:
    """A DAG with four runs, another with a failed one, a file that cannot be read."""
    world = AirflowWorld(generation=generation, version="3.3.2" if generation == 3 else "2.11.2")
    world.add_dag("etl")
    world.add_dag("report")
    world.add_run("done")
    world.add_run("failed", "report", "failed")
    world.add_run("going", state="running")
    world.add_run("waiting", state="queued")
    world.add_task("extract", "done")
    world.add_task("boom", "failed", "failed")
    world.add_task("extract", "going", "running")
    world.logs["boom"] = failure_log("ValueError", "no rows")
    world.add_import_error("bad.py", "ModuleNotFoundError: No module named 'x'")
    return world
