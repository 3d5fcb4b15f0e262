"""The Langfuse project of the support tools team: prompts, hourly metrics and scores, and experiments."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from apps.demo.servers import langfuse_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.pages import route
from apps.demo.world.dice import DAY, World
from apps.demo.world.experiments import experiments_in
from apps.demo.world.prompts import versions_until
from apps.demo.world.systems import prompts_in

KEPT = 30 * DAY
PROMPTS = prompts_in("langfuse")


def create_langfuse(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Langfuse's pages would open."""
    pages = {
        "projects": _projects, "v2/prompts": _prompts, "v2/prompts/{name}": _prompt, "v2/metrics": _metrics,
        "v2/datasets": _datasets, "experiments": _experiments, "experiment-items": _items,
    }  # fmt: skip
    routes = [route(f"/api/public/{path}", page, world, clock) for path, page in pages.items()]
    return Starlette(routes=[*routes, route("/api/public/health", _health, world, clock, is_open=True)])


def _health(_world: World, _now: int, _request: Request) -> Any:
    return {"status": "OK", "version": "4.2.0"}


def _projects(_world: World, _now: int, _request: Request) -> Any:
    organization = {"id": "fernway", "name": "Fernway"}
    return {"data": [{"id": shapes.PROJECT, "name": "Support tools", "organization": organization, "metadata": {}}]}


def _numbered(request: Request, items: list[Any]) -> dict[str, Any]:
    page, size = int(request.query_params.get("page") or 1), int(request.query_params.get("limit") or 50)
    meta = {"page": page, "limit": size, "totalItems": len(items), "totalPages": -(-len(items) // size)}
    return {"data": items[(page - 1) * size : page * size], "meta": meta}


def _prompts(world: World, now: int, request: Request) -> Any:
    """Prompts with those of their versions that pass the filters."""
    query = request.query_params
    since = _seconds(query.get("fromUpdatedAt"))
    found = [
        shapes.meta(world, versions_until(world, name, now), now, since)
        for name in sorted(PROMPTS)
        if query.get("name") in (None, name)
    ]
    return _numbered(request, [meta for meta in found if meta["versions"]])


def _prompt(world: World, now: int, request: Request) -> Any:
    name, number = request.path_params["name"], int(request.query_params.get("version") or 0)
    versions = versions_until(world, name, now) if name in PROMPTS else ()
    if not 1 <= number <= len(versions):
        return json_answer({"message": f"Prompt not found: '{name}'", "error": "LangfuseNotFoundError"}, 404)
    return shapes.version(world, versions[number - 1], versions, now)


def _metrics(world: World, now: int, request: Request) -> Any:
    try:
        asked = json.loads(request.query_params.get("query") or "")
        begin, end = (int(_seconds(asked[key])) for key in ("fromTimestamp", "toTimestamp"))
        view, fields = asked["view"], {item["field"] for item in asked["dimensions"]}
    except (ValueError, KeyError, TypeError):
        return json_answer({"message": "Invalid request data", "error": "InvalidRequestError"}, 400)
    rows = shapes.rows(world, PROMPTS, view, fields, begin, min(end, now))
    return {"data": rows[: asked.get("config", {}).get("row_limit", 100)]}


def _datasets(world: World, now: int, request: Request) -> Any:
    return _numbered(request, [shapes.dataset(world, name, now) for name in PROMPTS])


def _experiments(world: World, now: int, request: Request) -> Any:
    since = max(now - KEPT, int(_seconds(request.query_params.get("fromStartTime"))))
    found = experiments_in(world, "langfuse", since, now)
    start, size = int(request.query_params.get("cursor") or 0), int(request.query_params.get("limit") or 50)
    meta = {"cursor": str(start + size)} if start + size < len(found) else {}
    return {"data": [shapes.experiment(world, one, now) for one in found[start : start + size]], "meta": meta}


def _items(world: World, now: int, request: Request) -> Any:
    wanted = request.query_params.get("experimentId")
    found = [one for one in experiments_in(world, "langfuse", now - KEPT, now) if one.id == wanted]
    return {"data": [item for one in found for item in shapes.items(world, one, now)], "meta": {}}


def _seconds(text: str | None) -> float:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
