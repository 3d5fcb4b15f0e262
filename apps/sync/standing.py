"""What one poll makes of a source's state: pure changes of the held row, with the event if people should know."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.connectors.errors import SourceError
from apps.core.ui.formats import duration
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.sources.models import Source, SourceState
from apps.sources.ringing import APART
from apps.sources.status import Circuit
from apps.sync import pacing
from apps.sync.fetch import Fetched
from apps.sync.looking import note_look


def note_poll(*, state: SourceState, fetched: Fetched, changed: int, at: datetime, jitter: float) -> list[NewEvent]:
    """The state after this poll, and the claim given back; events when the source begins or ends to fail or grant."""
    if fetched.error is not None:
        events = note_failure(state=state, source=fetched.job.source, error=fetched.error, at=at, jitter=jitter)
    else:
        events = note_success(state=state, fetched=fetched, changed=changed, at=at)
    is_good, source = fetched.error is None, fetched.job.source
    events += note_look(state=state, source=source, found=fetched.look, is_good=is_good, at=at)
    state.claim_id = state.claimed_at = state.claimed_until = None
    state.is_poll_requested = False
    return events


def note_success(*, state: SourceState, fetched: Fetched, changed: int, at: datetime) -> list[NewEvent]:
    """The state after a good poll; an event only if the source had been failing.

    While the source says there is more (a backfill), nothing gets fresher: `last_success_at` stays where it was.
    """
    batch, job = fetched.batch, fetched.job
    assert batch is not None
    events = [_recovered(job.source, state, at)] if state.failures else []
    state.cursor = dict(batch.cursor)
    state.has_backlog = batch.has_more
    state.skew_seconds = fetched.skew_seconds
    state.last_success_at = state.last_success_at if batch.has_more else job.started_at
    state.last_answer_at = at
    state.last_change_at = at if changed else state.last_change_at
    state.error_class, state.error = "", ""
    state.failing_since, state.failures = None, 0
    state.circuit, state.circuit_opened_at = Circuit.CLOSED, None
    state.not_before = None if batch.pause_seconds is None else at + timedelta(seconds=batch.pause_seconds)
    interval = job.source.interval_seconds
    slot = pacing.next_slot(source_id=job.source.pk, interval_seconds=interval, at=job.started_at)
    # A webhook that came while we read may speak of what we no longer saw.
    is_rung = state.rung_at is not None and state.rung_at >= job.started_at
    due = max(at, job.started_at + APART) if is_rung else slot
    state.next_poll_at = max(at if batch.has_more else due, state.not_before or at)
    return events


def note_failure(
    *, state: SourceState, source: Source, error: SourceError, at: datetime, jitter: float
) -> list[NewEvent]:
    """The state after a failed poll, last good values and cursor untouched; an event only for the first in a row."""
    state.failures += 1
    state.error_class, state.error = error.error_class, error.message
    state.failing_since = state.failing_since or at
    pause = pacing.pause_after_failure(failures=state.failures, is_permanent=error.is_permanent, jitter=jitter)
    if pause.is_open:
        state.circuit, state.circuit_opened_at = Circuit.OPEN, at
    state.not_before = None if error.retry_after is None else at + timedelta(seconds=error.retry_after)
    state.next_poll_at = max(at + timedelta(seconds=pause.seconds), state.not_before or at)
    return [_failed(source, error, at)] if state.failures == 1 else []


def _failed(source: Source, error: SourceError, at: datetime) -> NewEvent:
    return _news(
        source,
        at,
        kind="source:poll:failed",
        tone=Tone.BAD if error.is_permanent else Tone.WARN,
        title=f"{source.name} cannot be read",
        detail=error.message,
        data={"error_class": str(error.error_class)},
    )


def _recovered(source: Source, state: SourceState, at: datetime) -> NewEvent:
    lasted = (at - state.failing_since).total_seconds() if state.failing_since else 0.0
    return _news(
        source,
        at,
        kind="source:poll:recovered",
        tone=Tone.OK,
        title=f"{source.name} answers again",
        detail=f"It could not be read for {duration(lasted)} ({state.failures} polls).",
        data={"failures": state.failures, "seconds": round(lasted)},
    )


def _news(source: Source, at: datetime, **rest: object) -> NewEvent:
    return NewEvent(
        at=at,
        source_id=source.pk,
        subject_kind="source",
        subject_id=source.pk,
        is_demo=source.is_demo,
        environment_id=source.environment_id,
        topics=("sources",),
        **rest,  # type: ignore[arg-type]  # kind, tone, title, detail and data of the callers above
    )
