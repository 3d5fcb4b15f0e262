"""A monitor tried on the past before it is saved: queued by a person, run by a worker, told by a live topic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User
from apps.events.services import ring
from apps.metrics.models import Series
from apps.monitors import queries
from apps.monitors.judging import Episode, episodes
from apps.monitors.models import Backtest
from apps.monitors.rules import KINDS, ParameterError, make_rule
from apps.monitors.status import BacktestState
from apps.monitors.troubles import troubles

_KEPT: Final = 200  # episodes shown
_STEP: Final = 2000  # samples between two words about progress
_OLD: Final = timedelta(days=2)


def queue_backtest(*, actor: User, series: Series, kind: str, parameters: dict[str, Any], at: datetime) -> Backtest:
    """Ask for one; old ones are forgotten on the way."""
    Backtest.objects.filter(created_at__lt=at - _OLD).delete()
    days = 30 if KINDS[kind].history_days < 30 else 100
    return Backtest.objects.create(
        series=series, kind=kind, parameters=parameters, days=days, created_by=actor, created_at=at
    )


def run_next_backtest(*, at: datetime) -> bool:
    """Run the oldest that waits; False when none does. A worker that dies leaves it running, and it is asked anew."""
    with transaction.atomic():
        rows = Backtest.objects.select_for_update(skip_locked=True).filter(state=BacktestState.QUEUED)
        test = rows.order_by("created_at").first()
        if test is None:
            return False
        test.state = BacktestState.RUNNING
        test.save(update_fields=["state"])
        ring(topics={test.topic})
    try:
        _run(test, at)
    except ParameterError as error:
        _finish(test, at, BacktestState.FAILED, problem=str(error))
    return True


def _run(test: Backtest, at: datetime) -> None:
    start = at - timedelta(days=test.days)
    learning = timedelta(days=min(KINDS[test.kind].history_days, 15.0))
    rule = make_rule(test.kind, test.parameters)
    samples = queries.samples_between(series_id=test.series_id, after=start - learning, until=at)
    found = episodes(rule, _told(test, samples, start - learning, at), at.timestamp())
    kept = [one for one in found if one.end is None or one.end >= start.timestamp()]
    known = [(began.timestamp(), ended.timestamp()) for began, ended in troubles(test.series, start, at)]
    _finish(test, at, BacktestState.DONE, found=[_facts(one, known, at) for one in kept[-_KEPT:]])


def _facts(one: Episode, known: list[tuple[float, float]], at: datetime) -> dict[str, Any]:
    """An episode as it is kept; `inside`: whether an incident was going on while it lasted."""
    end = at.timestamp() if one.end is None else one.end
    inside = any(began <= end and one.start <= ended for began, ended in known)
    return {"start": one.start, "end": one.end, "value": one.value, "why": one.why, "inside": inside}


def _told(
    test: Backtest, samples: Iterator[tuple[float, float]], start: datetime, end: datetime
) -> Iterator[tuple[float, float]]:
    """The samples on their way through, with word of how far they have come."""
    begin, length = start.timestamp(), max(1.0, (end - start).total_seconds())
    for count, (at, value) in enumerate(samples, start=1):
        test.samples = count
        if count % _STEP == 0:
            Backtest.objects.filter(pk=test.pk).update(progress=int(100 * (at - begin) / length), samples=count)
            ring(topics={test.topic})
        yield at, value


def _finish(
    test: Backtest, at: datetime, state: BacktestState, *, found: list[dict[str, Any]] | None = None, problem: str = ""
) -> None:
    with transaction.atomic():
        test.state, test.episodes, test.problem = state, found or [], problem
        test.progress, test.finished_at = 100, at
        test.save(update_fields=["state", "episodes", "problem", "progress", "finished_at", "samples"])
        ring(topics={test.topic})
