"""Short ways to say what a test is about: an expectation, runs, and the judgement at a time."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from apps.pipelines.punctuality.days import DayRule, Days
from apps.pipelines.punctuality.expectation import After, Clock, CronLine, DayLine, Expectation, Goal, Interval
from apps.pipelines.punctuality.facts import Judgement, Known, Pause, Seen
from apps.pipelines.punctuality.judging import judge

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
_ids = count(1)


def t(text: str, zone: str = "UTC") -> datetime:
    """ "2026-11-24 02:00" in a zone, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def cron(text: str = "0 2 * * *", zone: str = "UTC", **fields: Any) -> Expectation:
    return Expectation(Clock((CronLine(text, zone),)), **fields)


def every(number: float, **fields: Any) -> Expectation:
    """Every so many minutes."""
    return Expectation(Interval(minutes(number)), **fields)


def on(days: Days | DayRule, at: str = "06:00", zone: str = "UTC", **fields: Any) -> Expectation:
    days = days if isinstance(days, Days) else Days(days)
    return Expectation(Clock((DayLine(days, time.fromisoformat(at), zone),)), **fields)


def ready(at: str = "13:00", days: Days | None = None, zone: str = "UTC", **fields: Any) -> Expectation:
    return on(days or Days(), at, zone, goal=Goal.READY, **fields)


def after(number: float = 30, **fields: Any) -> Expectation:
    return Expectation(After("Load orders", minutes(number)), **fields)


def ran(
    start: datetime | None,
    took: float | None = 10,
    state: str = "succeeded",
    *,
    plan: datetime | None = None,
    **fields: Any,
) -> Seen:
    """A run; without `took` it has not ended."""
    finished = start + minutes(took) if start and took is not None else None
    return Seen(id=next(_ids), state=state, started_at=start, finished_at=finished, scheduled_for=plan, **fields)


def running(start: datetime, **fields: Any) -> Seen:
    return ran(start, None, "running", **fields)


def nightly(*days: str, clock: str = "02:00", zone: str = "UTC", took: float = 10) -> list[Seen]:
    """A good run on each of these days of November 2026 (or on full dates)."""
    return [ran(t(f"{day if '-' in day else f'2026-11-{day}'} {clock}", zone), took) for day in days]


def judged(
    expectation: Expectation, at: datetime, *runs: Seen, since: datetime | None = None, **fields: Any
) -> Judgement:
    """The judgement at `at`, with news up to then unless told."""
    known = {"heard_at": at, "since": since or at - timedelta(days=60), "at": at, "runs": runs} | fields
    return judge(expectation, Known(**known))


def paused(start: datetime, end: datetime | None = None) -> tuple[Pause, ...]:
    return (Pause(start, end),)
