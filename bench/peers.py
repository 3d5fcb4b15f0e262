"""Real servers of others with a history of runs, written straight into their own SQLite files.

They are there after `python -m tests.live.install`; each is one process, as it starts by itself.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from bench import asking
from bench.servers import process
from bench.stage import free_port
from bench.timing import cpu_of_tree

PLACE = Path(__file__).parents[1] / ".live"
STARTS_WITHIN = 600.0  # seconds
RUNS = 100_000
PAGE = 50
PIPELINES = 1_000
CALLS = 20
EVERY = timedelta(seconds=26)  # so that they lie in thirty days
TOOK = timedelta(seconds=40)


@dataclass(frozen=True, slots=True)
class Peer:
    """A server: its program below `.live`, its arguments and environment, how it is filled and asked for `PAGE` runs.

    `first` is asked once before it is filled, so that it has made its tables.
    """

    name: str
    program: str
    arguments: Callable[[Path, int], Sequence[str]]
    env: Callable[[Path], dict[str, str]]
    file: str
    fill: Callable[[sqlite3.Connection], None]
    first: bytes
    page: bytes

    @property
    def is_installed(self) -> bool:
        return (PLACE / self.program).is_file()


def page_cost(peer: Peer, home: Path) -> float:
    """Seconds of CPU that the server takes for the newest page of `RUNS` runs; the median of some calls."""
    home.mkdir()
    port = free_port()
    command = [str(PLACE / peer.program), *peer.arguments(home, port)]
    with process.started(command, port=port, cwd=home, env=peer.env(home), seconds=STARTS_WITHIN) as server:
        asyncio.run(asking.storm(port, [peer.first], times=1, clients=1))
        with closing(sqlite3.connect(home / peer.file, timeout=60)) as database:
            peer.fill(database)
            database.commit()
            database.execute("ANALYZE")
        asyncio.run(_check(port, peer.page))
        taken = []
        for _ in range(CALLS):
            used = cpu_of_tree(server.pid)
            asyncio.run(asking.storm(port, [peer.page], times=1, clients=1))
            taken.append(cpu_of_tree(server.pid) - used)
    return statistics.median(taken)


async def _check(port: int, request: bytes) -> None:
    """It must answer with a full page, else nothing is measured."""
    bodies: list[bytes] = []
    asker = await asking.connected(port, [request], lambda body, _at: bodies.append(body))
    asker.ask(1)
    await asker.done.wait()
    asker.close()
    told = json.loads(bodies[0])
    found = told.get("results", told.get("runs", []))
    if len(found) != PAGE:
        raise RuntimeError(f"a peer answered {len(found)} runs in place of {PAGE}")


def _times() -> Iterator[tuple[int, datetime]]:
    newest = datetime.now(UTC).replace(tzinfo=None)
    for n in range(RUNS):
        yield n, newest - EVERY * (RUNS - n)


def _insert(database: sqlite3.Connection, table: str, rows: Iterator[dict[str, object]]) -> None:
    first = next(rows)
    names = ", ".join(first)
    marks = ", ".join(f":{name}" for name in first)
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    database.execute(statement, first)
    database.executemany(statement, rows)


def _fill_prefect(database: sqlite3.Connection) -> None:
    def of(kind: int, number: int) -> str:
        return str(UUID(int=(kind << 64) + number + 1))

    def runs() -> Iterator[dict[str, object]]:
        for n, at in _times():
            yield {
                "id": of(2, n), "created": f"{at}", "updated": f"{at + TOOK}", "name": f"run-{n}",
                "flow_id": of(1, n % PIPELINES), "state_id": of(3, n), "state_type": "COMPLETED",
                "state_name": "Completed", "state_timestamp": f"{at + TOOK}", "run_count": 1,
                "expected_start_time": f"{at}", "start_time": f"{at}", "end_time": f"{at + TOOK}",
                "total_run_time": f"{datetime(1970, 1, 1) + TOOK}", "tags": "[]", "parameters": "{}",  # noqa: DTZ001 - as it is stored
            }  # fmt: skip

    flows = ({"id": of(1, n), "name": f"pipeline-{n}", "tags": "[]"} for n in range(PIPELINES))
    states = (
        {"id": of(3, n), "flow_run_id": of(2, n), "type": "COMPLETED", "name": "Completed", "timestamp": f"{at + TOOK}"}
        for n, at in _times()
    )
    _insert(database, "flow", flows)
    _insert(database, "flow_run", runs())
    _insert(database, "flow_run_state", states)


def _fill_mlflow(database: sqlite3.Connection) -> None:
    def milliseconds(at: datetime) -> int:
        return int(at.replace(tzinfo=UTC).timestamp() * 1000)

    rows = (
        {
            "run_uuid": f"{n:032x}", "name": f"run-{n}", "source_type": "LOCAL", "user_id": "bench",
            "status": "FINISHED", "start_time": milliseconds(at), "end_time": milliseconds(at + TOOK),
            "lifecycle_stage": "active", "artifact_uri": "", "experiment_id": 0,
        }
        for n, at in _times()
    )  # fmt: skip
    _insert(database, "runs", rows)


PREFECT = Peer(
    name="Prefect, flow_runs/paginate",
    program="prefect/bin/prefect",
    arguments=lambda _home, port: ("server", "start", "--host", "127.0.0.1", "--port", str(port)),
    env=lambda home: {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
    file="prefect.db",
    fill=_fill_prefect,
    first=asking.get("/api/health"),
    page=asking.post("/api/flow_runs/paginate", {"page": 1, "limit": PAGE, "sort": "START_TIME_DESC"}),
)
MLFLOW = Peer(
    name="MLflow, runs/search",
    program="mlflow/bin/mlflow",
    arguments=lambda home, port: (
        "server", "--port", str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{home}/mlflow.db"
    ),
    env=lambda _home: {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    file="mlflow.db",
    fill=_fill_mlflow,
    first=asking.get("/api/2.0/mlflow/experiments/get?experiment_id=0"),
    page=asking.post(
        "/api/2.0/mlflow/runs/search",
        {"experiment_ids": ["0"], "max_results": PAGE, "order_by": ["attributes.start_time DESC"]},
    ),
)  # fmt: skip
