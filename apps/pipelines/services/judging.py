"""The sweep: pipelines whose time has come are judged, what changed is stored, told and rung for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from psycopg import sql

from apps.catalog import queries as catalog
from apps.core import bulk
from apps.events import services as events
from apps.pipelines.expecting import expectation_of
from apps.pipelines.knowing import good_runs, known_of, pauses_since, runs_since
from apps.pipelines.models import Punctuality
from apps.pipelines.punctuality.expectation import Expectation
from apps.pipelines.punctuality.facts import GOOD, TROUBLE, Judgement, State
from apps.pipelines.punctuality.judging import judge, window_start
from apps.pipelines.punctuality.learning import longest_of
from apps.pipelines.punctuality.schedules import Reading
from apps.pipelines.services.pipelines import pipeline_topics
from apps.pipelines.services.punctuality_events import event_of
from apps.pipelines.status import Basis

A_ROUND: Final = 200  # pipelines in one transaction
MOST_ROUNDS: Final = 25
LEARN_AFTER: Final = timedelta(hours=6)
ASK_AGAIN: Final = timedelta(minutes=1)  # a silent source is looked at this often
_COLUMNS: Final = {
    "pipeline_id": "bigint",
    "state": "text",
    "since": "timestamptz",
    "sentence": "text",
    "basis": "text",
    "expected": "text",
    "reason": "text",
    "expected_from": "timestamptz",
    "due_at": "timestamptz",
    "next_due_at": "timestamptz",
    "troubled_at": "timestamptz",
    "longest_seconds": "integer",
    "learned_at": "timestamptz",
    "judge_at": "timestamptz",
    "judged_at": "timestamptz",
}
_WRITE: Final = sql.SQL(
    "UPDATE pipelines_punctuality AS kept SET {changes} FROM {news} WHERE kept.pipeline_id = news.pipeline_id"
).format(
    changes=sql.SQL(", ").join(
        sql.SQL("{0} = news.{0}").format(sql.Identifier(name)) for name in _COLUMNS if name != "pipeline_id"
    ),
    news=bulk.unnest(_COLUMNS),
)


@dataclass(slots=True)
class Swept:
    """What a sweep did: pipelines judged, those whose state changed, and the features that may feel it.

    `component_ids`: those of every pipeline that was judged, because it has news or its time had come.
    """

    judged: int = 0
    changed: int = 0
    feature_ids: set[int] = field(default_factory=set)
    component_ids: set[int] = field(default_factory=set)


def judge_due(*, at: datetime) -> Swept:
    """Judge every pipeline whose next decision is due; the cost follows what is due, not how many there are."""
    swept = Swept()
    for _ in range(MOST_ROUNDS):
        count = _judge_round(swept, at)
        if count < A_ROUND:
            break
    return swept


def _judge_round(swept: Swept, at: datetime) -> int:
    with transaction.atomic():
        rows = list(
            Punctuality.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("pipeline__source__state", "pipeline__expectation__upstream")
            .filter(judge_at__lte=at)
            .order_by("judge_at", "pk")[:A_ROUND]
        )
        if not rows:
            return 0
        before = {row.pk: _told(row) for row in rows}
        was = {row.pk: (row.state, row.troubled_at) for row in rows}
        _judge_all(rows, at)
        bulk.fetch(_WRITE, {name: [getattr(row, name) for row in rows] for name in _COLUMNS})
        turned = [row for row in rows if before[row.pk][0] != row.state]
        seen = [row for row in rows if before[row.pk] != _told(row)]
        found = [event_of(row, *was[row.pk]) for row in turned]
        events.record_events(events=[event for event in found if event])
        events.ring(topics=pipeline_topics([row.pk for row in seen]))
    swept.judged += len(rows)
    swept.changed += len(turned)
    swept.feature_ids |= _features(turned)
    swept.component_ids |= {row.pipeline.component_id for row in rows if row.pipeline.component_id}
    return len(rows)


def _told(row: Punctuality) -> tuple[object, ...]:
    return (row.state, row.sentence, row.due_at, row.next_due_at, row.reason)


def _judge_all(rows: Sequence[Punctuality], at: datetime) -> None:
    """Fill the rows with their judgement at `at`."""
    _learn(rows, at)
    expected: list[tuple[Punctuality, Expectation, datetime]] = []
    for row in rows:
        reading = _reading(row)
        _expect(row, reading, at)
        if reading.expectation is not None:
            skew = timedelta(seconds=getattr(row.pipeline.source.state, "skew_seconds", None) or 0.0)
            expected.append((row, reading.expectation, window_start(reading.expectation, at + skew)))
    runs = runs_since({row.pk: since for row, _, since in expected}, at=at)
    earliest = min((since for _, _, since in expected), default=at)
    pauses = pauses_since([row.pk for row, _, _ in expected], since=earliest)
    upstream = good_runs([pk for row, _, _ in expected if (pk := _upstream_id(row))])
    for row, expectation, since in expected:
        known = known_of(
            row,
            runs=runs.get(row.pk, ()),
            pauses=pauses.get(row.pk, ()),
            upstream=upstream.get(_upstream_id(row) or 0, ()),
            since=row.expected_from or at,
            at=at,
        )
        _take(row, judge(expectation, known, start=since), at)


def _reading(row: Punctuality) -> Reading:
    if row.pipeline.gone_at is not None:
        return Reading(None, "Its source no longer lists it.")
    own = getattr(row.pipeline, "expectation", None)
    return expectation_of(row.pipeline, own, learned_seconds=row.longest_seconds)


def _expect(row: Punctuality, reading: Reading, at: datetime) -> None:
    """Note what is expected; when it changes, it begins now."""
    row.judged_at, row.judge_at = at, None
    if reading.expectation is None:
        row.state = row.sentence = row.basis = row.expected = ""
        row.since = row.expected_from = row.due_at = row.next_due_at = row.troubled_at = None
        row.reason = reading.reason
        return
    own = getattr(row.pipeline, "expectation", None)
    is_of_people = own is not None and own.kind != "schedule"
    row.basis = Basis.PERSON if is_of_people else Basis.SCHEDULE
    row.reason = ""
    if row.expected != reading.expectation.text or row.expected_from is None:
        row.expected, row.expected_from = reading.expectation.text, at


def _take(row: Punctuality, judgement: Judgement, at: datetime) -> None:
    if row.state != judgement.state or row.since is None:
        row.since = judgement.since
    row.state, row.sentence = str(judgement.state), judgement.sentence
    row.due_at, row.next_due_at = judgement.due_at, judgement.next_due_at
    row.judge_at = judgement.decide_at
    if judgement.state is State.UNKNOWN:
        row.judge_at = at + ASK_AGAIN
    elif judgement.state in TROUBLE:
        row.troubled_at = row.troubled_at or judgement.since
    elif judgement.state in GOOD or judgement.state in (State.PAUSED, State.WAITING):
        row.troubled_at = None


def _learn(rows: Sequence[Punctuality], at: datetime) -> None:
    """How long runs may take by history, looked up now and then."""
    stale = [row for row in rows if row.learned_at is None or row.learned_at < at - LEARN_AFTER]
    good = good_runs([row.pk for row in stale])
    for row in stale:
        longest = longest_of(good.get(row.pk, ()))
        row.longest_seconds = int(longest.total_seconds()) if longest else None
        row.learned_at = at


def _upstream_id(row: Punctuality) -> int | None:
    own = getattr(row.pipeline, "expectation", None)
    return own.upstream_id if own and own.kind == "after" else None


def _features(rows: Sequence[Punctuality]) -> set[int]:
    """The features whose health may change with these."""
    components = {row.pipeline.component_id for row in rows if row.pipeline.component_id}
    own = {row.pipeline.feature_id for row in rows if row.pipeline.feature_id}
    return own | (catalog.blast_radius(components) if components else set())
