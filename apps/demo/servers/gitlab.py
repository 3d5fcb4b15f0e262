"""GitLab's REST API over the projects of the documents team: pipelines and jobs, deployments, releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from apps.demo.servers import gitlab_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.pages import page_of, route
from apps.demo.world.dice import DAY, World
from apps.demo.world.rollouts import Build, Rollout, builds, rollouts
from apps.demo.world.systems import repositories_in

KEPT = 90 * DAY
LIMIT = 2000  # questions a minute


def create_gitlab(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where GitLab's pages would open."""
    root = "/api/v4/projects/{project:path}"
    pages = {
        f"{root}/pipeline_schedules": _schedules, f"{root}/pipelines": _pipelines,
        f"{root}/pipelines/{{number:int}}": _pipeline, f"{root}/pipelines/{{number:int}}/jobs": _jobs,
        f"{root}/deployments": _deployments, f"{root}/releases": _releases,
        "/api/v4/projects/{project:path}": _project,
    }  # fmt: skip
    return Starlette(routes=[route(path, page, world, clock) for path, page in pages.items()])


def _answer(now: int, data: Any, headers: dict[str, str] | None = None) -> Response:
    answer = json_answer(data)
    used = {"RateLimit-Limit": str(LIMIT), "RateLimit-Remaining": str(LIMIT - 30)}
    answer.headers.update({**used, "RateLimit-Reset": str(now - now % 60 + 60), **(headers or {})})
    return answer


def _missing() -> Response:
    return json_answer({"message": "404 Project Not Found"}, 404)


def _name(request: Request) -> str:
    """The project of a path, by its number or by its full path; "" for none."""
    told = str(request.path_params["project"])
    known = {name: (str(shapes.project_id(name)), shapes.path_of(name)) for name in repositories_in("gitlab")}
    return next((name for name, names in known.items() if told in names), "")


def _project(_world: World, now: int, request: Request) -> Any:
    name = _name(request)
    return _answer(now, shapes.project(name)) if name else _missing()


def _schedules(_world: World, now: int, _request: Request) -> Any:
    return _answer(now, [])


def _builds(world: World, now: int, name: str) -> list[Build]:
    return [build for build in builds(world, name, now) if build.starts_at > now - KEPT] if name else []


def _sorted(request: Request, pairs: list[tuple[float, Any]]) -> list[Any]:
    """What changed since the asked time, by that time or by age, in the asked direction."""
    since = _seconds(request.query_params.get("updated_after", ""))
    is_by_change = request.query_params.get("order_by") == "updated_at"
    found = [(at if is_by_change else item.number, item) for at, item in pairs if at >= since]
    found.sort(key=lambda pair: (pair[0], pair[1].number), reverse=request.query_params.get("sort", "desc") == "desc")
    return [item for _, item in found]


def _pipelines(world: World, now: int, request: Request) -> Any:
    pairs: list[tuple[float, Any]] = [(shapes.changed_at(one, now), one) for one in _builds(world, now, _name(request))]
    page, headers = page_of(request, _sorted(request, pairs))
    return _answer(now, [shapes.pipeline(world, build, now) for build in page], headers)


def _found(world: World, now: int, request: Request) -> Build | None:
    number = request.path_params["number"]
    return next((build for build in _builds(world, now, _name(request)) if build.number == number), None)


def _pipeline(world: World, now: int, request: Request) -> Any:
    build = _found(world, now, request)
    return _answer(now, shapes.whole_pipeline(world, build, now)) if build else _missing()


def _jobs(world: World, now: int, request: Request) -> Any:
    build = _found(world, now, request)
    return _answer(now, shapes.jobs(build, now)) if build else _missing()


def _deployments(world: World, now: int, request: Request) -> Any:
    name, wanted = _name(request), request.query_params.get("environment")
    known: list[Rollout] = rollouts(world, name, now) if name else []
    pairs: list[tuple[float, Any]] = [
        (one.ends_at if one.ends_at <= now else one.starts_at, one)
        for one in known
        if one.starts_at > now - KEPT and wanted in (None, one.environment)
    ]
    page, headers = page_of(request, _sorted(request, pairs))
    return _answer(now, [shapes.deployment(world, one, now) for one in page], headers)


def _releases(world: World, now: int, request: Request) -> Any:
    known = _builds(world, now, _name(request))
    found = [build for build in reversed(known) if build.kind == "release" and build.ends_at <= now]
    page, headers = page_of(request, found)
    return _answer(now, [shapes.release(build) for build in page], headers)


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
