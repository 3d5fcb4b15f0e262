"""Acceptance: worker, web and PostgreSQL are killed ten times each while everything is polled, and nothing is amiss.

1. The portal reads the past of those systems of the demo world that the comparison knows. 2. Waves of further sources,
on a slow road so that their polls last, read theirs under fire: thirty times something is killed, at random moments,
while somebody reads pages. 3. When it is quiet again, the portal is compared with its sources record by record.
4. Differences are planted and the comparison has to find every one of them, so that its silence before meant something.

OPSPORTAL_KILL_SEED repeats the moments of an earlier run.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.journeys import consistency
from tests.journeys.planted import FALSEHOODS
from tests.journeys.running import Portal, running_portal, until
from tests.journeys.slow_road import SlowRoad, slow_road
from tests.journeys.stored import Tables
from tests.journeys.visitor import Visitor

KILLS = 10  # of each
NAMES = ("worker", "web", "postgres")
WAVE_EVERY = 5  # kills come three further sources
WAVE_DAYS = 4  # of the past that they read
PATIENCE = 15.0  # seconds that a kill waits for a poll to be under way; a killed worker's sources rest for a minute
DELAY = 0.25  # seconds, mean, of every question on the slow road
PAGES = (
    *("/", "/features/", "/pipelines/", "/pipelines/runs/", "/metrics/", "/prompts/", "/deployments/", "/alerts/"),
    *("/sources/", "/changes/"),
)
RUNNING = """
SELECT poll.id FROM sources_poll poll JOIN sources_sourcestate state USING (source_id)
 WHERE poll.outcome = 'running' AND state.claim_id = poll.claim_id AND poll.started_at > %(since)s
"""
SEEN = """
SELECT count(*) FROM sources_heartbeat WHERE worker LIKE '%%:' || %(pid)s AND at > now() - interval '5 seconds'
"""
WAVE = """
WITH made AS (
    INSERT INTO sources_source (slug, name, connector, config, secrets, interval_seconds, is_enabled, is_demo,
                                team_id, environment_id, allowed_networks, raw_kept_days, created_at, updated_at)
    SELECT slug || %(suffix)s, name || %(suffix)s, connector,
           config || jsonb_build_object('url', replace(config->>'url', %(here)s, %(there)s),
                                        'backfill_days', %(days)s::int),
           '', 5, true, true, team_id, environment_id, allowed_networks, raw_kept_days, now(), now()
      FROM sources_source WHERE is_demo AND slug !~ '-wave' AND connector = ANY(%(connectors)s) RETURNING id
)
INSERT INTO sources_sourcestate (source_id, is_poll_requested, cursor, has_backlog, error_class, error, failures,
                                 circuit, missing_scopes)
SELECT id, false, '{}', false, '', '', 0, 'closed', '{}' FROM made
"""


@dataclass(slots=True)
class Kill:
    """One kill, and the polls that ran at that moment."""

    name: str
    at: float
    polls: list[int]


@dataclass(slots=True)
class Reader:
    """Somebody who reads pages all the time; what the answers were is counted."""

    portal: Portal
    answers: Counter[str] = field(default_factory=Counter)
    is_over: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Read one page after the other until it is over; signs in again when that was lost."""
        visitor = None
        while not self.is_over.wait(0.3):
            try:
                visitor = visitor or self.portal.visitor()
                status, _ = visitor.ask(random.choice(PAGES))
                self.answers[str(status)] += 1
            except (OSError, AssertionError) as error:
                self.answers[type(error).__name__] += 1


@pytest.fixture
def portal() -> Iterator[Portal]:
    """The portal with its past read and short intervals."""
    folder = Path(tempfile.mkdtemp(prefix="opsportal-kill-"))
    try:
        with running_portal(folder) as found:
            tables = Tables(found.home)
            tables.do(
                "UPDATE sources_source SET interval_seconds = 5,"
                " is_enabled = NOT is_demo OR connector = ANY(%(known)s)",
                known=list(consistency.AGAINST),
            )
            until(lambda: is_read(tables), seconds=300, what="the demo's past is read", step=1)
            tables.close()
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_read(tables: Tables, *, since: datetime | None = None) -> bool:
    """Whether every source that is polled was read to its end, and polled twice since then."""
    waiting = tables.one(
        "SELECT count(*) FROM sources_sourcestate state JOIN sources_source source ON source.id = source_id"
        " WHERE is_enabled AND (has_backlog OR last_success_at IS NULL OR 2 >"
        " (SELECT count(*) FROM sources_poll poll WHERE poll.source_id = state.source_id AND outcome = 'succeeded'"
        " AND started_at > %(since)s) AND %(since)s IS NOT NULL)",
        since=since,
    )
    return not waiting


