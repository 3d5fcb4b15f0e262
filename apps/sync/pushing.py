"""Storing what a system pushes: one transaction a request, and an answer for every record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from apps.connectors.records import Batch, Kind, Record, Rejected
from apps.events import services as events
from apps.sources.identity.naming import note_names
from apps.sources.models import Poll, Source, SourceState
from apps.sources.status import Circuit, Outcome
from apps.sources.storing import Stored
from apps.sync.finishing import limit_waiting
from apps.sync.judging import judge_features
from apps.sync.leftovers import Leftover, write_leftovers
from apps.sync.store import store_batch

ONE_ROW = timedelta(minutes=1)  # reports within it share one row in the list of the source's page


class Fate(StrEnum):
    STORED = "stored"
    UNCHANGED = "unchanged"  # we knew it already, or newer news of the same thing
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one pushed record; `reason` says in words why it was refused."""

    fate: Fate
    reason: str = ""


class PushRefusedError(Exception):
    """The source takes no reports at all now; the text says why and what to do."""


def store_push(
    *, source: Source, records: Sequence[Record] = (), rejected: Sequence[Rejected] = (), bytes_read: int = 0
) -> list[Told]:
    """Store what a system reports about itself; returns one answer a record, in the order of `records`.

    A record that cannot be stored is refused alone. `rejected` are items that could not be read at all: they are kept
    as dead letters. No records at all is a sign of life. Nothing is written when this raises: PushRefusedError for a
    source that is polled or paused, SourceState.DoesNotExist for one that was removed meanwhile.
    """
    with transaction.atomic():
        at = limit_waiting()
        state = SourceState.objects.select_for_update(of=("self",)).select_related("source").get(source=source)
        _check_takes_reports(state.source)
        batch = Batch(records=tuple(records), rejected=tuple(rejected))
        stored = store_batch(source=state.source, batch=batch, at=at, is_careful=True)
        write_leftovers(leftovers=[_leftover(state.source, batch, stored)], at=at)
        note_names(batches=stored.names, at=at)
        _note_heard(state, is_changed=bool(stored.changed), at=at)
        _note_report(state.source, batch, stored, bytes_read, at)
        events.record_events(events=stored.events)
        events.ring(topics=stored.topics | {"sources", f"source-{source.pk}"})
        transaction.on_commit(partial(judge_features, feature_ids=stored.feature_ids, set_ids=stored.set_ids))
    return _answers(records, stored, before=len(rejected))


def _check_takes_reports(source: Source) -> None:
    if source.is_polled:
        raise PushRefusedError(
            f"{source.name} is polled by the portal; connect a source of the kind Push to report to."
        )
    if not source.is_enabled:
        raise PushRefusedError(f"{source.name} is paused; resume it on its page.")


def _leftover(source: Source, batch: Batch, stored: Stored) -> Leftover:
    return Leftover(
        source_id=source.pk,
        secrets=(),
        keeps_raw=source.raw_kept_days > 0,
        records=batch.records,
        rejected=stored.rejected,
    )


def _note_heard(state: SourceState, *, is_changed: bool, at: datetime) -> None:
    """The source is as fresh as its last report; whatever was wrong with it is over."""
    state.last_attempt_at = state.last_success_at = state.last_answer_at = at
    state.last_change_at = at if is_changed else state.last_change_at
    state.error_class = state.error = ""
    state.failing_since, state.failures = None, 0
    state.circuit, state.circuit_opened_at = Circuit.CLOSED, None
    state.save()


def _note_report(source: Source, batch: Batch, stored: Stored, bytes_read: int, at: datetime) -> None:
    """One row in the list of polls for the reports of a minute, so that a talkative system does not flood it."""
    fetched, rejected = len(batch.records), len(stored.rejected)
    recent = Poll.objects.filter(source=source, started_at__gt=at - ONE_ROW, outcome=Outcome.SUCCEEDED).first()
    if recent is None:
        Poll.objects.create(
            source=source,
            claim_id=uuid4(),
            started_at=at,
            finished_at=at,
            outcome=Outcome.SUCCEEDED,
            fetched=fetched,
            changed=stored.changed,
            rejected=rejected,
            requests=1,
            bytes_read=bytes_read,
        )
        return
    Poll.objects.filter(pk=recent.pk).update(
        finished_at=at,
        fetched=F("fetched") + fetched,
        changed=F("changed") + stored.changed,
        rejected=F("rejected") + rejected,
        requests=F("requests") + 1,
        bytes_read=F("bytes_read") + bytes_read,
    )


def _answers(records: Sequence[Record], stored: Stored, *, before: int) -> list[Told]:
    """The fate of each record; the first `before` of the rejected ones were no records."""
    reasons = {(item.kind, item.external_id): item.reason for item in stored.rejected[before:]}
    answers = []
    for record in records:
        identity: tuple[Kind, str] = (record.kind, record.external_id)  # type: ignore[attr-defined]  # all have one
        if identity in reasons:
            answers.append(Told(Fate.REFUSED, reasons[identity]))
        else:
            answers.append(Told(Fate.STORED if identity in stored.changed_ids else Fate.UNCHANGED))
    return answers
