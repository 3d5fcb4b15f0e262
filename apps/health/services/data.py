"""Judging how old the data of components are, and keeping the answer; a turn is told once each way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from apps.catalog import queries as catalog
from apps.catalog.models import Component, ComponentKind
from apps.core import bulk
from apps.events import services as events
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.health import queries
from apps.health.datasets import JudgedData, judge
from apps.health.models import DataFreshness
from apps.health.status import DataStatus

LOOK_AGAIN: Final = timedelta(minutes=10)  # the catalog may have changed
ASK_AGAIN: Final = timedelta(minutes=1)  # builds of an index, and silent sources, ring for nobody
_TROUBLE: Final = (DataStatus.WARN, DataStatus.FAIL)
_TURNS: Final = {
    DataStatus.WARN: ("health:dataset:aging", Tone.WARN, "is older than it should be"),
    DataStatus.FAIL: ("health:dataset:old", Tone.BAD, "is too old"),
    DataStatus.FRESH: ("health:dataset:fresh", Tone.OK, "is fresh again"),
}


def refresh_data(*, fed_by: Collection[int], at: datetime) -> set[int]:
    """Judge the data that pipelines of these components feed, and what is due; returns the features that may feel it.

    The cost follows what has news and what is due, not how many components there are.
    """
    with transaction.atomic():
        bulk.lock(space="data", number=1)
        components = queries.due_components(fed_by=fed_by, at=at)
        if not components:
            return set()
        before = {one.pk: one.data for one in components if hasattr(one, "data")}
        rows = _judged(components, before, at)
        DataFreshness.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["component"], update_fields=_COLUMNS
        )
        events.record_events(events=[event for row in rows if (event := _event(row, before.get(row.pk)))])
        changed = [row.pk for row in rows if _told(row) != _told(before.get(row.pk))]
        events.ring(topics={"data", *(f"data-{pk}" for pk in changed)} if changed else set())
    return catalog.blast_radius(changed) if changed else set()


_COLUMNS: Final = [
    "status",
    "sentence",
    "since",
    "as_of",
    "cause_id",
    "because",
    "troubled_at",
    "judge_at",
    "judged_at",
]


def _judged(components: Sequence[Component], before: dict[int, DataFreshness], at: datetime) -> list[DataFreshness]:
    feeds = queries.feeds_of(components=components, at=at)
    builds = queries.builds_of(components=components)
    return [
        _row(
            one,
            judge(queries.limits_of(one), feeds=feeds.get(one.pk, ()), build=builds.get(one.pk), at=at),
            before.get(one.pk),
            at,
        )
        for one in components
    ]


def _row(component: Component, judged: JudgedData, before: DataFreshness | None, at: datetime) -> DataFreshness:
    """The row to come; silence does not end the trouble before it, so that it is told once."""
    status = DataStatus(judged.state.value)
    troubled_at = before.troubled_at if before else None
    if status in _TROUBLE:
        troubled_at = troubled_at or judged.since
    elif status is DataStatus.FRESH:
        troubled_at = None
    is_asked = component.kind == ComponentKind.INDEX or status is DataStatus.UNKNOWN
    again = at + (ASK_AGAIN if is_asked else LOOK_AGAIN)
    return DataFreshness(
        component=component,
        status=status,
        sentence=judged.text,
        since=before.since if before and before.status == status else min(judged.since or at, at),
        as_of=judged.as_of,
        cause_id=judged.cause.id if judged.cause else None,
        because=judged.cause.because if judged.cause else "",
        troubled_at=troubled_at,
        judge_at=min(judged.judge_at or again, again),
        judged_at=at,
    )


def _told(row: DataFreshness | None) -> tuple[object, ...]:
    return () if row is None else (row.status, row.sentence, row.as_of)


def _event(row: DataFreshness, before: DataFreshness | None) -> NewEvent | None:
    """The news of a turn; never of silence, and fresh again only after trouble."""
    status = DataStatus(row.status)
    was, troubled_at = (before.status, before.troubled_at) if before else ("", None)
    if status == was or status is DataStatus.UNKNOWN or (status is DataStatus.FRESH and troubled_at is None):
        return None
    kind, tone, verb = _TURNS[status]
    component = row.component
    since = troubled_at or row.since
    return NewEvent(
        kind=kind,
        at=row.judged_at if status is DataStatus.FRESH else row.since,
        title=f"{component.name} {verb}",
        tone=tone,
        detail=f"{row.sentence[:1].upper()}{row.sentence[1:]}.",
        is_demo=component.is_demo,
        feature_id=component.feature_id,
        component_id=component.pk,
        subject_kind="data",
        subject_id=component.pk,
        dedupe_key=f"data:{component.pk}:{status}:{since.timestamp():.0f}",
        data={"from": was, "to": str(status), "as_of": row.as_of.isoformat() if row.as_of else None},
        topics=("data",),
    )
