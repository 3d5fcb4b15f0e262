"""A real Airflow 3, the DAG files it reads, and its own API to make content with."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.live import servers

DAGS = '''
"""DAGs of an airflow that tests talk to; tasks look for files next to this one to know what to do."""
import time
from datetime import datetime, timedelta
from pathlib import Path

import pendulum
from airflow.exceptions import AirflowSkipException
from airflow.sdk import Asset, dag, task

HERE = Path(__file__).parent

@dag(schedule=None, is_paused_upon_creation=False, tags=["team:data", "nightly"], description="Loads the pages")
def refresh():
    @task
    def pages():
        return [3, 5]
    @task
    def load(n):
        return n * 2
    @task(outlets=[Asset("pages")])
    def publish(loaded):
        return 1
    publish(load.expand(n=pages()))
refresh()

@dag(schedule=[Asset("pages")], is_paused_upon_creation=False)
def follow():
    @task
    def index():
        return 1
    index()
follow()

@dag(schedule=None, is_paused_upon_creation=False)
def report():
    @task(retries=1, retry_delay=timedelta(seconds=0))
    def collect():
        if not (HERE / "price").exists():
            raise ValueError("the feed has no column 'price'")
    @task
    def send(collected):
        return 1
    send(collect())
report()

@dag(schedule=None, is_paused_upon_creation=False)
def lengthy():
    @task
    def wait():
        while not (HERE / "enough").exists():
            time.sleep(0.5)
    wait()
lengthy()

@dag(schedule=None, is_paused_upon_creation=False)
def idle():
    @task
    def look():
        raise AirflowSkipException("nothing new")
    @task
    def use(found):
        return 1
    use(look())
idle()

@dag(schedule="0 6 * * *", start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Tokyo"), catchup=False,
     is_paused_upon_creation=True)
def asleep():
    @task
    def once():
        return 1
    once()
asleep()
'''
BROKEN = '"""An airflow dag that cannot be read."""\nimport no_such_module\n'
MENDED = (
    DAGS.split("@dag")[0]
    + "@dag(schedule=None)\ndef mended():\n    @task\n    def a():\n        return 1\n    a()\nmended()\n"
)


@dataclass(frozen=True)
class Airflow:
    """One server: its address, where its DAG files are, and a token of its user `admin`."""

    url: str
    folder: Path
    password: str
    token: str
    leader: int

    def processes(self, word: str) -> list[int]:
        """The server's processes with this word in their command."""
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid, _ in _session(self.leader)}
        return [pid for pid, command in commands.items() if word in command.replace(b"\0", b" ").decode()]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of the API as JSON."""
        return _ask(method, f"{self.url}/api/v2/{path}", body, {"Authorization": f"Bearer {self.token}"})

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """The id of a run that was just asked for."""
        return self.ask("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """What the API says of a run."""
        return self.ask("GET", f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")

    def runs(self) -> dict[str, dict[str, Any]]:
        """Every run by the id it has in the portal."""
        found = self.ask("GET", "dags/~/dagRuns?limit=100")["dag_runs"]
        return {f"{run['dag_id']}/{run['dag_run_id']}": run for run in found}

    def tasks(self) -> list[dict[str, Any]]:
        """Every task instance."""
        return self.ask("GET", "dags/~/dagRuns/~/taskInstances?limit=100")["task_instances"]

    def wait_for(self, what: str, is_so: Callable[[], object], *, seconds: float = 150) -> None:
        """Return when `is_so` finds it so."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain: {what}")
            time.sleep(0.5)

    def wait_for_runs(self, wanted: Mapping[tuple[str, str], str]) -> None:
        """Return when each (DAG, run) is in its state."""
        self.wait_for(
            f"runs in {sorted(wanted.values())}",
            lambda: all(self.run(*key)["state"] == state for key, state in wanted.items()),
        )


def _ask(method: str, url: str, body: Any, headers: Mapping[str, str]) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def airflow_server(home: Path) -> Iterator[Airflow]:
    """A standalone Airflow that has read its DAG files; all its processes end with it."""
    port = servers.free_port()
    base, folder = f"http://127.0.0.1:{port}", home / "dags"
    folder.mkdir(parents=True)
    (folder / "made_for_tests.py").write_text(DAGS)
    (folder / "bad.py").write_text(BROKEN)
    program = Path(servers.executable("airflow", "airflow"))
    with servers.running(
        [str(program), "standalone"],
        home=home,
        ready_url=f"{base}/api/v2/version",
        env=_env(home, base, program),
        seconds=240,
    ) as process:
        workers: list[int] = []
        try:
            yield _signed_in(base, folder, home, process.pid)
        finally:
            workers = [pid for pid, group in _session(process.pid) if group != process.pid]
    for pid in workers:  # a task runs in a group of its own, which the end of the server's group leaves alone
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _env(home: Path, base: str, program: Path) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": base.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": base,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PATH": f"{program.parent}:{os.environ['PATH']}",
    }


def _signed_in(base: str, folder: Path, home: Path, leader: int) -> Airflow:
    password = json.loads((home / "simple_auth_manager_passwords.json.generated").read_text())["admin"]
    signed = _ask("POST", f"{base}/auth/token", {"username": "admin", "password": password}, {})
    server = Airflow(url=base, folder=folder, password=password, token=signed["access_token"], leader=leader)
    server.wait_for("DAGs", lambda: server.ask("GET", "dags")["total_entries"] == 6)
    server.wait_for("an import error", lambda: server.ask("GET", "importErrors")["total_entries"] == 1)
    return server


def _session(leader: int) -> list[tuple[int, int]]:
    """(process, its group) of everything that was started below `leader`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            _state, _parent, group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader:
            found.append((int(entry.name), int(group)))
    return found
