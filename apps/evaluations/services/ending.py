"""How executions of ours end: scored, broken off or cancelled; and how they go on after that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.catalog import queries as catalog
from apps.connectors.records import Score
from apps.evaluations.models import CaseResult, EvaluationRun, Order
from apps.evaluations.services import scores
from apps.evaluations.services.claims import Claim, held
from apps.evaluations.services.events import events_of, order_event
from apps.evaluations.services.house import note_heard
from apps.evaluations.services.working import topics_of
from apps.evaluations.status import EvaluationState
from apps.events import services as events


@dataclass(frozen=True, slots=True)
class Ended:
    """How an execution ended, for whoever tells others: what it touched, and its numbers by scorer."""

    run: EvaluationRun
    order: Order
    feature_ids: set[int] = field(default_factory=set)


def finish(*, claim: Claim, at: datetime, error: str = "") -> Ended | None:
    """The end of an execution, with all its scores and one event; None if the claim is no longer ours.

    It broke off with an `error`, or when a case got no answer; cancelled if somebody asked for that.
    """
    with transaction.atomic():
        order = held(claim)
        return None if order is None else _end(order, at=at, error=error)


def cancel_run(*, run: EvaluationRun, actor: User, at: datetime) -> bool:
    """Whether it will stop: at once if nobody works on it, else after the cases under way; False if it is over."""
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).select_related("run__suite", "run__source").get(run=run)
        if order.due_at is None or order.cancel_asked_at is not None:
            return False
        order.cancel_asked_at, order.cancelled_by = at, actor.get_username()
        order.save(update_fields=["cancel_asked_at", "cancelled_by"])
        events.record_events(events=[order_event(order, "cancelled", actor=order.cancelled_by, at=at)])
        if order.claimed_until is None or order.claimed_until <= at:
            _end(order, at=at, error="")
        else:
            events.ring(topics=topics_of(order))
    return True


def resume_run(*, run: EvaluationRun, actor: User, at: datetime) -> bool:
    """Whether it goes on where it broke off: cases with a score keep it, those without an answer are asked again."""
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).select_related("run__suite").get(run=run)
        if order.run.state not in (EvaluationState.FAILED, EvaluationState.CANCELLED):
            return False
        CaseResult.objects.filter(order=order).exclude(error="").delete()
        order.due_at, order.error, order.cancel_asked_at, order.claim_id, order.claimed_until = at, "", None, None, None
        order.asked_by, order.user = actor.get_username(), actor
        order.save()
        order.run.state, order.run.raw_state, order.run.finished_at = EvaluationState.QUEUED, "queued", None
        order.run.save(update_fields=["state", "raw_state", "finished_at"])
        events.record_events(events=[order_event(order, "started", actor=order.asked_by, at=at)])
        events.ring(topics=topics_of(order))
    return True


def _end(order: Order, *, at: datetime, error: str) -> Ended:
    run, before = order.run, order.run.state
    results = list(CaseResult.objects.filter(order=order).select_related("case"))
    unanswered = [result for result in results if result.error]
    if not error and unanswered:
        error = f"{len(unanswered):,} of {order.total:,} cases got no answer: {unanswered[0].error}"
    state = EvaluationState.FAILED if error else EvaluationState.SUCCEEDED
    if order.cancel_asked_at is not None:
        state, error = EvaluationState.CANCELLED, ""
    order.due_at, order.claim_id, order.claimed_until, order.error = None, None, None, error
    order.save(update_fields=["due_at", "claim_id", "claimed_until", "error"])
    rows = scores.score_rows(_scores(results))
    scores.replace_scores({run.pk: rows})
    run.summary = scores.summarize(rows)
    run.scores_digest = scores.digest(rows) if rows else ""
    run.passed = int(sum(part["passed"] for part in run.summary.values()))
    run.failed = int(sum(part["failed"] for part in run.summary.values()))
    run.state, run.raw_state, run.finished_at, run.upstream_at = state, state.value, at, at
    run.save()
    events.record_events(events=events_of(runs=[_row(run, before)], source=run.source))
    note_heard(source_id=run.source_id, at=at)
    events.ring(topics=topics_of(order))
    touched = catalog.blast_radius({run.component_id}) if run.component_id else set()
    return Ended(run, order, touched | ({run.feature_id} if run.feature_id else set()))


def _scores(results: Sequence[CaseResult]) -> list[Score]:
    """Every score of every case, and the weighted mean of each scorer; safety cases stay outside the means."""
    told: list[Score] = []
    weighted: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for result in results:
        for score in result.scores:
            told.append(
                Score(
                    scorer=score["scorer"],
                    value=score["value"],
                    case=result.case.key,
                    passed=score["passed"],
                    comment=score.get("comment", ""),
                )
            )
            if not result.case.is_safety:
                weighted[score["scorer"]].append((score["value"], result.case.weight))
    for scorer, pairs in weighted.items():
        mean = sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)
        told.append(Score(scorer=scorer, value=mean, count=len(pairs)))
    return told


def _row(run: EvaluationRun, before: str) -> dict[str, Any]:
    """The execution as `events_of` takes it."""
    return {
        "id": run.pk,
        "state": run.state,
        "old_state": before,
        "ended_at": run.finished_at,
        "feature_id": run.feature_id,
        "component_id": run.component_id,
        "environment_id": run.environment_id,
        "url": run.url,
        "suite_name": run.suite.name,
        "subject": run.subject,
        "version": run.version,
        "passed": run.passed,
        "failed": run.failed,
    }
