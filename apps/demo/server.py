"""The demo's upstream systems in one small process: `python -m apps.demo.server --port 8900`.

It keeps nothing: every answer follows from the seed and the clock, so two of these agree and a restart loses nothing
but the deeds that somebody did by hand (`/stage`).
"""

from __future__ import annotations

import argparse
import socket
import time
from collections.abc import Sequence
from email.utils import formatdate
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.demo.servers.airflow import create_airflow
from apps.demo.servers.alertmanager import create_alertmanager
from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.argocd import create_argocd
from apps.demo.servers.dagster import create_dagster
from apps.demo.servers.github import create_github
from apps.demo.servers.gitlab import create_gitlab
from apps.demo.servers.kontor import create_kontor
from apps.demo.servers.kubernetes import create_kubernetes
from apps.demo.servers.langfuse import create_langfuse
from apps.demo.servers.litellm import create_litellm
from apps.demo.servers.mlflow import create_mlflow
from apps.demo.servers.openai import create_openai
from apps.demo.servers.phoenix import create_phoenix
from apps.demo.servers.prefect import create_prefect
from apps.demo.servers.prometheus import create_prometheus
from apps.demo.servers.retrieval import create_retrieval
from apps.demo.servers.stage import create_stage
from apps.demo.servers.statuspage import create_statuspage
from apps.demo.world.dice import World
from apps.demo.world.vendors import VENDORS

DEFAULT_PORT, DEFAULT_SEED = 8900, World().seed
SYSTEMS = {  # path -> what answers below it
    "/prometheus": create_prometheus, "/prefect/api": create_prefect, "/mlflow": create_mlflow,
    "/airflow": create_airflow, "/dagster": create_dagster, "/github": create_github, "/gitlab": create_gitlab,
    "/argocd": create_argocd, "/kubernetes": create_kubernetes, "/alertmanager": create_alertmanager,
    "/langfuse": create_langfuse, "/phoenix": create_phoenix, "/litellm": create_litellm, "/kontor": create_kontor,
    "/retrieval": create_retrieval,
    "/openai": create_openai,
}  # fmt: skip


def create_app(*, seed: int = DEFAULT_SEED, clock: Clock = time.time) -> Starlette:
    """All systems under one roof; `clock` tells the time of the world in seconds since 1970."""
    world = World(seed=seed)
    routes = [Mount(path, create(world, clock)) for path, create in SYSTEMS.items()]
    routes += [Mount(f"/status/{vendor.slug}", create_statuspage(world, clock, vendor)) for vendor in VENDORS]
    routes.append(Mount("/stage", create_stage(world, clock)))
    return Starlette(
        routes=[*routes, Route("/", partial(_about, world))], middleware=[Middleware(OwnDate, clock=clock)]
    )


class OwnDate:
    """Dates every answer by the clock of the world, which askers take for the systems' own."""

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self.app, self.clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self.clock(), usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
            await send(message)

        await self.app(scope, receive, dated if scope["type"] == "http" else send)


async def _about(world: World, _request: Request) -> Response:
    """What this is, for whoever opens it in a browser."""
    return json_answer(
        {
            "about": "Simulated upstream systems of Fernway, a company that does not exist.",
            "seed": world.seed,
            "systems": [*SYSTEMS, *(f"/status/{vendor.slug}" for vendor in VENDORS)],
        }
    )


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, *, seed: int) -> None:
        super().__init__(config)
        self.seed = seed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"Demo systems ready on http://{self.config.host}:{port} (seed {self.seed})", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m apps.demo.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"port to listen on ({DEFAULT_PORT}); 0 for any")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help=f"which world to show ({DEFAULT_SEED})")
    options = parser.parse_args(arguments)
    config = uvicorn.Config(
        create_app(seed=options.seed),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        date_header=False,
    )
    _Server(config, seed=options.seed).run()


if __name__ == "__main__":
    main()
