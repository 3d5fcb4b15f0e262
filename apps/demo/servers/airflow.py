"""An Airflow 3 that is asked through its API v2: DAGs, runs, task instances and logs of the commerce platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from apps.demo.servers import airflow_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.pages import KEY, posted, route, span_of
from apps.demo.world.dice import DAY, World
from apps.demo.world.runs import LONGEST, Plan
from apps.demo.world.systems import pipelines_of, plans_of

VERSION = "3.3.2"
KEPT = 45 * DAY
USER = "opsportal"
ALL = "~"


def create_airflow(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Airflow's pages would open."""
    runs = "/api/v2/dags/{dag_id}/dagRuns"
    pages = {
        "/api/v2/dags": _dags, "/api/v2/importErrors": _import_errors, runs: _runs, f"{runs}/{{run_id}}": _run,
        f"{runs}/{{run_id}}/taskInstances": _tasks,
        f"{runs}/{{run_id}}/taskInstances/{{task_id}}/logs/{{number}}": _log,
    }  # fmt: skip
    routes = [route(path, page, world, clock) for path, page in pages.items()]
    routes += [
        route("/api/v2/version", _version, world, clock, is_open=True),
        route("/api/v2/monitor/health", _health, world, clock),
        route("/auth/token", _sign_in, world, clock, is_open=True, method="POST"),
    ]
    return Starlette(routes=routes)


def _version(_world: World, _now: int, _request: Request) -> Any:
    return {"version": VERSION, "git_version": None}


def _sign_in(_world: World, _now: int, request: Request) -> Any:
    told = posted(request)
    if (told.get("username"), told.get("password")) != (USER, KEY):
        return json_answer({"detail": "Invalid credentials"}, 401)
    return json_answer({"access_token": KEY}, 201)


def _health(_world: World, now: int, _request: Request) -> Any:
    return shapes.health(now)


def _listed(request: Request, key: str, items: list[Any]) -> dict[str, Any]:
    offset, limit = span_of(request)
    return {key: items[offset : offset + limit], "total_entries": len(items)}


def _dags(_world: World, now: int, request: Request) -> Any:
    found = [shapes.dag(pipeline, now) for pipeline in pipelines_of("airflow")]
    return _listed(request, "dags", sorted([*found, shapes.RETIRED], key=lambda dag: str(dag["dag_id"])))


def _import_errors(world: World, now: int, request: Request) -> Any:
    return _listed(request, "import_errors", shapes.import_errors(world, now))


def _runs(world: World, now: int, request: Request) -> Any:
    """Runs that the conditions let through; only those of the asked page are made."""
    dag_id, query = request.path_params["dag_id"], request.query_params
    since = _seconds(query.get("updated_at_gte"), now - KEPT)
    first = max(now - KEPT, int(since) - LONGEST)
    plans = [plan for plan in plans_of(world, "airflow", first, now) if dag_id in (ALL, shapes.dag_id(plan.pipeline))]
    plans = [plan for plan in plans if shapes.changed_at(plan, now) >= since]
    if states := query.getlist("state"):
        plans = [plan for plan in plans if shapes.state_of(plan, now) in states]
    if query.get("order_by") == "-updated_at":
        plans.sort(key=lambda plan: (shapes.changed_at(plan, now), plan.id), reverse=True)
    offset, limit = span_of(request)
    page = [shapes.run(world, plan, now) for plan in plans[offset : offset + limit]]
    return {"dag_runs": page, "total_entries": len(plans)}


def _run(world: World, now: int, request: Request) -> Any:
    plan = _found(world, now, request)
    return shapes.run(world, plan, now) if plan else _missing()


def _tasks(world: World, now: int, request: Request) -> Any:
    if request.path_params["dag_id"] == ALL:
        latest = plans_of(world, "airflow", now - DAY, now)[-1:]
        found = [task for plan in latest for task in shapes.tasks(world, plan, now)]
        return _listed(request, "task_instances", found)
    plan = _found(world, now, request)
    return _listed(request, "task_instances", shapes.tasks(world, plan, now)) if plan else _missing()


def _log(world: World, now: int, request: Request) -> Any:
    plan = _found(world, now, request)
    return shapes.log(plan, request.path_params["task_id"], now) if plan else _missing()


def _found(world: World, now: int, request: Request) -> Plan | None:
    """The run of a path; its id holds the time at which it was due."""
    run_id, wanted = request.path_params["run_id"], request.path_params["dag_id"]
    due_at = int(_seconds(run_id.partition("__")[2], 0))
    for plan in plans_of(world, "airflow", due_at, min(due_at, now)):
        if shapes.run_id(plan) == run_id and shapes.dag_id(plan.pipeline) == wanted:
            return plan
    return None


def _missing() -> Response:
    return json_answer({"detail": "The DagRun was not found"}, 404)


def _seconds(text: str | None, default: float) -> float:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return default
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
