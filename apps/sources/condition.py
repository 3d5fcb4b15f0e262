"""What people read about one source: one status, one sentence; the order in which trouble counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.core.ui.formats import duration
from apps.sources.freshness import Age, Lag, judge_freshness, lag_of
from apps.sources.models import Source, SourceState
from apps.sources.status import SourceStatus

NOTABLE_SKEW = 300.0  # seconds
LONG_FAILING = 3600.0
CATCHING_UP = "It is catching up with the past; nothing counts as fresh until it is through."


@dataclass(frozen=True, slots=True)
class Condition:
    """The status and its sentence; `age` says how fresh the last good values are, whatever else is wrong."""

    status: SourceStatus
    sentence: str
    age: Age
    lag: Lag
    notes: tuple[str, ...] = ()


def judge_source(*, source: Source, state: SourceState, at: datetime) -> Condition:
    """Paused by people, else failing, else as fresh as its last good poll; `queries.in_status` says the same in SQL."""
    age = judge_freshness(
        last_success_at=state.last_success_at,
        interval_seconds=source.interval_seconds,
        at=at,
        is_paused=not source.is_enabled,
    )
    status, sentence = _status_and_sentence(source, state, age, at)
    lag = lag_of(age=age, interval_seconds=source.interval_seconds)
    return Condition(status, sentence, age, lag, tuple(_notes(state)))


def _status_and_sentence(source: Source, state: SourceState, age: Age, at: datetime) -> tuple[SourceStatus, str]:
    if not source.is_enabled:
        return SourceStatus.PAUSED, age.sentence
    if state.failures:
        return SourceStatus.FAILING, f"{state.error} It failed {_how_often(state, at)}. {age.sentence}"
    if state.has_backlog:
        return SourceStatus(age.state), CATCHING_UP
    return SourceStatus(age.state), age.sentence


def _how_often(state: SourceState, at: datetime) -> str:
    """ "once", "12 times in a row", and since when once that is more than an hour."""
    often = "once" if state.failures == 1 else f"{state.failures:,} times in a row"
    lasted = (at - state.failing_since).total_seconds() if state.failing_since else 0.0
    return f"{often}, for {duration(lasted)} now" if lasted > LONG_FAILING else often


def _notes(state: SourceState) -> list[str]:
    notes = []
    if state.skew_seconds is not None and abs(state.skew_seconds) > NOTABLE_SKEW:
        direction = "ahead of" if state.skew_seconds > 0 else "behind"
        notes.append(
            f"Its clock is {duration(abs(state.skew_seconds))} {direction} ours. Freshness is measured with our clock; "
            "the times it reports may look wrong until its clock is set."
        )
    if state.missing_scopes:
        missing = ", ".join(state.missing_scopes)
        notes.append(f"It does not grant everything the connector can read: {missing}. What needs it stays empty.")
    return notes
