"""Carrying out one order, read downwards: claim, ask side by side, store each answer as it comes, end or hand back.

A turn begins no new case after TURN; the order is then given back and taken up again at the next tick, so that a long
execution never outlives a deployment and a killed worker costs only the answers that were under way.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.connectors.errors import ErrorClass, SourceError
from apps.evaluations import services as evaluations
from apps.evaluations.services import Claim, Ended, Job
from apps.sources import queries as sources
from apps.sync.evaluating.answering import Answered, Answers
from apps.sync.evaluating.scoring import result_of
from apps.sync.evaluating.series import push_series
from apps.sync.judging import judge_features

TURN = timedelta(seconds=20)
RING_EVERY = timedelta(seconds=1)  # how often an open page is told of progress
ERRORS_IN_A_ROW = 5  # then the endpoint is at fault, not the case
_FATAL = frozenset(
    {ErrorClass.NOT_FOUND, ErrorClass.CONFIG, ErrorClass.BLOCKED_ADDRESS, ErrorClass.REDIRECT, ErrorClass.AUTH}
)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Turn:
    """What one turn has seen so far."""

    job: Job
    began_at: datetime
    done: int = 0
    errors_in_a_row: int = 0
    spent: float = 0.0
    rang_at: datetime | None = None
    failure: str = ""  # why the whole execution breaks off
    pause: float | None = None  # seconds that the endpoint wants us to stay away
    is_lost: bool = False  # claimed by another worker, or cancelled

    @property
    def is_over(self) -> bool:
        return bool(self.failure) or self.pause is not None or self.is_lost


def carry_out_next() -> str:
    """Carry out a turn of the order that is due for longest; a sentence on what became of it."""
    claim = evaluations.claim_order(at=sources.database_time())
    if claim is None:
        return "no evaluation is due"
    job = evaluations.begin(claim=claim, at=sources.database_time())
    if job is None:
        return f"run {claim.run_id} was taken away"
    turn = _Turn(job=job, began_at=sources.database_time(), spent=float(job.spent))
    if not job.endpoint.is_enabled:
        turn.failure = f"{job.endpoint} is switched off."
    else:
        _work(turn)
    return _conclude(turn, claim)


def _work(turn: _Turn) -> None:
    answers = Answers(turn.job)
    try:
        for answered in answers:
            at = sources.database_time()
            _take(turn, answered, at)
            if turn.is_over or at - turn.began_at > TURN:
                answers.stop()
    except SourceError as error:
        turn.failure = turn.failure or error.message
    except Exception as error:
        logger.exception("evaluating run %s broke off on our side", turn.job.claim.run_id)
        turn.failure = f"It stopped on an error of the portal itself ({type(error).__name__}); the log says more."


def _take(turn: _Turn, answered: Answered | None, at: datetime) -> None:
    """Store one answer, or renew the lease while none comes; sees whether the whole execution has to stop."""
    claim = turn.job.claim
    if answered is None:
        turn.is_lost = turn.is_lost or not evaluations.keep_claim(claim=claim, at=at)
        return
    if answered.error is not None and _stops_all(turn, answered.error):
        return
    if answered.error is None:
        turn.errors_in_a_row = 0
    rings = turn.rang_at is None or at - turn.rang_at >= RING_EVERY
    turn.rang_at = at if rings else turn.rang_at
    result = result_of(answered, turn.job)
    if not evaluations.store_result(claim=claim, result=result, at=at, rings=rings):
        turn.is_lost = True
    turn.done += 1
    turn.spent += float(answered.cost)
    limit = float(turn.job.order.cost_limit)
    if limit and turn.spent >= limit:
        turn.failure = turn.failure or f"It reached its cost limit of ${limit:.2f}; raise it on the endpoint to go on."


def _stops_all(turn: _Turn, error: SourceError) -> bool:
    """Whether this error is the endpoint's: its case is then asked again when the execution goes on."""
    if error.error_class is ErrorClass.RATE_LIMIT:
        turn.pause = max(turn.pause or 0.0, error.retry_after or 30.0)
        return True
    is_of_the_case = error.error_class is ErrorClass.CONFIG and not error.is_permanent
    turn.errors_in_a_row = 0 if is_of_the_case else turn.errors_in_a_row + 1
    if not is_of_the_case and (error.is_permanent or error.error_class in _FATAL):
        turn.failure = turn.failure or error.message
        return True
    if turn.errors_in_a_row >= ERRORS_IN_A_ROW:
        turn.failure = turn.failure or f"{ERRORS_IN_A_ROW} cases in a row failed: {error.message}"
    return False


def _conclude(turn: _Turn, claim: Claim) -> str:
    at = sources.database_time()
    told = f"run {claim.run_id}: {turn.done} of {len(turn.job.cases)} cases"
    is_done = turn.done >= len(turn.job.cases)
    if turn.failure or is_done or turn.is_lost:
        ended = _finish(claim, at, turn.failure)
        return f"{told}, {ended.run.state}" if ended else f"{told}, taken away"
    due_at = at + timedelta(seconds=turn.pause or 0.0)
    evaluations.release(claim=claim, due_at=due_at)
    return f"{told}, goes on at {due_at:%H:%M:%S}"


def _finish(claim: Claim, at: datetime, failure: str) -> Ended | None:
    """The end with its series in one transaction; the features are judged after it."""
    with transaction.atomic():
        ended = evaluations.finish(claim=claim, at=at, error=failure)
        if ended is not None:
            push_series(ended)
    if ended is not None:
        judge_features(feature_ids=ended.feature_ids)
    return ended
