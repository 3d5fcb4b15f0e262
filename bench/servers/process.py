"""Starting such a server, waiting until it listens, and ending it by its process id."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTS_WITHIN = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs, on a port of 127.0.0.1."""

    pid: int
    port: int


@contextmanager
def running(*module: str, port: int, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`python -m module …` while the block lasts."""
    with started([sys.executable, "-m", *module], port=port, env=env) as server:
        yield server


@contextmanager
def started(
    command: Sequence[str], *, port: int, env: Mapping[str, str] | None = None, cwd: Path | None = None,
    seconds: float = STARTS_WITHIN,
) -> Iterator[Server]:  # fmt: skip
    """Any command while the block lasts, once it listens on `port` within `seconds`."""
    process = subprocess.Popen(list(command), env={**os.environ, **(env or {})}, cwd=cwd)
    try:
        end = time.monotonic() + seconds
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} did not start")
            time.sleep(0.05)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def portal(port: int) -> tuple[str, ...]:
    """The arguments that start the portal's own web process."""
    return ("opsportal.web", "--host", "127.0.0.1", "--port", str(port), "--grace", "1", "--log-level", "critical")


def uvicorn(application: str, port: int) -> tuple[str, ...]:
    """The arguments that start `application` as uvicorn does by itself."""
    options = ("--no-access-log", "--no-server-header", "--log-level", "critical", "--timeout-graceful-shutdown", "1")
    return ("uvicorn", application, "--host", "127.0.0.1", "--port", str(port), *options)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
