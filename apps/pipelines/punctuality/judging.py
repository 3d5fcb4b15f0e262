"""The judgement of a pipeline: its expectation and what is known in, its state with one sentence out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from apps.pipelines.punctuality import wording
from apps.pipelines.punctuality.expectation import After, Clock, Expectation, Interval
from apps.pipelines.punctuality.facts import TROUBLE, JudgedSlot, Judgement, Known, Seen, State
from apps.pipelines.punctuality.matching import judge_slots, next_of_interval
from apps.pipelines.punctuality.slots import look_back, next_slots

A_MOMENT: Final = timedelta(seconds=1)
SLOTS: Final = 3  # so many of the last ones decide the state


def window_start(expectation: Expectation, now: datetime) -> datetime:
    """Since when runs must be known to judge the pipeline at `now`."""
    reach = now - 2 * expectation.grace
    match expectation.timing:
        case Clock() as clock:
            return min(reach, look_back(clock, now - expectation.grace, SLOTS))
        case Interval() as interval:
            return min(reach, now - 10 * interval.every)
        case After():
            return reach - timedelta(days=40)


def judge(expectation: Expectation, known: Known, *, start: datetime | None = None) -> Judgement:
    """The state at `known.at`.

    1. A silent source: unknown, never an alarm. A paused pipeline: paused.
    2. The last slot that is decided tells: late or missed, else on time or recovered; nothing decided is waiting.
    3. A run that takes longer than expected, unless something worse is known.
    """
    slots = judge_slots(expectation, known, start=start or window_start(expectation, known.now))
    next_due = _next_due(expectation, known)
    told = Judgement(state=State.WAITING, since=known.since, sentence="", slots=tuple(slots), next_due_at=next_due)
    if known.silence or known.heard_at is None:
        said = known.silence or "Its source has never been heard."
        return replace(told, state=State.UNKNOWN, since=known.heard_at or known.since, sentence=said, next_due_at=None)
    if pause := known.open_pause:
        return replace(told, state=State.PAUSED, since=pause.start, sentence=wording.paused(), next_due_at=None)
    told = replace(told, decide_at=_decide_at(expectation, known, slots, next_due))
    last = _last_decided(slots, known)
    long = longest_run(expectation, known)
    if last and last.state in TROUBLE:
        return _of_slot(told, last, wording.trouble(expectation, last, known))
    if long and long.started_at and expectation.longest:
        since, said = long.started_at + expectation.longest, wording.running_long(expectation, long, known)
        return replace(told, state=State.RUNNING_LONG, since=since, sentence=said, due_at=last.due_at if last else None)
    if last is None:
        return replace(told, sentence=wording.waiting(expectation, known, next_due))
    return _of_slot(told, last, wording.good(expectation, last, next_due))


def longest_run(expectation: Expectation, known: Known) -> Seen | None:
    """The oldest run that goes on for longer than expected."""
    if expectation.longest is None:
        return None
    open_runs = [run for run in known.runs if run.state == "running" and run.started_at and run.counts]
    over = [run for run in open_runs if run.started_at and known.now - run.started_at > expectation.longest]
    return min(over, key=lambda run: run.started_at or known.now, default=None)


def _of_slot(told: Judgement, slot: JudgedSlot, sentence: str) -> Judgement:
    return replace(told, state=slot.state, since=_since(slot), sentence=sentence, due_at=slot.due_at)


def _since(slot: JudgedSlot) -> datetime:
    if slot.state is State.LATE:
        return slot.deadline
    return (slot.missed_at if slot.state is State.MISSED else slot.met_at) or slot.due_at


def _last_decided(slots: Sequence[JudgedSlot], known: Known) -> JudgedSlot | None:
    """The newest slot with an outcome; after missed ones, one that nothing came for is missed already when it is late.

    Trouble from before a resume is over: the next slot is the first that counts.
    """
    decided = [slot for slot in slots if slot.state not in (State.WAITING, State.PAUSED)]
    counting = [slot for slot in decided if slot.state not in TROUBLE or slot.due_at >= known.resumed_at]
    if not counting or decided[-1] is not counting[-1]:
        return None
    *_, before, last = [None, *counting]
    if before and last and last.met_at is None and last.state is State.LATE and before.state is State.MISSED:
        return before
    return last


def _next_due(expectation: Expectation, known: Known) -> datetime | None:
    match expectation.timing:
        case Clock() as clock:
            coming = next_slots(clock, known.now, 1)
            return coming[0].due_at if coming else None
        case Interval() as interval:
            return next_of_interval(interval, known)
        case After() as after:
            ahead = [one + after.within for one in known.upstream if one <= known.now < one + after.within]
            return min(ahead, default=None)


def _decide_at(
    expectation: Expectation, known: Known, slots: Sequence[JudgedSlot], next_due: datetime | None
) -> datetime | None:
    """When time alone may change the judgement, by our clock."""
    times = [slot.deadline for slot in slots if slot.state is State.WAITING]
    times += [slot.missed_at for slot in slots if slot.state is State.LATE and slot.missed_at]
    times += [next_due] if next_due else []
    if expectation.longest:
        open_runs = [run.started_at for run in known.runs if run.state == "running" and run.started_at]
        times += [started + expectation.longest for started in open_runs]
    ahead = [at for at in times if at >= known.now]
    return min(ahead) + A_MOMENT - known.skew if ahead else None
