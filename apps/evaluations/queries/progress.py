"""How far an execution of ours has come, and which cases belong to which version."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from apps.evaluations.models import Case, CaseResult, EvaluationRun, Order, SuiteVersion
from apps.evaluations.status import OPEN_STATES, OrderReason
from apps.evaluations.targets import rendered

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Of `total` cases `done` have a result, `errors` of them no answer; `cost` in USD; `left` is a guess."""

    done: int
    total: int
    errors: int
    cost: Decimal
    left: timedelta | None = None

    @property
    def percent(self) -> int:
        """From 0 to 100."""
        return round(100 * self.done / self.total) if self.total else 0


def progress_of(*, order: Order, at: datetime) -> Progress:
    """Counted from the results that are there."""
    found = CaseResult.objects.filter(order=order).aggregate(
        done=Count("pk"), errors=Count("pk", filter=~Q(error="")), cost=Sum("cost")
    )
    started, done = order.run.started_at, found["done"]
    left = None
    if started is not None and done and order.due_at is not None:
        left = (at - started) / done * (order.total - done)
    return Progress(done=done, total=order.total, errors=found["errors"], cost=found["cost"] or Decimal(0), left=left)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An execution that has not ended; `progress` is None where another system carries it out."""

    run: EvaluationRun
    progress: Progress | None


def runs_under_way(
    *, suite_ids: Collection[int], subject: str, versions: Collection[str], at: datetime
) -> list[UnderWay]:
    """What the gate waits for: executions of these suites against these versions of `subject`, oldest first."""
    rows = EvaluationRun.objects.filter(suite_id__in=suite_ids, subject=subject, version__in=versions)
    rows = rows.filter(state__in=OPEN_STATES).exclude(order__reason=OrderReason.MANUAL)
    rows = rows.select_related("suite", "order__run").defer("labels", "summary").order_by("at", "id")
    return [UnderWay(run, _progress(run, at)) for run in rows[:MOST_SHOWN]]


def _progress(run: EvaluationRun, at: datetime) -> Progress | None:
    order = getattr(run, "order", None)
    return progress_of(order=order, at=at) if order is not None else None


def cases_of_version(version: SuiteVersion) -> QuerySet[Case]:
    """The cases that belong to a version of a suite."""
    of_suite = Case.objects.filter(suite_id=version.suite_id, since__lte=version.number)
    return of_suite.filter(Q(until__isnull=True) | Q(until__gt=version.number))


def asked_of(*, result: CaseResult) -> list[dict[str, str]]:
    """The messages that were sent for a case; [] where the case does not fit them."""
    try:
        return rendered(result.order.messages, result.case.inputs)
    except ValueError:
        return []
