"""Kontor's two ways to say what it does: a JSON document of its own making, and a file with semicolons."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from apps.demo.servers.answers import Clock
from apps.demo.servers.pages import route
from apps.demo.world.dice import DAY, World
from apps.demo.world.kontor import JOBS, TRANSFERS, ZONE, KontorRun, kontor_runs, queue_depths

SHOWN = 21 * DAY


def create_kontor(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Kontor would answer; it is too old for keys."""
    return Starlette(
        routes=[
            route("/state.json", _state, world, clock, is_open=True),
            route("/night.csv", _night, world, clock, is_open=True),
        ]
    )


def _state(world: World, now: int, _request: Request) -> Any:
    runs = kontor_runs(world, JOBS, now - SHOWN, now)
    return {
        "system": "KONTOR 4.1",
        "jobs": [
            {"job": job.name, "title": job.about, "runs": [_run(run, now) for run in runs if run.job == job]}
            for job in JOBS
        ],
        "queues": [{"queue": name, "depth": depth} for name, depth in queue_depths(world, now).items()],
    }


def _run(run: KontorRun, now: int) -> dict[str, Any]:
    is_over = now >= run.ends_at
    return {
        "begin": _local(run.starts_at), "end": _local(run.ends_at) if is_over else None,
        "rc": f"{run.code:04d}" if is_over else None, "records": run.rows if is_over else None,
    }  # fmt: skip


def _night(world: World, now: int, _request: Request) -> Response:
    lines = ["Job;Start;End;RC;Records"]
    for run in kontor_runs(world, TRANSFERS, now - SHOWN, now):
        told = _run(run, now)
        cells = (run.job.name, told["begin"], told["end"] or "", told["rc"] or "", told["records"] or "")
        lines.append(";".join(map(str, cells)))
    return Response("\n".join([*lines, ""]), media_type="text/csv; charset=utf-8")


def _local(at: int) -> str:
    return f"{datetime.fromtimestamp(at, ZoneInfo(ZONE)):%d.%m.%Y %H:%M:%S}"
