"""Goals 1 to 3: a prompt fetched from the server and from the client's memory, and how soon a moved label is served."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import time
import timeit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from apps.core.embedded import paths
from bench import asking
from bench.results import Result
from bench.servers import process
from bench.stage import Stage, free_port
from bench.timing import Options, cpu_of_tree

ADDRESS = "/api/v1/prompts/bench/{}?label=production"
MLFLOW = Path(__file__).parents[1] / ".live/mlflow/bin"  # made by `python -m tests.live.install`
FETCH = "prompt fetch, server CPU"
MOVES = 100
WATCHED_FOR = 0.25  # seconds after each
FILL = """
INSERT INTO prompts_prompt (source_id, external_id, name, folder, kind, description, labels, url, first_seen_at,
                            last_changed_at, latest_number, absences)
SELECT %(source)s, 'bench/' || n, 'bench/' || n, 'bench', 'text', '', '{}', '', now(), now(), 2, 0
FROM generate_series(%(first)s::int, %(last)s::int) AS n;
INSERT INTO prompts_promptversion (prompt_id, number, external_id, template, messages, model_config, variables,
                                   content_hash, commit_message, author, tags, url, created_at, first_seen_at, absences)
SELECT prompt.id, number, prompt.name || number, repeat('Answer from {{passages}}. ', 40), '[]', '{"model": "small"}',
       '{passages}', md5(prompt.name || number), '', '', '{}', '', now(), now(), 0
FROM prompts_prompt AS prompt, generate_series(1, 2) AS number
WHERE prompt.folder = 'bench' AND NOT EXISTS (SELECT 1 FROM prompts_promptversion WHERE prompt_id = prompt.id);
INSERT INTO prompts_promptlabel (prompt_id, name, version_id, moved_at, moved_by)
SELECT version.prompt_id, 'production', version.id, now(), '' FROM prompts_promptversion AS version
JOIN prompts_prompt AS prompt ON prompt.id = version.prompt_id
WHERE prompt.folder = 'bench' AND version.number = 1
  AND NOT EXISTS (SELECT 1 FROM prompts_promptlabel WHERE prompt_id = prompt.id);
ANALYZE prompts_prompt, prompts_promptversion, prompts_promptlabel
"""
MOVE = """
UPDATE prompts_promptlabel AS label SET version_id = version.id FROM prompts_promptversion AS version
WHERE version.prompt_id = label.prompt_id AND version.number = %(number)s
  AND label.prompt_id = (SELECT id FROM prompts_prompt WHERE name = 'bench/1')
