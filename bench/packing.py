"""Goal 9: bytes a stored sample of days that are over, beside a real Prometheus' blocks and beside rows."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apps.metrics import services
from apps.metrics.models import Series
from apps.sources.models import Source
from bench.results import Result
from bench.rows import connection
from bench.stage import Stage
from bench.timing import Options
from bench.volume import copy_samples
from tests.live import install, servers

SERIES, DAYS, STEP = 8, 30, 60
COUNT: Final = DAYS * 86_400 // STEP  # a series
LONGEST_BLOCK: Final = "744h"  # as large as Prometheus makes them in the end
Values = NDArray[np.float64]


def _gauge(rng: np.random.Generator) -> Values:
    return np.round(50 + 10 * np.sin(np.arange(COUNT) / 229) + rng.normal(0, 2, COUNT), 2)


def _counter(rng: np.random.Generator) -> Values:
    return np.cumsum(rng.poisson(30, COUNT)).astype(float)


def _latency(rng: np.random.Generator) -> Values:
    return np.round(rng.lognormal(0, 0.4, COUNT), 3)


def _queue(rng: np.random.Generator) -> Values:
    return np.abs(np.cumsum(rng.integers(-1, 2, COUNT))).astype(float)


def _status(rng: np.random.Generator) -> Values:
    return (rng.random(COUNT) > 0.002).astype(float)


def _walk(rng: np.random.Generator) -> Values:
    return np.asarray(100 + np.cumsum(rng.normal(0, 1, COUNT)))


KINDS: Final[dict[str, tuple[Callable[[np.random.Generator], Values], float]]] = {
    "a noisy gauge, two decimals": (_gauge, 0.5),
    "a counter": (_counter, 0.5),
    "a latency, three decimals": (_latency, 0.5),
    "the length of a queue": (_queue, 0.5),
    "a status, 0 or 1": (_status, 0.5),
    "a random walk, full precision": (_walk, 1.0),
}


def measure(stage: Stage, _options: Options) -> Iterator[Result]:
    """The room of 345,600 samples of each kind: everything that the table, its index and its row heads take."""
    stage.use("packing")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=DAYS + 20)
    for number, (kind, (made, goal)) in enumerate(KINDS.items()):
        rng = np.random.default_rng(number)
        values = [made(rng) for _ in range(SERIES)]
        rows, packed = (size / SERIES / COUNT for size in _ours(start, values, kind))
        theirs = _prometheus(start, values) / SERIES / COUNT
        what = f"bytes a sample, {kind}"
        yield Result(what=what, ours=packed, against="Prometheus' blocks", theirs=theirs, unit="B", goal=goal)
        yield Result(
            what=what, ours=packed, against="rows with their index", theirs=rows, unit="B", goal=_rows_goal(goal)
        )


def _rows_goal(goal: float) -> float | None:
    """A twenty-fifth; not promised for what cannot be packed well."""
    return 1 / 25 if goal < 1 else None


def _ours(start: datetime, values: list[Values], kind: str) -> tuple[int, int]:
    """(bytes in rows, bytes packed)."""
    source = Source.objects.get(slug="bench")
    services.ensure_partitions(days={(start + timedelta(days=n)).date() for n in range(DAYS)})
    rows: dict[str, Any] = {"source": source, "first_seen_at": start, "first_at": start, "last_at": start}
    series = [Series.objects.create(external_id=f"{kind} {n}", name=f"{kind} {n}", **rows) for n in range(SERIES)]
    copy_samples([one.pk for one in series], start, STEP, np.array(values))
    before = _size("metrics_packed"), _size("metrics_sample")
    services.pack_days(at=datetime.now(UTC), seconds=3600)
    return before[1] - _size("metrics_sample"), _size("metrics_packed") - before[0]


def _size(table: str) -> int:
    statement = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%s::regclass)"
    if table == "metrics_packed":
        connection().execute("VACUUM metrics_packed")  # room that was taken ahead is given back
        statement = "SELECT pg_total_relation_size(%s::regclass)"
    row = connection().execute(statement, [table]).fetchone()
    assert row is not None
    return int(row[0])


def _prometheus(start: datetime, values: list[Values]) -> int:
    """What the blocks of the same samples weigh, index and all."""
    install.debian_package("prometheus")
    program = servers.executable("prometheus", "prometheus")
    with tempfile.TemporaryDirectory(prefix="opsportal-bench-blocks-") as folder:
        text, data = Path(folder, "samples.txt"), Path(folder, "data")
        with text.open("w", encoding="ascii") as out:
            out.write("# TYPE charted gauge\n")
            for number, own in enumerate(values):
                for place, value in enumerate(own.tolist()):
                    out.write(f'charted{{number="{number}"}} {value!r} {start.timestamp() + place * STEP:.0f}\n')
            out.write("# EOF\n")
        tool = Path(program).with_name("promtool")
        command = [tool, "tsdb", "create-blocks-from", f"--max-block-duration={LONGEST_BLOCK}", "openmetrics"]
        subprocess.run([*command, str(text), str(data)], check=True, capture_output=True)
        return sum(file.stat().st_size for file in data.rglob("*") if file.is_file())
