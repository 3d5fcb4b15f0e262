"""What is expected of a pipeline: people's row, else its own schedule, as the pure rules want it."""

from __future__ import annotations

from datetime import timedelta

from apps.pipelines.models import Expectation, Pipeline
from apps.pipelines.punctuality import expectation as pure
from apps.pipelines.punctuality.days import DayRule, Days
from apps.pipelines.punctuality.expectation import After, Clock, CronLine, DayLine, Goal, Interval
from apps.pipelines.punctuality.schedules import Reading, read_schedule
from apps.pipelines.status import ExpectationKind


def expectation_of(pipeline: Pipeline, own: Expectation | None, *, learned_seconds: int | None = None) -> Reading:
    """The expectation that holds; `learned_seconds` is how long a run may take by its history."""
    if own is None:
        reading = read_schedule(pipeline.schedule)
        return _with_limits(reading, Expectation(), learned_seconds)
    if own.kind == ExpectationKind.NOTHING:
        return Reading(None, "People expect nothing of it.")
    if own.kind == ExpectationKind.SCHEDULE:
        return _with_limits(read_schedule(pipeline.schedule), own, learned_seconds)
    try:
        goal = Goal.READY if own.kind == ExpectationKind.READY_BY else Goal.START
        return _with_limits(Reading(pure.Expectation(timing_of(own), goal)), own, learned_seconds)
    except ValueError as error:
        return Reading(None, f"What is expected cannot be read: {error}")


def timing_of(own: Expectation) -> Clock | Interval | After:
    """The times of people's row; ValueError says what is missing or wrong."""
    match own.kind:
        case ExpectationKind.CRON:
            return Clock((CronLine(" ".join(own.cron.split()), own.zone),))
        case ExpectationKind.INTERVAL:
            return Interval(timedelta(seconds=own.every_seconds or 0))
        case ExpectationKind.AFTER:
            if own.upstream is None or own.within_seconds is None:
                raise ValueError("Choose the pipeline before it, and how long after it a run is due.")
            return After(own.upstream.name, timedelta(seconds=own.within_seconds))
        case _:
            if own.at_time is None:
                raise ValueError("Choose a time of day.")
            days = Days(DayRule(own.day_rule), tuple(own.weekdays), own.nth, own.country)
            return Clock((DayLine(days, own.at_time, own.zone),))


def _with_limits(reading: Reading, own: Expectation, learned_seconds: int | None) -> Reading:
    found = reading.expectation
    if found is None:
        return reading
    seconds = learned_seconds if own.is_longest_learned else own.longest_seconds
    longest = timedelta(seconds=seconds) if seconds else None
    return Reading(pure.Expectation(found.timing, found.goal, timedelta(seconds=own.grace_seconds), longest))
