"""A Dagster webserver that answers the GraphQL questions that matter: workspace, daemons, runs, steps and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from apps.demo.servers import dagster_shapes as shapes
from apps.demo.servers.answers import Clock
from apps.demo.servers.pages import posted, route
from apps.demo.world.dice import DAY, World
from apps.demo.world.runs import LONGEST, Plan
from apps.demo.world.systems import plans_of

KEPT = 30 * DAY
MOST = 1_000  # runs in one answer
Answer = Callable[[World, int, dict[str, Any]], dict[str, Any]]


def create_dagster(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Dagster's pages would open."""
    return Starlette(routes=[route("/graphql", _graphql, world, clock, method="POST")])


def _graphql(world: World, now: int, request: Request) -> Any:
    """The answer to the first known question that the text holds."""
    asked = posted(request)
    text, variables = str(asked.get("query") or ""), asked.get("variables") or {}
    answer = next((answer for part, answer in QUESTIONS if part in text), None)
    if answer is None:
        return {"errors": [{"message": "Cannot query what this server does not have."}]}
    return {"data": answer(world, now, variables)}


def _version(_world: World, _now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1.13.27"}


def _workspace(world: World, _now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    return {"workspaceOrError": {"__typename": "Workspace", "locationEntries": shapes.locations(world)}}


def _daemons(_world: World, now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    return {"instance": {"daemonHealth": {"allDaemonStatuses": shapes.daemons(now)}}}


def _count(world: World, now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    return {"runsOrError": {"__typename": "Runs", "count": len(plans_of(world, "dagster", now - KEPT, now))}}


def _ids(world: World, now: int, asked: dict[str, Any]) -> dict[str, Any]:
    return {"runIdsOrError": {"__typename": "RunIds", "results": [plan.id for plan in _page(world, now, asked)]}}


def _runs(world: World, now: int, asked: dict[str, Any]) -> dict[str, Any]:
    return _results([shapes.run(plan, now) for plan in _page(world, now, asked)])


def _steps(world: World, now: int, asked: dict[str, Any]) -> dict[str, Any]:
    return _results([shapes.with_steps(world, plan, now) for plan in _page(world, now, asked)])


def _events(world: World, now: int, asked: dict[str, Any]) -> dict[str, Any]:
    return _results([shapes.with_events(plan, now) for plan in _page(world, now, asked)])


def _more_events(world: World, now: int, asked: dict[str, Any]) -> dict[str, Any]:
    found = _page(world, now, {"filter": {"runIds": [asked.get("run")]}})
    if not found:
        return {"runOrError": {"__typename": "RunNotFoundError", "message": "Run could not be found."}}
    nothing = {"cursor": "0", "hasMore": False, "events": []}
    return {"runOrError": {"__typename": "Run", "runId": found[0].id, "eventConnection": nothing}}


QUESTIONS: tuple[tuple[str, Answer], ...] = (  # what only this question holds, and who answers it
    ("workspaceOrError", _workspace), ("daemonHealth", _daemons), ("runIdsOrError", _ids),
    ("runOrError", _more_events), ("stepStats", _steps), ("eventConnection", _events), ("results", _runs),
    ("count", _count), ("version", _version),
)  # fmt: skip


def _results(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"runsOrError": {"__typename": "Runs", "results": results}}


def _page(world: World, now: int, asked: dict[str, Any]) -> list[Plan]:
    """The asked runs, newest first, after the run that the cursor names."""
    wanted = asked.get("filter") or {}
    since = float(wanted.get("updatedAfter") or 0)
    first = max(now - KEPT, int(since) - LONGEST if since else 0)
    if wanted.get("statuses") and "SUCCESS" not in wanted["statuses"]:
        first = now - LONGEST  # nothing older can still be open
    found = [plan for plan in plans_of(world, "dagster", first, now) if shapes.changed_at(plan, now) > since]
    if "runIds" in wanted:
        found = [plan for plan in found if plan.id in wanted["runIds"]]
    if "statuses" in wanted:
        found = [plan for plan in found if shapes.status_of(plan, now) in wanted["statuses"]]
    found.reverse()
    if asked.get("cursor"):
        place = next((place for place, plan in enumerate(found) if plan.id == asked["cursor"]), len(found))
        found = found[place + 1 :]
    return found[: min(int(asked.get("limit") or MOST), MOST)]
