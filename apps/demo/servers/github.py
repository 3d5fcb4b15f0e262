"""GitHub's REST API over Fernway's repositories: workflows, runs and jobs, deployments and statuses, releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from apps.demo.servers import github_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.pages import page_of, route, with_etag
from apps.demo.world.dice import DAY, World
from apps.demo.world.rollouts import Build, Rollout, builds, rollouts
from apps.demo.world.systems import ROLLED_OUT_BY, repositories_in

KEPT = 90 * DAY
LIMIT = 5000  # questions an hour


def create_github(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where GitHub's API would answer."""
    root = f"/repos/{shapes.OWNER}/{{name}}"
    pages = {
        root: _repository, f"{root}/actions/workflows": _workflows, f"{root}/actions/runs": _runs,
        f"{root}/actions/workflows/{{workflow:int}}/runs": _runs, f"{root}/actions/runs/{{number:int}}": _run,
        f"{root}/actions/runs/{{number:int}}/jobs": _jobs, f"{root}/deployments": _deployments,
        f"{root}/deployments/{{number:int}}": _deployment, f"{root}/deployments/{{number:int}}/statuses": _statuses,
        f"{root}/releases": _releases,
    }  # fmt: skip
    return Starlette(routes=[route(path, page, world, clock) for path, page in pages.items()])


def _answer(request: Request, now: int, data: Any, headers: dict[str, str] | None = None) -> Response:
    """The data with ETag and the budget; a demo's asker never comes near its end."""
    used = 40 + now % 3600 // 60 * 35
    budget = {
        "X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(LIMIT - used),
        "X-RateLimit-Reset": str(now - now % 3600 + 3600),
    }  # fmt: skip
    return with_etag(request, data, {**budget, **(headers or {})})


def _known(request: Request) -> str:
    name: str = request.path_params["name"]
    return name if name in repositories_in("github") else ""


def _missing() -> Response:
    return json_answer(
        {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}, 404
    )


def _repository(world: World, now: int, request: Request) -> Any:
    name = _known(request)
    return _answer(request, now, shapes.repository(world, name)) if name else _missing()


def _workflows(_world: World, now: int, request: Request) -> Any:
    name = _known(request)
    if not name:
        return _missing()
    found = [shapes.workflow(name, kind) for kind in shapes.WORKFLOWS]
    return _answer(request, now, {"total_count": len(found), "workflows": found})


def _builds(world: World, now: int, name: str) -> list[Build]:
    return [build for build in reversed(builds(world, name, now)) if build.starts_at > now - KEPT]


def _runs(world: World, now: int, request: Request) -> Any:
    name = _known(request)
    if not name:
        return _missing()
    after, before = _span(request.query_params.get("created", ""))
    found = [build for build in _builds(world, now, name) if after <= build.starts_at <= before]
    if (workflow := request.path_params.get("workflow")) is not None:
        found = [build for build in found if shapes.workflow_id(name, build.kind) == workflow]
    page, headers = page_of(request, found)
    runs = [shapes.run(world, build, now) for build in page]
    return _answer(request, now, {"total_count": len(found), "workflow_runs": runs}, headers)


def _run(world: World, now: int, request: Request) -> Any:
    build = _found_build(world, now, request)
    return _answer(request, now, shapes.run(world, build, now)) if build else _missing()


def _jobs(world: World, now: int, request: Request) -> Any:
    build = _found_build(world, now, request)
    if build is None:
        return _missing()
    found = shapes.jobs(build, now)
    return _answer(request, now, {"total_count": len(found), "jobs": found})


def _found_build(world: World, now: int, request: Request) -> Build | None:
    number = request.path_params["number"]
    return next((build for build in _builds(world, now, _known(request)) if build.number == number), None)


def _rollouts(world: World, now: int, name: str) -> list[Rollout]:
    """The deployments of a repository, newest first; what others roll out, GitHub does not know."""
    if ROLLED_OUT_BY.get(name) != "github":
        return []
    return [one for one in reversed(rollouts(world, name, now)) if one.starts_at > now - KEPT]


def _deployments(world: World, now: int, request: Request) -> Any:
    name, wanted = _known(request), request.query_params.get("environment")
    if not name:
        return _missing()
    found = [one for one in _rollouts(world, now, name) if wanted in (None, one.environment)]
    page, headers = page_of(request, found)
    return _answer(request, now, [shapes.deployment(world, one, now) for one in page], headers)


def _deployment(world: World, now: int, request: Request) -> Any:
    found = _found_rollout(world, now, request)
    return _answer(request, now, shapes.deployment(world, found, now)) if found else _missing()


def _statuses(world: World, now: int, request: Request) -> Any:
    found = _found_rollout(world, now, request)
    if found is None:
        return _missing()
    later = [
        one.ends_at
        for one in _rollouts(world, now, found.service)
        if one.environment == found.environment and one.starts_at > found.starts_at and one.ends_at <= now
    ]
    return _answer(request, now, shapes.statuses(found, now, replaced_at=min(later, default=None)))


def _found_rollout(world: World, now: int, request: Request) -> Rollout | None:
    number = request.path_params["number"]
    return next((one for one in _rollouts(world, now, _known(request)) if one.number == number), None)


def _releases(world: World, now: int, request: Request) -> Any:
    name = _known(request)
    if not name:
        return _missing()
    found = [build for build in _builds(world, now, name) if build.kind == "release" and build.ends_at <= now]
    page, headers = page_of(request, found)
    return _answer(request, now, [shapes.release(build) for build in page], headers)


def _span(text: str) -> tuple[float, float]:
    """From and to of a filter such as `>=2026-11-01T00:00:00Z` or `2026-11-01T00:00:00Z..2026-11-08T00:00:00Z`."""
    first, _, last = text.removeprefix(">=").partition("..")
    return _seconds(first, 0.0), _seconds(last, 9e9)


def _seconds(text: str, default: float) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return default
