"""The last days of one pipeline slot by slot, for its page and for trying an expectation; and what is proposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from apps.pipelines.expecting import expectation_of
from apps.pipelines.ghosts import Ghost
from apps.pipelines.knowing import good_runs, known_of, pauses_since, runs_since
from apps.pipelines.models import Expectation, Pipeline, Punctuality, Run
from apps.pipelines.punctuality.expectation import Clock, Goal, Interval
from apps.pipelines.punctuality.expectation import Expectation as Rule
from apps.pipelines.punctuality.facts import JudgedSlot, Seen, State
from apps.pipelines.punctuality.judging import judge
from apps.pipelines.punctuality.learning import Proposal, propose
from apps.pipelines.punctuality.slots import next_slots, slots_between
from apps.pipelines.status import PunctualityState

SHOWN_FOR: Final = timedelta(days=14)
MOST_SLOTS: Final = 336  # hourly for 14 days; a busier pipeline shows its last day or so
MOST_RUNS: Final = 1000
NEXT: Final = 5
_CELLS: Final = {
    State.ON_TIME: "ok",
    State.RECOVERED: "warn",
    State.LATE: "bad",
    State.MISSED: "bad",
    State.PAUSED: "none",
    State.WAITING: "none",
}


@dataclass(frozen=True, slots=True)
class History:
    """Judged slots, oldest first, the next due times, and the same in words."""

    expected: str
    start: datetime
    slots: tuple[JudgedSlot, ...] = ()
    next_due: tuple[datetime, ...] = ()

    @property
    def cells(self) -> list[str]:
        """For the strip."""
        return [_CELLS.get(slot.state, "none") for slot in self.slots]

    @property
    def troubled(self) -> list[JudgedSlot]:
        """The slots that were late, missed or came late, newest first."""
        bad = (State.LATE, State.MISSED, State.RECOVERED)
        return [slot for slot in reversed(self.slots) if slot.state in bad]

    @property
    def text(self) -> str:
        """ "14 runs were due: 12 on time, 1 recovered, 1 missed"."""
        if not self.slots:
            return "No run was due in this time."
        counts = Counter(PunctualityState(slot.state).label.lower() for slot in self.slots)
        said = ", ".join(f"{number} {word}" for word, number in counts.most_common())
        number = len(self.slots)
        return f"{number} {'run was' if number == 1 else 'runs were'} due: {said}."


def history_of(
    *, pipeline: Pipeline, at: datetime, own: Expectation | None = None, is_trial: bool = False
) -> History | None:
    """What became of the last 14 days' slots; None when nothing is expected.

    A trial judges `own` as if it had always been expected; otherwise slots before the expectation began are left out.
    """
    row: Punctuality | None = getattr(pipeline, "punctuality", None)
    own = own or getattr(pipeline, "expectation", None)
    learned = row.longest_seconds if row else None
    rule = expectation_of(pipeline, own, learned_seconds=learned).expectation
    if rule is None:
        return None
    start = _start(rule, at)
    began = row.expected_from if row and not is_trial else None
    runs = runs_since({pipeline.pk: start - timedelta(days=2)}, at=at, most=MOST_RUNS).get(pipeline.pk, [])
    upstream = good_runs([own.upstream_id], most=MOST_RUNS).get(own.upstream_id) if own and own.upstream_id else None
    known = known_of(
        row or Punctuality(pipeline=pipeline),
        runs=runs,
        pauses=pauses_since([pipeline.pk], since=start).get(pipeline.pk, []),
        upstream=upstream or [],
        since=max(began or start, start),
        at=at,
    )
    judged = judge(rule, known, start=known.since)
    return History(rule.text, known.since, judged.slots[-MOST_SLOTS:], _next_due(rule, judged.next_due_at, known.now))


def ghosts_of(history: History | None, runs: Sequence[Run]) -> list[Ghost]:
    """The expected runs that did not come since the oldest of these runs."""
    if history is None or not runs:
        return []
    unmet = (slot for slot in history.slots if slot.met_at is None and slot.state in (State.LATE, State.MISSED))
    return [Ghost(slot.due_at, str(slot.state)) for slot in unmet if slot.due_at >= runs[0].at]


def proposal_of(*, pipeline: Pipeline, at: datetime) -> Proposal | None:
    """What its own runs propose, in the reader's zone; None when they are too few or not regular."""
    zone = timezone.get_current_timezone()
    since = {pipeline.pk: at - timedelta(days=60)}
    runs: Sequence[Seen] = runs_since(since, at=at, most=60).get(pipeline.pk, [])
    return propose([run for run in runs if run.state != "queued"], zone=zone, zone_name=str(zone))


def accepted(proposal: Proposal) -> Expectation:
    """People's row for a proposal they accept."""
    rule = proposal.expectation
    row = Expectation(grace_seconds=int(rule.grace.total_seconds()))
    match rule.timing:
        case Interval() as interval:
            row.kind, row.every_seconds = "interval", int(interval.every.total_seconds())
        case Clock(lines=(line, *_)):
            row.kind, row.zone = "cron", line.zone
            row.cron = getattr(line, "expression", "")
    return row


def _start(rule: Rule, at: datetime) -> datetime:
    match rule.timing:
        case Interval() as interval:
            return max(at - SHOWN_FOR, at - MOST_SLOTS * interval.every)
        case Clock() as clock:
            found = slots_between(clock, at - SHOWN_FOR, at)
            return at - SHOWN_FOR if len(found) <= MOST_SLOTS else at - SHOWN_FOR * (MOST_SLOTS / len(found))
        case _:
            return at - SHOWN_FOR


def _next_due(rule: Rule, first: datetime | None, now: datetime) -> tuple[datetime, ...]:
    match rule.timing:
        case Clock() as clock:
            return tuple(slot.due_at for slot in next_slots(clock, now, NEXT))
        case Interval() as interval if first and rule.goal is Goal.START:
            return tuple(first + number * interval.every for number in range(NEXT))
        case _:
            return (first,) if first else ()
