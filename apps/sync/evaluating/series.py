"""Scores of what runs on schedule as series, so that charts show them and monitors watch them like any other number.

Only those executions count: one for a gate looks at a version that is not live and would bend the curve. The portal
reports its own numbers like any system that reports by itself.
"""

from __future__ import annotations

import logging

from apps.connectors.records import SeriesRecord
from apps.evaluations.services import Ended
from apps.evaluations.status import EvaluationState, OrderReason
from apps.sync.pushing import PushRefusedError, store_push

logger = logging.getLogger(__name__)


def push_series(ended: Ended) -> int:
    """How many series got a point: one a scorer, and one for the share of verdicts that passed."""
    run, order = ended.run, ended.order
    if order.reason != OrderReason.SCHEDULE or run.state != EvaluationState.SUCCEEDED:
        return 0
    numbers = {name: float(part["mean"]) for name, part in run.summary.items()}
    judged = run.passed + run.failed
    if judged:
        numbers["passed"] = run.passed / judged
    records = [_series(ended, name, value) for name, value in sorted(numbers.items())]
    try:
        store_push(source=run.source, records=records)
    except PushRefusedError as error:
        logger.warning("the scores of run %s became no series: %s", run.pk, error)
        return 0
    return len(records)


def _series(ended: Ended, name: str, value: float) -> SeriesRecord:
    run, label = ended.run, ended.order.label
    assert run.finished_at is not None
    labels = {"suite": run.suite.name, "subject": run.subject, "label": label, "scorer": name}
    if run.suite.feature is not None:
        labels["feature"] = run.suite.feature.slug
    if run.suite.component is not None:
        labels["component"] = run.suite.component.slug
    return SeriesRecord(
        external_id=f"{run.suite_id}:{run.subject}@{label}:{name}"[:500],
        name=f"{run.suite.name}: {name}",
        unit="ratio",
        labels=labels,
        samples=((run.finished_at, value),),
    )
