"""The retrieval team's own register, as small teams write one: a JSON document of what is searched with what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from apps.demo.servers.answers import Clock
from apps.demo.servers.pages import route
from apps.demo.world.dice import World
from apps.demo.world.parts import DIMENSIONS, Part, parts


def create_retrieval(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where the register would answer."""
    return Starlette(routes=[route("/parts.json", _parts, world, clock, is_open=True)])


def _parts(world: World, now: int, _request: Request) -> Any:
    return {"parts": [_told(part) for part in parts(world, now)]}


def _told(part: Part) -> dict[str, str]:
    since = f"{datetime.fromtimestamp(part.since, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "part": part.component, "kind": part.kind, "where": part.environment, "version": part.version,
        "embedder": part.embedder, "dimensions": DIMENSIONS, "since": since, "by": part.by, "note": part.note,
    }  # fmt: skip
