"""A real portal whose workers fall silent: the web process alone notices, tells, and takes it back."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.core.embedded.child import Child
from tests.journeys.running import PASSWORD, USERNAME, until
from tests.journeys.system import System, running_system
from tests.journeys.visitor import Visitor
from tests.sync import upstream as upstreams

INTERVAL = 5  # seconds
LIMIT = 3 * INTERVAL
PATIENCE = 60.0


@pytest.fixture(scope="module")
def watched() -> Iterator[System]:
    """A portal that watches itself and one source, with a floor below three intervals."""
    folder = Path(tempfile.mkdtemp(prefix="opsportal-deadman-"))
    try:
        with running_system(folder / "home", OPSPORTAL_DEADMAN_SECONDS="6") as system, upstreams.serve() as upstream:
            system.start_web()
            system.manage("watch_self", "--url", system.url)
            system.add_source(name="nightly", url=upstream.url, interval=INTERVAL)
            yield system
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def polling(system: System) -> tuple[int, dict[str, Any]]:
    """What a monitor outside is told."""
    status, text = Visitor(system.url).ask("/healthz/polling")
    return status, json.loads(text)


def alerts(system: System) -> list[str]:
    """The states of the dead-man switch's alerts, oldest first."""
    tables = system.tables()
    try:
        found = tables.rows("SELECT state FROM monitors_alert WHERE external_id = 'dead-man' ORDER BY id")
        return [row["state"] for row in found]
    finally:
        tables.close()


def kill(child: Child) -> None:
    """kill -9."""
    assert child.process is not None
    child.process.kill()
    child.process.wait()


def test_a_dead_worker_or_beat_is_an_alert_until_another_polls(watched: System) -> None:
    worker, beat = watched.start_worker("first"), watched.start_beat()
    until(lambda: polling(watched)[1]["status"] == "alive", seconds=PATIENCE, what="sources are polled")
    until(lambda: "firing" not in alerts(watched), seconds=PATIENCE, what="the wait for the first worker is over")
    past = alerts(watched)
    visitor = Visitor(watched.url)
    visitor.sign_in(USERNAME, PASSWORD)
    kill(worker)
    killed_at = time.monotonic()
    until(lambda: alerts(watched) == [*past, "firing"], seconds=PATIENCE, what="the silence is an alert", step=0.2)
    assert time.monotonic() - killed_at < LIMIT
    status, answer = polling(watched)
    assert (status, answer["status"]) == (503, "no-worker")
    assert "Nothing is polled since" in visitor.ask("/")[1]
    worker = watched.start_worker("second")
    until(lambda: alerts(watched) == [*past, "resolved"], seconds=PATIENCE, what="the alert resolves by itself")
    assert polling(watched)[0] == 200
    assert "Nothing is polled since" not in visitor.ask("/")[1]
    kill(beat)
    until(
        lambda: alerts(watched) == [*past, "resolved", "firing"], seconds=PATIENCE, what="a dead beat is an alert too"
    )
    watched.start_beat()
    until(lambda: alerts(watched) == [*past, "resolved", "resolved"], seconds=PATIENCE, what="it resolves as well")
    worker.stop()