@pytest.mark.live
def test_thirty_kills_lose_and_double_nothing(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("OPSPORTAL_KILL_SEED") or random.SystemRandom().randrange(1_000_000))
    dice = random.Random(seed)
    tell(capsys, f"\nseed {seed}: the past is read, {KILLS} kills of each of {', '.join(NAMES)} begin")
    reader = Reader(portal)
    reading = threading.Thread(target=reader.read, daemon=True)
    reading.start()
    demo = demo_port(portal)
    with slow_road(demo, delay=DELAY, dice=dice) as road:
        kills = kill_all(portal, road, demo, dice, tell=lambda line: tell(capsys, line))
        road.delay = 0.0
        fixed_at = recover(portal)
        reader.is_over.set()
        reading.join(30)
        tell(capsys, summary(portal, kills, reader))
        assert_hit_something(portal, kills)
        report = consistency.compare(portal.home, until=fixed_at)
        tell(capsys, str(report))
        assert report.is_clean, f"seed {seed}\n{report}"
        assert_pages_open(portal)
        assert_falsehoods_are_found(portal, fixed_at)


def kill_all(
    portal: Portal, road: SlowRoad, demo: int, dice: random.Random, *, tell: Callable[[str], None]
) -> list[Kill]:
    """Thirty kills in random order at random moments; each waits only until its own victim serves again."""
    order = [name for name in NAMES for _ in range(KILLS)]
    dice.shuffle(order)
    kills: list[Kill] = []
    for number, name in enumerate(order):
        if number % WAVE_EVERY == 0:
            add_wave(portal, road, demo, number)
        until(lambda name=name: serves(portal, name), seconds=120, what=f"{name} serves again")  # type: ignore[misc]
        polls = wait_for_polls(portal, kills, dice)
        portal.kill(name)
        kills.append(Kill(name, time.time(), polls))
        tell(f"  kill {number + 1:>2}: {name:<9} {len(polls)} polls under way")
    return kills


def wait_for_polls(portal: Portal, kills: list[Kill], dice: random.Random) -> list[int]:
    """Wait until something is polled, then for a random while; the polls that are under way now."""
    end = time.monotonic() + PATIENCE
    while not running_polls(portal, kills) and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(dice.uniform(0.0, 3.0))
    return running_polls(portal, kills)


def serves(portal: Portal, name: str) -> bool:
    """Whether a process does its work again."""
    pid = portal.pid(name)
    if pid is None:
        return False
    try:
        if name == "web":
            return Visitor(portal.url).ask("/healthz")[0] == 200
        with open_tables(portal) as tables:
            return name == "postgres" or bool(tables.one(SEEN, pid=str(pid)))
    except (OSError, psycopg.Error):
        return False


class open_tables:  # noqa: N801 - used like a function
    """The tables for the length of a block."""

    def __init__(self, portal: Portal) -> None:
        self.tables = Tables(portal.home)

    def __enter__(self) -> Tables:
        return self.tables

    def __exit__(self, *_: object) -> None:
        self.tables.close()


def running_polls(portal: Portal, kills: list[Kill]) -> list[int]:
    """The polls that the present worker is carrying out; none while the database is away."""
    since = max((kill.at for kill in kills if kill.name == "worker"), default=0.0)
    if portal.pid("worker") is None:
        return []
    try:
        with open_tables(portal) as tables:
            return [row["id"] for row in tables.rows(RUNNING, since=datetime.fromtimestamp(since).astimezone())]
    except psycopg.Error:
        return []


