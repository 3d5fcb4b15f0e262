"""Clocks: CPU of this and other processes out of /proc (Linux), and sides measured in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Side = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Options:
    """What one run of the bench was asked for."""

    pairs: int = 5
    runs: int = 1_000_000
    pipelines: int = 1_000
    is_quick: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of one side, seconds a call: by the clock, in this process, in the database."""

    wall: float
    cpu: float
    database: float

    @property
    def all_cpu(self) -> float:
        """This process and the database together."""
        return self.cpu + self.database


def alternate(
    sides: Mapping[str, Side],
    *,
    pairs: int,
    calls: int = 1,
    before: Callable[[str], object] | None = None,
    database_pid: int = 0,
) -> dict[str, Cost]:
    """The cost of a call of each side: A B A B …, `calls` in a row each time, after one unmeasured round.

    before: prepares the side of that name, unmeasured.
    """
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in sides}
    for turn in range(pairs + 1):
        for name, side in sides.items():
            if before is not None:
                before(name)
            cost = _time(side, calls, database_pid)
            if turn:
                taken[name].append(cost)
    return {name: Cost(*map(statistics.median, zip(*costs, strict=True))) for name, costs in taken.items()}


def _time(side: Side, calls: int, database_pid: int) -> tuple[float, float, float]:
    database, cpu, wall = cpu_of_tree(database_pid), time.process_time(), time.perf_counter()
    for _ in range(calls):
        side()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall / calls, cpu / calls, (cpu_of_tree(database_pid) - database) / calls


def cpu_of(pid: int) -> float:
    """Seconds of CPU that the threads of one process have used, to the microsecond; 0 when it is gone."""
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(file.read_text(encoding="ascii").split()[0])
        except OSError:  # a thread that ended meanwhile
            continue
    return total / 1e9


def cpu_of_tree(pid: int) -> float:
    """The same of a process and those it started, 0 for no process."""
    return cpu_of(pid) + sum(map(cpu_of_tree, children_of(pid))) if pid else 0.0


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, file.read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


def memory_of(pid: int) -> float:
    """MB that a process adds to the machine (proportional set size: shared pages are split between their users)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
