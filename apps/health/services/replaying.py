"""Filling the past of a feature from its samples, where nobody judged it when it was the present."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.catalog.models import Promise
from apps.health import replay
from apps.health.facts import PromiseFact
from apps.health.models import FeatureHealth, HealthSpan
from apps.health.queries import live_spans, old_data_of, promised_series
from apps.health.replay import STEP, OldData, PastSpan
from apps.health.services import locks
from apps.metrics import queries as metrics
from apps.metrics.models import Series


def backfill_health(*, feature_id: int, at: datetime) -> int:
    """Replay the promises over the samples and the age of data over the runs; how many stretches that makes.

    Repeating it changes nothing.

    1. Averages of a quarter of an hour, of every promise in one query.
    2. The promises' own rule, step by step, and the stretches in which what it answers from was too old.
    3. Only what no live judgement covers is written, in place of what an earlier replay wrote.
    """
    promised = promised_series(feature_id=feature_id)
    first = min((series.first_at for _, series in promised if series.first_at), default=None)
    if first is None:
        return 0
    start = _floor(first)
    old = old_data_of(feature_id=feature_id, start=start, end=at)
    past = _past(promised, start, int((at - start) / STEP) + 1, old)
    with transaction.atomic():
        locks.hold(feature_ids=[feature_id])
        live = live_spans(feature_id=feature_id, at=at)
        HealthSpan.objects.filter(feature_id=feature_id, is_replayed=True).delete()
        holes = replay.holes(live, start=start, end=at) if live else []
        made = [_span(feature_id, span) for span in replay.clipped(past, holes)]
        HealthSpan.objects.bulk_create(made)
        FeatureHealth.objects.filter(pk=feature_id).update(history_from=start)
    return len(made)


def _floor(at: datetime) -> datetime:
    seconds = int(STEP.total_seconds())
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, at.tzinfo)


def _past(promised: list[tuple[Promise, Series]], start: datetime, steps: int, old: list[OldData]) -> list[PastSpan]:
    series_ids = [series.pk for _, series in promised]
    averages = metrics.step_averages(series_ids=series_ids, start=start, step=STEP, steps=steps)
    facts = [(_fact(promise, series), averages.get(series.pk, {})) for promise, series in promised]
    return replay.replay(facts, start=start, steps=steps, old=old)


def _fact(promise: Promise, series: Series) -> PromiseFact:
    return PromiseFact(
        measure=promise.measure,
        comparison="at_most" if promise.comparison == Promise.Comparison.AT_MOST else "at_least",
        limit=promise.limit,
        fails_at=promise.fails_at,
        unit=series.unit,
        interval=series.interval,
    )


def _span(feature_id: int, past: PastSpan) -> HealthSpan:
    return HealthSpan(
        feature_id=feature_id,
        status=str(past.status),
        sentence=past.sentence,
        started_at=past.start,
        ended_at=past.end,
        is_replayed=True,
    )
