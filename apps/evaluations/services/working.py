"""Carrying out an order, as far as the database is concerned: begin, and one result a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from apps.core.fitting import fit
from apps.evaluations.models import Case, CaseResult, EvaluationEndpoint, Order
from apps.evaluations.queries.progress import cases_of_version
from apps.evaluations.services.claims import LEASE, Claim, held
from apps.evaluations.status import EvaluationState
from apps.events import services as events


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that carrying out an order needs."""

    claim: Claim
    order: Order
    endpoint: EvaluationEndpoint
    scorers: Sequence[Mapping[str, Any]]
    cases: Sequence[Case]  # those without a result yet
    spent: Decimal  # USD so far
    judge: EvaluationEndpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResult:
    """What came back for one case; either scores or an error. `cost` in USD."""

    case_id: int
    output: str = ""
    scores: Sequence[Mapping[str, Any]] = ()
    latency_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    attempts: int = 1
    error: str = ""


def begin(*, claim: Claim, at: datetime) -> Job | None:
    """The job behind the claim, its execution under way from now on; None if the claim is no longer ours."""
    with transaction.atomic():
        order = held(claim)
        if order is None:
            return None
        run = order.run
        if run.state != EvaluationState.RUNNING:
            run.state, run.raw_state = EvaluationState.RUNNING, "running"
            run.started_at = run.started_at or at
            run.at = run.started_at
            run.save(update_fields=["state", "raw_state", "started_at", "at"])
            events.ring(topics=topics_of(order))
    done = CaseResult.objects.filter(order=order)
    cases = cases_of_version(order.suite_version).exclude(pk__in=done.values("case_id")).order_by("pk")
    return Job(
        claim=claim,
        order=order,
        endpoint=order.endpoint,
        scorers=order.suite_version.scorers,
        cases=list(cases),
        spent=done.aggregate(sum=Sum("cost"))["sum"] or Decimal(0),
        judge=_judge(order),
    )


def store_result(*, claim: Claim, result: NewResult, at: datetime, rings: bool) -> bool:
    """Keep the result, unless its case has one, and renew the lease; whether the order is still ours and wanted."""
    with transaction.atomic():
        order = held(claim)
        if order is None:
            return False
        row = CaseResult(
            order=order,
            case_id=result.case_id,
            output=fit(result.output),
            scores=[dict(score) for score in result.scores],
            latency_ms=result.latency_ms,
            input_tokens=result.input_tokens,
            output_tokens=result.output_tokens,
            cost=result.cost,
            attempts=result.attempts,
            error=fit(result.error, 1_000),
            finished_at=at,
        )
        CaseResult.objects.bulk_create([row], ignore_conflicts=True)
        Order.objects.filter(pk=order.pk).update(claimed_until=at + LEASE)
        if rings:
            events.ring(topics=topics_of(order))
    return order.cancel_asked_at is None


def _judge(order: Order) -> EvaluationEndpoint | None:
    """The endpoint on which the judge is asked by now, None without a judge or if it is gone."""
    slug = next((one["options"]["endpoint"] for one in order.suite_version.scorers if one["kind"] == "judge"), None)
    return None if slug is None else EvaluationEndpoint.objects.filter(slug=slug).first()


def topics_of(order: Order) -> set[str]:
    """The live topics of what shows it."""
    return {"evaluations", f"evaluation-{order.run_id}", f"suite-{order.run.suite_id}"}
