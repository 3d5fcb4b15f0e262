"""From what a rule reads to whether something is broken: the same for now and for back-tests. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.monitors.rules import Level, Reading, Rule

_TICK: Final = 60.0  # seconds between two looks at the clock in a replay


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch in which a rule said alert, in seconds; `end` None while it lasts; `value` and `why` of its start."""

    start: float
    end: float | None
    value: float | None
    why: str


def read_samples(rule: Rule, samples: Iterable[tuple[float, float]]) -> Reading | None:
    """Feed the samples in order of time; the last judgement, None when there was none."""
    last = None
    for at, value in samples:
        last = rule.step(at, value) or last
    return last


def episodes(rule: Rule, samples: Iterable[tuple[float, float]], end: float) -> list[Episode]:
    """When it would have alerted, oldest first, over all `samples` and the silence up to `end`."""
    found: list[Episode] = []
    last: float | None = None
    for at, value in samples:
        if last is not None:
            _look_at_clock(rule, last, at, found)
        _take(rule.step(at, value), at, found)
        last = at
    if last is not None:
        _look_at_clock(rule, last, end, found)
    return found


def _look_at_clock(rule: Rule, start: float, end: float, found: list[Episode]) -> None:
    """What time alone says between two samples; most rules say nothing, so one look is enough to know."""
    at = start + _TICK
    while at < end and (reading := rule.tick(at)) is not None:
        _take(reading, at, found)
        at += _TICK


def _take(reading: Reading | None, at: float, found: list[Episode]) -> None:
    if reading is None:
        return
    is_open = bool(found) and found[-1].end is None
    if reading.level == Level.ALERT and not is_open:
        found.append(Episode(at, None, reading.value, reading.why))
    elif reading.level != Level.ALERT and is_open:
        open_one = found[-1]
        found[-1] = Episode(open_one.start, at, open_one.value, open_one.why)