"""
REGISTER = """
import mlflow
mlflow.genai.register_prompt(name="bench", template="Answer from {{passages}}. " * 40)
mlflow.genai.set_prompt_alias("bench", alias="production", version=1)
"""
CACHED = """
import timeit, mlflow
load = lambda: mlflow.genai.load_prompt("prompts:/bench@production")
load()
print(min(timeit.repeat(load, number=200, repeat=5)) / 200)
"""


def measure(stage: Stage, options: Options) -> Iterator[Result]:
    """Ours beside the floor, and beside a real MLflow where one is installed."""
    stage.use("prompts")
    token = _prepare(10)
    ports = free_port(), free_port()
    env = {"DATABASE_URL": stage.database_url, "LOG_LEVEL": "CRITICAL"}
    with ExitStack() as stack:
        portal = stack.enter_context(process.running(*_uvicorn(0, ports), port=ports[0], env=env))
        body = asyncio.run(_first_body(portal.port, token))
        env |= {"CONSTANT_TOKEN": token, "CONSTANT_BODY": body.decode()}
        floor = stack.enter_context(process.running(*_uvicorn(1, ports), port=ports[1], env=env))
        mine, least, rate = _fetches(portal, floor, token, options)
        against = "bare ASGI, same token check"
        yield Result(
            what="prompt fetch, server CPU", ours=mine * 1e6, against=against, theirs=least * 1e6, unit="µs", goal=1.6
        )
        yield from _freshness(asyncio.run(_moves(stage, portal.port, token)), mine)
        yield Result(what="fetches a second, one process", ours=rate, against="goal 2", theirs=20_000, unit="/s")
        yield from _growth(portal, token, mine)
        yield from _beside_mlflow(stage, portal.port, token, mine, stack)


def _fetches(portal: process.Server, floor: process.Server, token: str, options: Options) -> tuple[float, float, float]:
    """CPU seconds a request of both, and how many a second ours answers; medians of turns."""
    request = [asking.get(ADDRESS.format(1), token=token)]
    taken: dict[int, list[float]] = {portal.port: [], floor.port: []}
    rates, times = [], 8_000 if options.is_quick else 40_000
    for turn in range(options.pairs + 1):
        for server in (portal, floor):
            used = cpu_of_tree(server.pid)
            seconds = asyncio.run(asking.storm(server.port, request, times=times))
            if turn:
                taken[server.port].append((cpu_of_tree(server.pid) - used) / times)
                rates += [times / seconds] if server is portal else []
    return (*(statistics.median(taken[server.port]) for server in (portal, floor)), statistics.median(rates))  # type: ignore[return-value]


@dataclass(slots=True)
class Moved:
    """Seconds from the commit of one move: until the last question that is answered with the old version is asked,
    until that answer has come, and until the first answer with the new one has.

    `old`: how many were asked after the commit and answered with the old version, however busy the machine is.
    """

    asked: float
    answered: float
    fresh: float
    old: int


async def _moves(stage: Stage, port: int, token: str) -> list[Moved]:
    """What happened at each of many moves, while four clients fetch as fast as they are answered."""
    heard: list[tuple[bytes, float, float]] = []
    requests = [asking.get(ADDRESS.format(1), token=token)]
    askers = [await asking.connected(port, requests, lambda *one: heard.append(one)) for _ in range(4)]
    for asker in askers:
        asker.ask(10**9)
    conninfo, moved = paths.conninfo(stage.home, dbname=stage.database_url.rpartition("/")[2]), []
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as other:
        for turn in range(MOVES):
            await other.execute(MOVE, {"number": 2 - turn % 2})
            committed = time.perf_counter()
            heard.clear()
            await asyncio.sleep(WATCHED_FOR)
            moved.append(_moved(heard, b'"version":%d' % (2 - turn % 2), committed))
    for asker in askers:
        asker.close()
    return moved


def _moved(heard: Sequence[tuple[bytes, float, float]], wanted: bytes, committed: float) -> Moved:
    old = [(asked, came) for body, asked, came in heard if wanted not in body]
    return Moved(
        asked=max([0.0, *(asked - committed for asked, _ in old)]),
        answered=max([came - committed for _, came in old], default=0.0),
        fresh=min([came - committed for body, _, came in heard if wanted in body], default=WATCHED_FOR),
        old=sum(asked > committed for asked, _ in old),
    )


def _freshness(moved: Sequence[Moved], fetch: float) -> Iterator[Result]:
    """The times by the clock, and the old answers in the server's own time (`fetch` seconds of CPU each)."""

    def rank(name: str, share: float) -> float:
        values = sorted(getattr(one, name) for one in moved)
        return float(values[int(share * len(values)) - 1]) * 1e3

    what = "label moved, until no fetch is answered with the old"
    yield _beside_goal(f"{what}: by when it was asked, p99", rank("asked", 0.99), goal=1.0)
    yield _beside_goal(f"{what}: by when the answer came, p99", rank("answered", 0.99))
    for share, label in ((0.5, "median"), (0.99, "p99")):
        what = f"label moved, {label}"
        yield _beside_goal(f"{what}: old answers after the commit, in the server's CPU", rank("old", share) * fetch)
        yield _beside_goal(f"{what}: until the first answer with the new", rank("fresh", share))


def _beside_goal(what: str, milliseconds: float, *, goal: float | None = None) -> Result:
    return Result(what=what, ours=milliseconds, against="goal 2", theirs=50, unit="ms", goal=goal)


def _growth(portal: process.Server, token: str, few: float) -> Iterator[Result]:
    """The same fetch with 100,000 prompts, warm over 1,000 of them."""
    _fill(11, 100_000)
    requests = [asking.get(ADDRESS.format(n), token=token) for n in range(1, 1_001)]
    asyncio.run(asking.storm(portal.port, requests, times=1_000, clients=1))
    used, times = cpu_of_tree(portal.pid), 20_000
    asyncio.run(asking.storm(portal.port, requests, times=times, clients=8))
    many = (cpu_of_tree(portal.pid) - used) / times
    what = "prompt fetch, 100,000 prompts"
    yield Result(what=what, ours=many * 1e6, against="10 prompts", theirs=few * 1e6, unit="µs", goal=1.3)


