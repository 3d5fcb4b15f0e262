"""The Phoenix of the documents team: prompts with tags, hourly numbers of two projects, and experiments."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from apps.demo.servers import phoenix_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.pages import posted, route
from apps.demo.world.dice import DAY, World
from apps.demo.world.experiments import experiments_in
from apps.demo.world.prompts import versions_until
from apps.demo.world.systems import prompts_in

VERSION = "20.26.1"
KEPT = 14 * DAY  # for which experiments are shown: Phoenix's own people tidy up
PROMPTS = prompts_in("phoenix")
Answer = Callable[[World, int, dict[str, Any]], dict[str, Any]]
PROJECT_IDS = re.compile(r"i(\d+)")


def create_phoenix(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Phoenix's pages would open; inside the company it asks for no key."""
    return Starlette(
        routes=[
            route("/graphql", _graphql, world, clock, is_open=True, method="POST"),
            route("/v1/prompts", _rest_prompts, world, clock, is_open=True),
            route("/v1/prompts/{prompt_id}/versions", _rest_versions, world, clock, is_open=True),
        ]
    )


def _told(data: Any) -> Response:
    answer = json_answer(data)
    answer.headers["X-Phoenix-Server-Version"] = VERSION
    return answer


def _graphql(world: World, now: int, request: Request) -> Response:
    """The answer to the first known question that the text holds."""
    asked = posted(request)
    text, variables = str(asked.get("query") or ""), asked.get("variables") or {}
    answer = next((answer for part, answer in QUESTIONS if part in text), None)
    if answer is None:
        return _told({"data": None, "errors": [{"message": "Cannot query what this server does not have."}]})
    return _told({"data": answer(world, now, variables)})


def _counts(_world: World, _now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    return {"projects": shapes.connection([]), "datasetCount": len(PROMPTS)}


def _prompts(world: World, now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    found = [shapes.outline(world, versions_until(world, name, now), now) for name in PROMPTS]
    return {"prompts": shapes.connection(found)}


def _projects(world: World, _now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    return {"projects": shapes.connection([shapes.project(world, name) for name in PROMPTS])}


def _datasets(world: World, now: int, _asked: dict[str, Any]) -> dict[str, Any]:
    runs = experiments_in(world, "phoenix", now - KEPT, now)
    found = [shapes.dataset(world, name, [one for one in runs if one.feature == name][:50], now) for name in PROMPTS]
    return {"datasets": shapes.connection(found)}


def _experiment(world: World, now: int, asked: dict[str, Any]) -> dict[str, Any]:
    runs = experiments_in(world, "phoenix", now - KEPT, now)
    found = next((one for one in runs if shapes.experiment_id(one) == asked.get("id")), None)
    return {"node": shapes.whole_experiment(world, found, now) if found else None}


def _hours(world: World, now: int, asked: dict[str, Any]) -> dict[str, Any]:
    span = asked.get("range") or {}
    begin, end = (int(datetime.fromisoformat(span[key]).timestamp()) for key in ("start", "end"))
    names = {shapes.project_id(name): name for name in PROMPTS}
    places = {key: asked[key] for key in asked if PROJECT_IDS.fullmatch(key)}
    return {
        f"p{key[1:]}": shapes.hours(world, names[own], begin, min(end, now)) if own in names else None
        for key, own in places.items()
    }


QUESTIONS: tuple[tuple[str, Answer], ...] = (  # what only this question holds, and who answers it
    ("datasetCount", _counts), ("TimeSeries", _hours), ("on Experiment", _experiment), ("prompts(", _prompts),
    ("datasets(", _datasets), ("projects(", _projects),
)  # fmt: skip


def _rest_prompts(world: World, now: int, _request: Request) -> Response:
    found = [shapes.rest_prompt(world, versions_until(world, name, now)) for name in PROMPTS]
    return _told({"data": found, "next_cursor": None})


def _rest_versions(world: World, now: int, request: Request) -> Response:
    """The versions of one prompt, newest first; the cursor is the place of the next one."""
    wanted = request.path_params["prompt_id"]
    name = next((name for name in PROMPTS if shapes.prompt_id(name) == wanted), "")
    if not name:
        return PlainTextResponse("Prompt not found", status_code=404)
    found = [shapes.rest_version(one) for one in reversed(versions_until(world, name, now))]
    start, size = int(request.query_params.get("cursor") or 0), int(request.query_params.get("limit") or 100)
    following = str(start + size) if start + size < len(found) else None
    return _told({"data": found[start : start + size], "next_cursor": following})
