"""The sentence of a judgement: what happened, what was expected and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from apps.core.ui.formats import duration
from apps.pipelines.punctuality.expectation import Expectation, Goal
from apps.pipelines.punctuality.facts import JudgedSlot, Known, Seen, State

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def moment(at: datetime, near: datetime, zone: tzinfo) -> str:
    """ "Tue 02:00", and with its date when it is a week or more from `near`."""
    local = at.astimezone(zone)
    date = f" {local.day} {_MONTHS[local.month - 1]}" if abs(at - near) > timedelta(days=6) else ""
    return f"{_DAYS[local.weekday()]}{date} {local:%H:%M}"


def _zone(zone: tzinfo) -> str:
    """ " (Europe/Berlin)": the sentence is read in other zones too."""
    return "" if zone is UTC else f" ({zone})"


def trouble(expectation: Expectation, slot: JudgedSlot, known: Known) -> str:
    """Why a slot is late or missed."""
    zone, near = expectation.zone, known.now
    due = f"{moment(slot.due_at, near, zone)}{_zone(zone)}"
    grace = duration((slot.deadline - slot.due_at).total_seconds())
    if expectation.goal is Goal.READY:
        done = max((run.ready_at for run in known.runs if run.ready_at), default=None)
        before = f"the last run succeeded {moment(done, near, zone)}" if done else "no run has succeeded yet"
        if slot.state is State.MISSED:
            return f"Nothing was ready for {due}; {before}."
        return f"Not ready: {before}; a run should have succeeded by {due} and {grace} of grace have passed."
    if slot.met_at is not None:
        late = duration((slot.met_at - slot.due_at).total_seconds())
        ended = "is still running" if slot.run_state in ("running", "queued") else "has not succeeded"
        return f"The run due {due} started {late} late and {ended}."
    last = known.last_run_at
    before = f"No run since {moment(last, near, zone)}" if last else "No run has been seen"
    if slot.state is State.MISSED:
        return f"{before}; the one due {due} never came."
    return f"{before}; one was due {due} and {grace} of grace have passed."


def running_long(expectation: Expectation, run: Seen, known: Known) -> str:
    """ "Running for 3 h since Tue 02:00, longer than the 2 h expected."."""
    assert run.started_at is not None
    assert expectation.longest is not None
    so_far = duration((known.now - run.started_at).total_seconds())
    since = f"{moment(run.started_at, known.now, expectation.zone)}{_zone(expectation.zone)}"
    usual = duration(expectation.longest.total_seconds())
    return f"Running for {so_far} since {since}, longer than the {usual} expected."


def good(expectation: Expectation, slot: JudgedSlot, next_due: datetime | None) -> str:
    """How the last slot was met."""
    met_at = slot.met_at or slot.due_at
    verb = "Ready" if expectation.goal is Goal.READY else "Started"
    said = f"{verb} {moment(met_at, met_at, expectation.zone)}{_zone(expectation.zone)}"
    if slot.state is State.RECOVERED:
        said += f", {duration((met_at - slot.due_at).total_seconds())} late, and succeeded"
    else:
        said += ", as expected"
    return f"{said}.{_next(expectation, next_due, met_at)}"


def waiting(expectation: Expectation, known: Known, next_due: datetime | None) -> str:
    """Before anything was due."""
    since = f"{moment(known.resumed_at, known.now, expectation.zone)}{_zone(expectation.zone)}"
    return f"Nothing has been due since {since}, when it began to be watched.{_next(expectation, next_due, known.now)}"


def paused() -> str:
    """While people want no runs."""
    return "It is paused, so no run is expected."


def _next(expectation: Expectation, next_due: datetime | None, near: datetime | None) -> str:
    if next_due is None or near is None:
        return ""
    return f" The next one is due {moment(next_due, near, expectation.zone)}."
