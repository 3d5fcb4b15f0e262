"""Kontor, the back-office system that was there before everything else: jobs in the night, and queues in the day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from apps.demo.world.calendar import is_weekend, loads, local_moment
from apps.demo.world.dice import DAY, World

ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class KontorJob:
    """A job at an hour of every working night; `rows` is what it usually moves."""

    name: str
    about: str
    hour: float
    minutes: float
    rows: int
    fails: float


@dataclass(frozen=True, slots=True)
class KontorRun:
    """One run; Kontor knows a return code and nothing else."""

    job: KontorJob
    starts_at: int
    ends_at: int
    code: int
    rows: int


JOBS = (  # told as JSON
    KontorJob("MAILROOM", "Scanned letters for the invoice reader", 4.5, 22, 2_900, 0.03),
    KontorJob("CONTRACT-ARCHIVE", "Signed contracts of the day", 21.25, 14, 310, 0.02),
)
TRANSFERS = (  # told as a file of comma-separated values
    KontorJob("ARCHIVE7", "Tape archive", 1.5, 95, 41_000, 0.04),
    KontorJob("PRICELIST", "Price list for the printed catalog", 3.0, 12, 18_400, 0.03),
)
QUEUES = {"letters": 140, "labels": 35}  # how long each gets in the busiest hour


def kontor_runs(world: World, jobs: tuple[KontorJob, ...], start: int, end: int) -> list[KontorRun]:
    """The runs that began between two times, oldest first."""
    found = [
        run
        for day in range(start // DAY - 1, end // DAY + 1)
        for job in jobs
        if (run := _run(world, job, day)) and start <= run.starts_at <= end
    ]
    return sorted(found, key=lambda run: (run.starts_at, run.job.name))


@lru_cache(maxsize=512)
def _run(world: World, job: KontorJob, day: int) -> KontorRun | None:
    if is_weekend(day):
        return None
    dice = world.dice("kontor", job.name, day)
    starts_at = local_moment(day, job.hour, ZONE) + dice.randint(0, 50)
    code = dice.choice((8, 12)) if dice.random() < job.fails else 0
    length = int(job.minutes * 60 * dice.uniform(0.8, 1.3) * (0.3 if code else 1.0))
    return KontorRun(job, starts_at, starts_at + length, code, 0 if code else int(job.rows * dice.uniform(0.8, 1.2)))


def queue_depths(world: World, at: int) -> dict[str, int]:
    """How many items wait in each queue."""
    load = loads("clerks", (at,))[0]
    return {
        name: round(most * load * (0.7 + 0.6 * world.roll("queue", name, at // 120))) for name, most in QUEUES.items()
    }
