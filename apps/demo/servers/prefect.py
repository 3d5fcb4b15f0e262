"""A Prefect server that is asked like any other: flows, deployments, flow runs and task runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from apps.demo.servers import prefect_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer, read_object
from apps.demo.servers.prefect_filters import (
    FLOWS,
    KEPT,
    RUN_SORTS,
    InvalidQuestion,
    RunFilter,
    find_runs,
    one_of,
    page_of,
    read_run_filter,
    sort_runs,
)
from apps.demo.world.dice import HOUR, World
from apps.demo.world.runs import Plan, find_plan, pipeline_of
from apps.demo.world.steps import steps_at
from apps.demo.world.systems import plans_of

VERSION = "3.8.8"
RECENT = 2 * HOUR  # whose steps are listed when no run is named
Ask = Callable[[World, float, dict[str, Any]], Any]


def create_prefect(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Prefect's API would answer."""
    pages: dict[str, Ask] = {
        "flows/filter": _flows, "flows/count": _count_flows, "deployments/filter": _deployments,
        "flow_runs/filter": _flow_runs, "flow_runs/count": _count_flow_runs, "flow_runs/paginate": _paginate,
        "task_runs/filter": _task_runs,
    }  # fmt: skip
    routes = [Route(f"/{path}", partial(_answer, ask, world, clock), methods=["POST"]) for path, ask in pages.items()]
    routes += [
        Route("/flow_runs/{run_id}", partial(_flow_run, world, clock)),
        Route("/health", _health),
        Route("/admin/version", _version),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})


async def _answer(ask: Ask, world: World, clock: Clock, request: Request) -> Response:
    body = await read_object(request)
    if body is None:
        detail = {"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}
        return json_answer(
            {"exception_message": "Invalid request received.", "exception_detail": [detail], "request_body": None}, 422
        )
    try:
        return json_answer(ask(world, clock(), body))
    except InvalidQuestion as error:
        return json_answer(error.body, 422)


def _flows(world: World, _now: float, body: dict[str, Any]) -> list[dict[str, Any]]:
    offset, limit = page_of(body)
    wanted = read_run_filter(world, {"flows": body.get("flows")}).flow_ids
    found = [shapes.flow(world, pipeline) for pipeline in FLOWS]
    found = sorted((flow for flow in found if wanted is None or flow["id"] in wanted), key=lambda flow: flow["name"])
    return found[offset : offset + limit]


def _count_flows(world: World, now: float, body: dict[str, Any]) -> int:
    return len(_flows(world, now, body))


def _deployments(world: World, _now: float, body: dict[str, Any]) -> list[dict[str, Any]]:
    offset, limit = page_of(body)
    wanted = read_run_filter(world, body)
    found = [
        shapes.deployment(world, pipeline)
        for pipeline in FLOWS
        if (wanted.flow_ids is None or shapes.flow_id(world, pipeline.slug) in wanted.flow_ids)
        and (wanted.deployment_ids is None or shapes.deployment_id(world, pipeline.slug) in wanted.deployment_ids)
    ]
    return found[offset : offset + limit]


def _wanted_runs(world: World, now: float, body: dict[str, Any]) -> list[Plan]:
    sort = body.get("sort", "ID_DESC")
    one_of(body, ["sort"], sort, RUN_SORTS)
    return sort_runs(find_runs(world, read_run_filter(world, body), now), sort)


def _flow_runs(world: World, now: float, body: dict[str, Any]) -> list[dict[str, Any]]:
    offset, limit = page_of(body)
    return [shapes.flow_run(world, plan, now) for plan in _wanted_runs(world, now, body)[offset : offset + limit]]


def _count_flow_runs(world: World, now: float, body: dict[str, Any]) -> int:
    return len(find_runs(world, read_run_filter(world, body), now))


def _paginate(world: World, now: float, body: dict[str, Any]) -> dict[str, Any]:
    _, limit = page_of(body)
    page = body.get("page", 1)
    if not isinstance(page, int) or page < 1:
        raise InvalidQuestion({"detail": "Invalid page: must be greater than or equal to 1."})
    found = _wanted_runs(world, now, body)
    begin = (page - 1) * limit
    return {
        "results": [shapes.flow_run(world, plan, now) for plan in found[begin : begin + limit]],
        "count": len(found),
        "limit": limit,
        "pages": -(-len(found) // limit) if limit else 0,
        "page": page,
    }


def _task_runs(world: World, now: float, body: dict[str, Any]) -> list[dict[str, Any]]:
    offset, limit = page_of(body)
    wanted = read_run_filter(world, body)
    found = [
        shapes.task_run(world, plan, step, now)
        for plan in _runs_of(world, wanted, now)
        for step in steps_at(world, plan, now)
    ]
    return sorted(found, key=lambda step: str(step["id"]), reverse=True)[offset : offset + limit]


def _runs_of(world: World, wanted: RunFilter, now: float) -> list[Plan]:
    """The runs whose steps are asked for: those named, or the recent ones."""
    if wanted.ids is None:
        return plans_of(world, "prefect", int(now) - RECENT, int(now))
    plans = (find_plan(world, run_id, int(now) - KEPT, int(now)) for run_id in wanted.ids)
    return [plan for plan in plans if plan and pipeline_of(plan) in FLOWS]


async def _flow_run(world: World, clock: Clock, request: Request) -> Response:
    now = clock()
    run_id = request.path_params["run_id"]
    plan = find_plan(world, run_id, int(now) - KEPT, int(now))
    if plan is None or pipeline_of(plan) not in FLOWS:
        coming = find_runs(world, read_run_filter(world, {"flow_runs": {"id": {"any_": [run_id]}}}), now)
        plan = coming[0] if coming else None
    if plan is None:
        return json_answer({"detail": "Flow run not found"}, 404)
    return json_answer(shapes.flow_run(world, plan, now))


async def _health(_request: Request) -> Response:
    return json_answer(True)


async def _version(_request: Request) -> Response:
    return json_answer(VERSION)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return json_answer({"detail": "Not Found"}, 404)


async def _not_allowed(_request: Request, _error: Exception) -> Response:
    return json_answer({"detail": "Method Not Allowed"}, 405)
