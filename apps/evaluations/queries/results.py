"""Reads of evaluations: suites with how their last executions went, executions, and the numbers of one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery

from apps.evaluations.models import EvaluationRun, EvaluationSuite, Score
from apps.evaluations.status import EvaluationState

TREND = 20  # executions of a suite that its trend shows


def runs() -> QuerySet[EvaluationRun]:
    """Executions with what a list shows beside each, newest first."""
    return EvaluationRun.objects.select_related("suite", "feature", "source").defer("labels").order_by("-at", "-id")


def runs_with_text(rows: QuerySet[EvaluationRun], text: str) -> QuerySet[EvaluationRun]:
    """Executions of a suite or against a subject with this text in its name."""
    return rows.filter(Q(suite__name__icontains=text) | Q(subject__icontains=text) | Q(version=text))


def runs_with_verdict(rows: QuerySet[EvaluationRun], verdict: str) -> QuerySet[EvaluationRun]:
    """Executions whose scores say so; the rule of `status.verdict_of` in SQL."""
    if verdict == "failed":
        return rows.filter(failed__gt=0)
    return rows.filter(failed=0, passed__gt=0) if verdict == "passed" else rows.filter(failed=0, passed=0)


def suites() -> QuerySet[EvaluationSuite]:
    """Suites with when each last ran."""
    newest = EvaluationRun.objects.filter(suite=OuterRef("pk")).order_by("-at", "-id")
    return EvaluationSuite.objects.select_related("feature", "source").annotate(
        last_at=Subquery(newest.values("at")[:1])
    )


@dataclass(frozen=True, slots=True)
class Trend:
    """One scorer over the newest executions of a suite, oldest first; None where an execution lacks it."""

    scorer: str
    values: list[float | None]
    latest: float | None
    before: float | None


def trends(*, suite: EvaluationSuite) -> list[Trend]:
    """How every scorer of a suite developed."""
    newest = EvaluationRun.objects.filter(suite=suite, state=EvaluationState.SUCCEEDED).order_by("-at", "-id")
    summaries = list(newest.values_list("summary", flat=True)[:TREND])[::-1]
    names = sorted({name for summary in summaries for name in summary})
    return [_trend(name, [summary.get(name, {}).get("mean") for summary in summaries]) for name in names]


def _trend(scorer: str, values: list[float | None]) -> Trend:
    known = [value for value in values if value is not None]
    return Trend(scorer, values, known[-1] if known else None, known[-2] if len(known) > 1 else None)


def scores_of(*, run: EvaluationRun) -> QuerySet[Score]:
    """The scores of single cases."""
    return run.scores.exclude(case="")


def runs_of_feature(*, feature_id: int, limit: int = 6) -> list[EvaluationRun]:
    """The newest executions for one feature."""
    return list(runs().filter(feature_id=feature_id)[:limit])
