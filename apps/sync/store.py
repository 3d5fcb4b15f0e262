"""Handing what a poll brought to the apps that own it: each kind of record to one function, each bad record aside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, transaction

from apps.connectors.records import Batch, Kind, Listing, Record, Rejected
from apps.deployments import services as deployments
from apps.evaluations import services as evaluations
from apps.metrics import services as metrics
from apps.monitors import services as monitors
from apps.pipelines import services as pipelines
from apps.prompts import services as prompts
from apps.sources import changes
from apps.sources.mapping import Mapper, Names
from apps.sources.models import Source
from apps.sources.storing import Stored

ORDER = (  # parents before children
    Kind.PIPELINE,
    Kind.RUN,
    Kind.TASK_RUN,
    Kind.DEPLOYMENT,
    Kind.PROMPT,
    Kind.PROMPT_VERSION,
    Kind.PROMPT_LABEL,
    Kind.SERIES,
    Kind.ALERT,
    Kind.EVALUATION,
    Kind.CHANGE,
)
_OF_THE_DATA = (DataError, IntegrityError, ValueError, TypeError, OverflowError)
_OF_THE_DATABASE = (OperationalError, InterfaceError, ProgrammingError)  # no record is to blame

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one source brought, on its way to the apps that own it."""

    source: Source
    batch: Batch


def store_batch(
    *, source: Source, batch: Batch, at: datetime, names: Names | None = None, is_careful: bool = False
) -> Stored:
    """Store what one source brought; see `store_batches`."""
    deliveries = [Delivery(source, batch)]
    return store_batches(deliveries=deliveries, at=at, names=names, is_careful=is_careful)[0]


def store_batches(
    *, deliveries: Sequence[Delivery], at: datetime, names: Names | None = None, is_careful: bool = False
) -> list[Stored]:
    """Store every record and listing in the caller's transaction, one outcome a delivery; sources stay untouched.

    The series of all sources are stored together, for they are many and small. Plain storing raises on the first
    record that cannot be stored. Careful storing sets such a record aside as rejected and keeps its neighbours, at
    the price of savepoints; the caller tries it when plain storing failed.
    """
    names = names or Names()
    mappers = [Mapper(delivery.source, names) for delivery in deliveries]
    outcomes = [
        _store_one(delivery, mapper, at, is_careful) for delivery, mapper in zip(deliveries, mappers, strict=True)
    ]
    if not is_careful:
        tellings = [
            metrics.Telling(delivery.source, _of_kind(delivery.batch, Kind.SERIES), mapper)
            for delivery, mapper in zip(deliveries, mappers, strict=True)
        ]
        for stored, series in zip(outcomes, metrics.upsert_all_series(tellings=tellings, at=at), strict=True):
            stored.add(series)
    for stored, mapper in zip(outcomes, mappers, strict=True):
        stored.names.append(mapper.seen)
    return outcomes


def _store_one(delivery: Delivery, mapper: Mapper, at: datetime, is_careful: bool) -> Stored:
    """Everything of one delivery; the series only when it is stored carefully."""
    source, batch = delivery.source, delivery.batch
    stored = Stored(rejected=list(batch.rejected))
    for kind in ORDER:
        if kind is Kind.SERIES and not is_careful:
            continue
        if records := _of_kind(batch, kind):

            def put(some: Sequence[Record], kind: Kind = kind) -> Stored:
                return _upsert(kind, source=source, records=some, mapper=mapper, at=at)

            stored.add(_store_carefully(kind, records, put) if is_careful else put(records))
    for listing in batch.listings:
        stored.add(_mark_absent(source=source, listing=listing, at=at))
    return stored


def _of_kind(batch: Batch, kind: Kind) -> list[Any]:
    return [record for record in batch.records if record.kind is kind]  # type: ignore[attr-defined]  # all name theirs


def _upsert(kind: Kind, *, source: Source, records: Sequence[Any], mapper: Mapper, at: datetime) -> Stored:
    match kind:
        case Kind.PIPELINE:
            return pipelines.upsert_pipelines(source=source, records=records, mapper=mapper, at=at)
        case Kind.RUN:
            return pipelines.upsert_runs(source=source, records=records, mapper=mapper, at=at)
        case Kind.TASK_RUN:
            return pipelines.upsert_task_runs(source=source, records=records, at=at)
        case Kind.DEPLOYMENT:
            return deployments.upsert_deployments(source=source, records=records, mapper=mapper, at=at)
        case Kind.PROMPT:
            return prompts.upsert_prompts(source=source, records=records, mapper=mapper, at=at)
        case Kind.PROMPT_VERSION:
            return prompts.upsert_versions(source=source, records=records, at=at)
        case Kind.PROMPT_LABEL:
            return prompts.upsert_labels(source=source, records=records, at=at)
        case Kind.SERIES:
            return metrics.upsert_series(source=source, records=records, mapper=mapper, at=at)
        case Kind.ALERT:
            return monitors.upsert_alerts(source=source, records=records, mapper=mapper, at=at)
        case Kind.EVALUATION:
            return evaluations.upsert_evaluations(source=source, records=records, mapper=mapper, at=at)
        case Kind.CHANGE:
            return changes.record_changes(source=source, records=records, mapper=mapper)


def _mark_absent(*, source: Source, listing: Listing, at: datetime) -> Stored:
    match listing.kind:
        case Kind.PIPELINE | Kind.RUN | Kind.TASK_RUN:
            return pipelines.mark_absent(source=source, listing=listing, at=at)
        case Kind.PROMPT | Kind.PROMPT_VERSION | Kind.PROMPT_LABEL:
            return prompts.mark_absent(source=source, listing=listing, at=at)
        case Kind.ALERT:
            return monitors.mark_absent(source=source, listing=listing, at=at)
        case Kind.DEPLOYMENT | Kind.SERIES | Kind.EVALUATION | Kind.CHANGE:
            return Stored()  # history: what is no longer listed stays


def _store_carefully(kind: Kind, records: list[Record], put: Callable[[Sequence[Record]], Stored]) -> Stored:
    """Everything that can be stored, halving until each bad record stands alone and is rejected.

    When not one record can be stored and the data are not to blame, the mistake is ours: raises it, so that the
    cursor stays and nothing is lost.
    """
    stored, ours = Stored(), None
    waiting = [records]
    while waiting:
        some = waiting.pop()
        try:
            with transaction.atomic():
                stored.add(put(some))
        except _OF_THE_DATABASE:
            raise
        except Exception as error:
            if len(some) > 1:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
                continue
            ours = ours or (None if isinstance(error, _OF_THE_DATA) else error)
            logger.warning("%s %s cannot be stored", kind, some[0].external_id, exc_info=error)
            stored.rejected.append(_refused(kind, some[0], error))
    if ours is not None and len(stored.rejected) >= len(records):
        raise ours
    return stored


def _refused(kind: Kind, record: Record, error: Exception) -> Rejected:
    """The dead letter of a record that the database or its owner refuses; no value of it is quoted."""
    if isinstance(error, _OF_THE_DATA):
        reason = f"The database refuses a value of this record ({type(error).__name__})."
    else:
        reason = f"Storing this record failed on an error of the portal itself ({type(error).__name__})."
    return Rejected(kind=kind, external_id=record.external_id, reason=reason, raw=record.raw)
