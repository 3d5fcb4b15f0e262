"""The past judged afterwards: the promises' own rule over averages of a quarter of an hour, and data too old. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from apps.health import wording
from apps.health.facts import BADNESS, PromiseFact, Status
from apps.health.strips import Span
from apps.health.wording import Trouble

STEP: Final = timedelta(minutes=15)
_FILLED_FOR: Final = 3  # of its own steps a rare number stands for

Averages = Mapping[int, float]  # place of the step -> mean


@dataclass(frozen=True, slots=True)
class PastSpan:
    """A stretch of the past with its sentence."""

    status: Status
    sentence: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class OldData:
    """A stretch in which the data of a part were too old."""

    name: str
    start: datetime
    end: datetime


def replay(
    promises: Sequence[tuple[PromiseFact, Averages]], *, start: datetime, steps: int, old: Sequence[OldData] = ()
) -> list[PastSpan]:
    """The stretches from `start` on; steps of which nothing is known belong to none."""
    filled = [(fact, _filled(fact, averages, steps)) for fact, averages in promises]
    found: list[PastSpan] = []
    for place in range(steps):
        at = start + place * STEP
        names = sorted({one.name for one in old if one.start <= at < one.end})
        judged = _judge([replace(fact, mean=known[place], count=1) for fact, known in filled if place in known], names)
        if judged is None:
            continue
        if found and found[-1].end == at and found[-1].status is judged[0]:
            found[-1] = replace(found[-1], end=at + STEP)
        else:
            found.append(PastSpan(*judged, at, at + STEP))
    return found


def clipped(past: Sequence[PastSpan], holes: Sequence[tuple[datetime, datetime]]) -> Iterator[PastSpan]:
    """What of the past lies in stretches that nobody judged when they were the present."""
    for begin, end in holes:
        for span in past:
            start, finish = max(span.start, begin), min(span.end, end)
            if start < finish:
                yield replace(span, start=start, end=finish)


def holes(live: Sequence[Span], *, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches between `start` and `end` that no live span covers; `live` is in order of time."""
    found, reached = [], start
    for span in live:
        if span.start > reached:
            found.append((reached, min(span.start, end)))
        reached = max(reached, span.end)
    if reached < end:
        found.append((reached, end))
    return [(begin, finish) for begin, finish in found if begin < finish]


def _filled(fact: PromiseFact, averages: Averages, steps: int) -> dict[int, float]:
    """The same with rare numbers standing until the next one, but not for ever."""
    reach = int(_FILLED_FOR * fact.interval / STEP.total_seconds()) if fact.interval > STEP.total_seconds() else 0
    found: dict[int, float] = {}
    last: tuple[int, float] | None = None
    for place in range(steps):
        if place in averages:
            last = (place, averages[place])
        if last and place - last[0] <= reach:
            found[place] = last[1]
    return found


def _judge(facts: Sequence[PromiseFact], old: Sequence[str]) -> tuple[Status, str] | None:
    if not facts and not old:
        return None
    judged = [(_status(fact), fact) for fact in facts]
    found = [status for status, _ in judged] + [Status.DEGRADED] * bool(old)
    worst = max(found, key=BADNESS.__getitem__)
    kept = [fact for status, fact in judged if status is Status.HEALTHY]
    if worst is Status.HEALTHY:
        return worst, wording.fine(kept, doubt="")
    troubles = [wording.trouble(fact) for status, fact in judged if status is worst]
    if worst is Status.DEGRADED:
        troubles += [Trouble(wording.old_data(wording.not_refreshed(name))) for name in old]
    return worst, wording.troubled(troubles, kept)


def _status(fact: PromiseFact) -> Status:
    value = fact.mean
    if value is None or not fact.is_outside(value):
        return Status.HEALTHY
    has_failed = fact.fails_at is not None and fact.is_outside(value, fact.fails_at)
    return Status.DOWN if has_failed else Status.DEGRADED