def add_wave(portal: Portal, road: SlowRoad, demo: int, number: int) -> None:
    """Three more sources, on the slow road, whose past has to be read."""
    values = {
        "suffix": f"-wave{number}", "here": f"127.0.0.1:{demo}", "there": f"127.0.0.1:{road.port}", "days": WAVE_DAYS,
        "connectors": list(consistency.AGAINST),
    }  # fmt: skip

    def is_added() -> bool:
        try:
            with open_tables(portal) as tables:
                return tables.do(WAVE, **values) == 3
        except psycopg.errors.UniqueViolation:
            return True  # the connection was lost after the commit
        except psycopg.Error:
            return False

    until(is_added, seconds=60, what="the further sources are added")


def demo_port(portal: Portal) -> int:
    """Where the demo's systems answer."""
    with open_tables(portal) as tables:
        asked = "SELECT substring(config->>'url' FROM ':([0-9]+)/') FROM sources_source WHERE is_demo LIMIT 1"
        return int(tables.one(asked))


def recover(portal: Portal) -> datetime:
    """Wait until everything runs and every source was polled twice; the time up to which all is known."""
    for name in NAMES:
        until(lambda name=name: serves(portal, name), seconds=120, what=f"{name} serves again")  # type: ignore[misc]
    with open_tables(portal) as tables:
        fixed_at: datetime = tables.one("SELECT clock_timestamp()")
        until(lambda: is_read(tables, since=fixed_at), seconds=900, what="every source is read again", step=1)
        tables.do("UPDATE sources_source SET interval_seconds = 600")  # the comparison asks the same servers
    return fixed_at


def assert_hit_something(portal: Portal, kills: list[Kill]) -> None:
    """At least a third of the kills came while something was polled, and polls of killed workers were taken over."""
    hits = [kill for kill in kills if kill.polls]
    assert len(hits) * 3 >= len(kills), f"only {len(hits)} of {len(kills)} kills hit a poll"
    with open_tables(portal) as tables:
        polls = [poll for kill in kills for poll in kill.polls]
        statement = "SELECT id, outcome FROM sources_poll WHERE id = ANY(%(polls)s)"
        outcomes = {row["id"]: row["outcome"] for row in tables.rows(statement, polls=polls)}
    assert "running" not in outcomes.values()
    ended = [outcomes[poll] for kill in kills if kill.name == "worker" for poll in kill.polls]
    assert ended.count("superseded") * 2 > len(ended), f"polls of killed workers: {Counter(ended)}"


def summary(portal: Portal, kills: list[Kill], reader: Reader) -> str:
    """What the fire was like."""
    hits = Counter(kill.name for kill in kills if kill.polls)
    with open_tables(portal) as tables:
        ended = tables.rows("SELECT outcome, error_class, count(*) FROM sources_poll GROUP BY 1, 2 ORDER BY 1, 2")
    polls = ", ".join(f"{row['count']} {row['outcome']} {row['error_class']}".strip() for row in ended)
    pages = ", ".join(f"{count} {answer}" for answer, count in sorted(reader.answers.items()))
    took = kills[-1].at - kills[0].at
    return (
        f"{len(kills)} kills in {took:.0f} s; of them hit running polls: "
        f"{', '.join(f'{hits[name]} of {name}' for name in NAMES)}\npolls: {polls}\npages: {pages}"
    )


def assert_pages_open(portal: Portal) -> None:
    visitor = portal.visitor()
    assert {path: visitor.ask(path)[0] for path in PAGES} == dict.fromkeys(PAGES, 200)


def assert_falsehoods_are_found(portal: Portal, fixed_at: datetime) -> None:
    """Falsify the tables in many ways at once while nobody can put them right; every one of them must be told."""
    worker = portal.pid("worker")
    assert worker is not None
    os.kill(worker, signal.SIGSTOP)
    with open_tables(portal) as tables:
        tables.do("UPDATE sources_source SET is_enabled = false WHERE slug ~ '-wave'")  # the first ones are enough
        for falsehood in FALSEHOODS:
            assert tables.do(falsehood.statement) == 1, falsehood.statement
    report = consistency.compare(portal.home, until=fixed_at)
    for falsehood in FALSEHOODS:
        told = [lines for kind, lines in report.differences.items() if kind.startswith(falsehood.kind)]
        assert any(falsehood.says in line for lines in told for line in lines), f"{falsehood} was not found in {report}"


def tell(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Print past pytest, for somebody waits."""
    with capsys.disabled():
        print(text, flush=True)
