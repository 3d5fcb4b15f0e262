"""How the servers of this folder answer: pages as functions of world and time, keys, ETags and pages of lists."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from apps.demo.servers.answers import Clock, json_answer
from apps.demo.world.dice import World

KEY = "fernway-demo-key"  # opens every simulated system; none of them holds a secret
Page = Callable[[World, int, Request], Any]  # JSON types, or a finished answer


def route(path: str, page: Page, world: World, clock: Clock, *, is_open: bool = False, method: str = "GET") -> Route:
    """A page at a path; who does not show the key is refused, unless the page is open to all."""
    return Route(path, partial(_answer, page, world, clock, is_open), methods=[method])


async def _answer(page: Page, world: World, clock: Clock, is_open: bool, request: Request) -> Response:
    if not is_open and not shows_key(request):
        return json_answer({"message": "401 Unauthorized", "detail": "Invalid credentials"}, 401)
    if request.method == "POST":
        request.state.body = await request.body()
    found = page(world, int(clock()), request)
    return found if isinstance(found, Response) else json_answer(found)


def shows_key(request: Request) -> bool:
    """Whether a question carries the key in any of the ways that vendors have for it."""
    told = request.headers.get("authorization", "")
    if told.startswith("Basic "):
        try:
            return base64.b64decode(told[6:]).decode("utf-8", "replace").endswith(f":{KEY}")
        except (ValueError, binascii.Error):
            return False
    return told == f"Bearer {KEY}" or request.headers.get("private-token") == KEY


def posted(request: Request) -> dict[str, Any]:
    """The JSON object of a POST, {} for anything else."""
    try:
        data = orjson.loads(request.state.body or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def with_etag(request: Request, data: Any, headers: Mapping[str, str] | None = None) -> Response:
    """The data with its ETag, or 304 without a body when the asker has it already."""
    body = orjson.dumps(data)
    etag = f'W/"{blake2b(body, digest_size=16).hexdigest()}"'
    more = {**(headers or {}), "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=more)
    return Response(body, media_type="application/json", headers=more)


def page_of(request: Request, items: Sequence[Any], *, most: int = 100) -> tuple[list[Any], dict[str, str]]:
    """The asked page of a list by `page` and `per_page`, and the Link header when there are more."""
    size = min(max(_number(request, "per_page", 30), 1), most)
    number = max(_number(request, "page", 1), 1)
    start = (number - 1) * size
    if start + size >= len(items):
        return list(items[start : start + size]), {}
    following = request.url.include_query_params(page=number + 1, per_page=size)
    return list(items[start : start + size]), {"Link": f'<{following}>; rel="next"'}


def span_of(request: Request, *, most: int = 100) -> tuple[int, int]:
    """(offset, limit) of a question."""
    return max(_number(request, "offset", 0), 0), min(max(_number(request, "limit", most), 1), most)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else default
