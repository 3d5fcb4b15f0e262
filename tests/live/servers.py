"""Real upstream servers on free ports of this machine, started for the tests and stopped by their process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.install import PLACE

QUIET = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def executable(name: str, package: str) -> str:
    """The server's program: out of `.live`, else from the PATH."""
    for candidate in (PLACE / package / "bin" / name, PLACE / "debian/usr/bin" / name):
        if candidate.exists():
            return str(candidate)
    if found := shutil.which(name):
        return found
    raise RuntimeError(f"{name} is missing; run `make test-live`, which fetches it")


def wait_until_ready(url: str, process: subprocess.Popen, *, seconds: float = 120) -> None:
    """Return when `url` answers 200; raise with the end of the log if the server died or took too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"{url} never answered (exit code {process.poll()})")


@contextmanager
def running(
    command: Sequence[str],
    *,
    home: Path,
    ready_url: str,
    env: Mapping[str, str] | None = None,
    seconds: float = 120,
):
    """The server, from ready (within `seconds`) to stopped; its whole process group ends with it."""
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "server.log", "ab") as log:
        process = subprocess.Popen(
            list(command),
            cwd=home,
            env={**os.environ, **QUIET, **(env or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(ready_url, process, seconds=seconds)
        yield process
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{(home / 'server.log').read_text(errors='replace')[-2000:]}") from error
    finally:
        _stop(process)


def _stop(process: subprocess.Popen) -> None:
    for sign, patience in ((signal.SIGTERM, 8), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def run_client(package: str, script: str, *, env: Mapping[str, str]) -> str:
    """Run `script` with the system's own client library and answer what it printed."""
    done = subprocess.run(
        [str(PLACE / package / "bin/python"), "-c", script],
        env={**os.environ, **QUIET, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the {package} client failed:\n{done.stderr[-3000:]}")
    return done.stdout
