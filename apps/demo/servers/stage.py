"""The stage door: what a person may do to the demo's company while one looks at the portal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from apps.demo.servers.answers import Clock, json_answer
from apps.demo.world import parts
from apps.demo.world.dice import World
from apps.demo.world.prompts import aliases_at, versions_until
from apps.demo.world.sheets import SHEETS
from apps.demo.world.stage import Deed

PROMPT = "search-answers"
Scene = Callable[[World, int], Deed]


def _swap_embedder(_world: World, now: int) -> Deed:
    """Search Clause Finder's index with another embedder, in production only."""
    return Deed(doing="embedder", subject="production", value=parts.OTHER_EMBEDDER, at=now, by="lukas.brandt")


def _restore_embedder(_world: World, now: int) -> Deed:
    """Go back to the embedder with which Clause Finder's index was built."""
    return Deed(doing="embedder", subject="production", value=parts.EMBEDDER, at=now, by="mei.lin")


def _bad_prompt(_world: World, now: int) -> Deed:
    """Put a version of Search Answers' prompt live that looks fine and gives worse answers."""
    flaw = next(flaw for flaw in SHEETS[PROMPT].flaws if flaw.kind in ("loose", "evasive"))
    return Deed(doing="publish", subject=PROMPT, value=flaw.key, at=now)


def _good_prompt(world: World, now: int) -> Deed:
    """Point production of Search Answers' prompt at the version before the present one."""
    present = aliases_at(versions_until(world, PROMPT, now), now)["production"]
    return Deed(doing="move", subject=PROMPT, value="production", number=max(1, present - 1), at=now)


SCENES: dict[str, Scene] = {
    "swap-embedder": _swap_embedder,
    "restore-embedder": _restore_embedder,
    "bad-prompt": _bad_prompt,
    "good-prompt": _good_prompt,
}


def create_stage(world: World, clock: Clock) -> Starlette:
    """The application: GET / tells the scenes, POST /<scene> plays one."""
    return Starlette(
        routes=[Route("/", _scenes), Route("/{scene}", partial(_play, world, clock), methods=["POST"])],
    )


async def _scenes(_request: Request) -> Response:
    return json_answer({name: (scene.__doc__ or "").strip() for name, scene in SCENES.items()})


async def _play(world: World, clock: Clock, request: Request) -> Response:
    scene = SCENES.get(request.path_params["scene"])
    if scene is None:
        return json_answer({"error": f"There is no such scene; there are {', '.join(SCENES)}."}, 404)
    deed = scene(world, int(clock()))
    world.stage.add(deed)
    return json_answer({"done": (scene.__doc__ or "").strip(), "at": deed.at})