def _beside_mlflow(stage: Stage, port: int, token: str, mine: float, stack: ExitStack) -> Iterator[Result]:
    ours = _client(port, token)
    if not (MLFLOW / "mlflow").is_file():
        yield Result(what="client, cached", ours=ours * 1e6, against="goal 3", theirs=2.6, unit="µs", goal=1.0)
        return
    server = stack.enter_context(_mlflow(stage.home / "mlflow"))
    env = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{server.port}", "PATH": "/usr/bin"}
    _script(REGISTER, env)
    request = [asking.get("/api/2.0/mlflow/registered-models/alias?name=bench&alias=production")]
    asyncio.run(asking.storm(server.port, request, times=40))
    used, times = cpu_of_tree(server.pid), 400
    asyncio.run(asking.storm(server.port, request, times=times))
    theirs = (cpu_of_tree(server.pid) - used) / times
    what = "prompt fetch, server CPU"
    yield Result(
        what=what, ours=mine * 1e6, against="MLflow", theirs=theirs * 1e6, unit="µs", goal=100, is_speedup=True
    )
    cached = float(_script(CACHED, env).strip().splitlines()[-1])
    what = "client, cached"
    yield Result(
        what=what, ours=ours * 1e6, against="MLflow SDK", theirs=cached * 1e6, unit="µs", goal=50, is_speedup=True
    )


def _client(port: int, token: str) -> float:
    """Seconds of a cached call of our client."""
    from opsportal.client import OpsPortalClient

    client = OpsPortalClient(f"http://127.0.0.1:{port}", token, ttl=3600, report_every=0)
    client.get_prompt("bench/1")
    taken = timeit.repeat(lambda: client.get_prompt("bench/1"), number=20_000, repeat=5)
    client.close()
    return min(taken) / 20_000


@contextmanager
def _mlflow(home: Path) -> Iterator[process.Server]:
    home.mkdir()
    port = free_port()
    command = [str(MLFLOW / "mlflow"), "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{home}/mlflow.db"]
    with process.started(command, port=port, cwd=home, seconds=600) as server:
        yield server


def _script(text: str, env: dict[str, str]) -> str:
    return subprocess.run(
        [str(MLFLOW / "python"), "-c", text], env=env, capture_output=True, text=True, check=True
    ).stdout


def _uvicorn(side: int, ports: tuple[int, int]) -> tuple[str, ...]:
    return (process.portal(ports[0]), process.uvicorn("bench.servers.constant:application", ports[1]))[side]


async def _first_body(port: int, token: str) -> bytes:
    """The answer, once the portal keeps it."""
    bodies: list[bytes] = []
    asker = await asking.connected(
        port, [asking.get(ADDRESS.format(1), token=token)], lambda body, *_: bodies.append(body)
    )
    asker.ask(1)
    await asker.done.wait()
    await asyncio.sleep(1)  # it begins to listen with the first question
    asker.ask(100)
    await asker.done.wait()
    asker.close()
    assert json.loads(bodies[-1])["version"] == 1
    return bodies[-1]


def _prepare(count: int) -> str:
    """The text of a token, with `count` prompts to fetch."""
    from django.utils import timezone

    from apps.accounts import services
    from apps.accounts.models import User

    user = User.objects.create_user("bench", password="correct horse battery", role="engineer")
    _fill(1, count)
    at = timezone.now()
    return services.create_token(user=user, name="bench", scopes=["prompt:read"], days=1, at=at)[1]


def _fill(first: int, last: int) -> None:
    from django.db import connection

    from apps.sources.models import Source

    source, _ = Source.objects.get_or_create(slug="bench-registry", defaults={"name": "Registry", "connector": "push"})
    with connection.cursor() as cursor:
        cursor.execute(FILL.replace("%'", "%%'"), {"source": source.pk, "first": first, "last": last})
