"""Which run met which slot, and what became of every slot. One function for each way of expecting."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from apps.pipelines.punctuality.expectation import After, Clock, Expectation, Goal, Interval
from apps.pipelines.punctuality.facts import JudgedSlot, Known, Pause, Seen, State
from apps.pipelines.punctuality.slots import MOST, Slot, look_back, slots_between

EARLY: Final = timedelta(minutes=1)  # a scheduler may be so much ahead, at most a quarter of the time between two slots
ONE_DAY: Final = timedelta(days=1)


def judge_slots(expectation: Expectation, known: Known, *, start: datetime) -> list[JudgedSlot]:
    """Every slot due from `start`, or from when the expectation began, until now; oldest first."""
    match expectation.timing:
        case Interval() as interval:
            return _of_interval(expectation, interval, known, start)
        case After() as after:
            return _of_upstream(expectation, after, known, start)
        case Clock() as clock:
            lead = look_back(clock, start, 1)  # the slot before the first one tells where its window opens
            slots = slots_between(clock, max(lead, known.since), known.now + EARLY)
            judge = _of_ready if expectation.goal is Goal.READY else _of_starts
            return [one for one in judge(expectation, slots, known) if one.due_at >= start and one.due_at <= known.now]


def _of_starts(expectation: Expectation, slots: Sequence[Slot], known: Known) -> Iterator[JudgedSlot]:
    """A run belongs to the last slot at or before the time it was scheduled for, else at which it started."""
    dues = [slot.due_at for slot in slots]
    gaps = [later - earlier for earlier, later in pairwise(dues)]
    openings = [due - min(EARLY, gap / 4) for due, gap in zip(dues, [EARLY * 4, *gaps], strict=False)]
    groups: list[list[Seen]] = [[] for _ in slots]
    for run in known.runs:
        if run.counts and run.planned_at is not None and run.came_at is not None:
            index = bisect_right(dues if run.is_by_hand else openings, run.planned_at) - 1
            if index >= 0 and not run.is_of_old_interval(dues[max(0, index - 2)]):
                groups[index].append(run)
    for index, (slot, group) in enumerate(zip(slots, groups, strict=True)):
        following = dues[index + 1] if index + 1 < len(dues) else None
        yield _judged(expectation, slot, _starts(group), known, opening=openings[index], following=following)


def _of_ready(expectation: Expectation, slots: Sequence[Slot], known: Known) -> Iterator[JudgedSlot]:
    """Runs that succeeded since the slot before make it ready.

    In the first half of that time a run may still be one for the slot before. It counts only if nobody started it by
    hand, and that slot was ready already or the run was planned a good while after it.
    """
    done = sorted(((run.ready_at, run) for run in known.runs if run.counts and run.ready_at), key=lambda one: one[0])
    before_met: datetime | None = slots[0].due_at - ONE_DAY if slots else None  # nothing is known of the one before
    for index, slot in enumerate(slots):
        before = slots[index - 1].due_at if index else slot.due_at - ONE_DAY
        following = slots[index + 1].due_at if index + 1 < len(slots) else None
        gap = slot.due_at - before
        met = [
            (ready_at, run)
            for ready_at, run in done
            if before < ready_at <= (following or known.now + ONE_DAY)
            and (ready_at >= before + gap / 2 or _is_of_next(run, ready_at, before_met, before + gap / 4))
            and not run.is_of_old_interval(before - ONE_DAY)
        ]
        yield _judged(expectation, slot, met, known, opening=before, following=following)
        before_met = met[0][0] if met else None


def _of_upstream(expectation: Expectation, after: After, known: Known, start: datetime) -> list[JudgedSlot]:
    """Each success upstream wants one run since; a run serves all that came before it."""
    found, times = [], sorted(one for one in known.upstream if known.since <= one <= known.now)
    for index, opening in enumerate(times):
        following = times[index + 1] + after.within if index + 1 < len(times) else None
        group = [run for run in known.runs if run.counts]
        came = _ready(group) if expectation.goal is Goal.READY else _starts(group)
        met = [(at, run) for at, run in came if at >= opening - EARLY]
        slot = Slot(opening + after.within)
        found.append(_judged(expectation, slot, met, known, opening=opening, following=following))
    return [one for one in found if one.due_at >= start and (one.due_at <= known.now or one.met_at)]


def _of_interval(expectation: Expectation, interval: Interval, known: Known, start: datetime) -> list[JudgedSlot]:
    """Each run starts the clock anew, and so does a resume; one by hand only when a run is overdue."""
    came = _starts([run for run in known.runs if run.counts])
    before = [at for at, run in came if at <= known.since and not run.is_by_hand]
    found: list[JudgedSlot] = []
    base = max(before, default=known.since)
    due = _after_pauses(base, interval.every, known.pauses)
    for at, run in came:
        if due is None or at <= base or at > known.now + EARLY or (run.is_by_hand and at < due):
            continue
        if run.is_of_old_interval(at - 2 * interval.every):
            continue
        due = _skip_far(due, min(at, start), interval.every)
        while at >= due + interval.every and len(found) < MOST:
            found.append(_judged(expectation, Slot(due), [], known, opening=due, following=due + interval.every))
            due += interval.every
        found.append(_judged(expectation, Slot(due), [(at, run)], known, opening=due, following=due + interval.every))
        base, due = at, _after_pauses(at, interval.every, known.pauses)
    due = due and _skip_far(due, start, interval.every)
    while due is not None and due <= known.now and len(found) < MOST:
        found.append(_judged(expectation, Slot(due), [], known, opening=due, following=due + interval.every))
        due += interval.every
    return [one for one in found if one.due_at >= start]


def next_of_interval(interval: Interval, known: Known) -> datetime | None:
    """When the next run is due by the newest one; None while paused."""
    base = max([known.since, *(at for at, run in _starts([r for r in known.runs if r.counts]) if not run.is_by_hand)])
    due = _after_pauses(base, interval.every, known.pauses)
    if due is None or due > known.now:
        return due
    return due + ((known.now - due) // interval.every + 1) * interval.every


def _judged(
    expectation: Expectation,
    slot: Slot,
    met: Sequence[tuple[datetime, Seen]],
    known: Known,
    *,
    opening: datetime,
    following: datetime | None,
) -> JudgedSlot:
    """What became of one slot. `met`: the runs that belong to it by time; `following`: when the next one is due."""
    deadline = slot.due_at + expectation.grace + slot.slack
    missed_at = min(filter(None, [following, deadline + expectation.cut_off]))
    missed_at = max(missed_at, deadline)
    met_at, run = met[0] if met else (None, None)
    if met_at is not None and met_at <= deadline:
        state = State.ON_TIME
    elif met_at is not None:
        state = State.RECOVERED if any(run.state == "succeeded" for _, run in met) else State.LATE
    elif known.is_paused_within(opening, min(deadline, known.now)):
        state = State.PAUSED
    elif known.now <= deadline:
        state = State.WAITING
    else:
        state = State.MISSED if known.now >= missed_at else State.LATE
    return JudgedSlot(
        due_at=slot.due_at,
        deadline=deadline,
        state=state,
        met_at=met_at,
        run_id=run.id if run else None,
        run_state=run.state if run else "",
        missed_at=missed_at,
    )


def _is_of_next(run: Seen, ready_at: datetime, before_met: datetime | None, a_good_while_after: datetime) -> bool:
    """Whether a run that was ready in the first half is one for the coming slot."""
    if run.is_by_hand:
        return False
    is_met = before_met is not None and before_met < ready_at
    return is_met or (run.planned_at is not None and run.planned_at > a_good_while_after)


def _starts(runs: Sequence[Seen]) -> list[tuple[datetime, Seen]]:
    return sorted(((run.came_at, run) for run in runs if run.came_at), key=lambda one: one[0])


def _ready(runs: Sequence[Seen]) -> list[tuple[datetime, Seen]]:
    return sorted(((run.ready_at, run) for run in runs if run.ready_at), key=lambda one: one[0])


def _after_pauses(base: datetime, every: timedelta, pauses: Sequence[Pause]) -> datetime | None:
    due = base + every
    for pause in sorted(pauses, key=lambda pause: pause.start):
        if pause.overlaps(base, due):
            if pause.end is None:
                return None
            due = max(base, pause.end) + every
    return due


def _skip_far(due: datetime, until: datetime, every: timedelta) -> datetime:
    """A due time long before what is shown, moved on by whole intervals."""
    return due + max(0, (until - due) // every) * every
