"""From an answer to the result of a case: every scorer that is meant for it, without the network."""

from __future__ import annotations

from typing import Any

from apps.evaluations.scorers.base import Answer, Scored
from apps.evaluations.scorers.judge import read_reply
from apps.evaluations.scorers.registry import Setting, applies, score_case
from apps.evaluations.services import Job, NewResult
from apps.sync.evaluating.answering import Answered


def result_of(answered: Answered, job: Job) -> NewResult:
    """The scores of an answer; an error where there is none, or where the judge gave no score."""
    reply, case = answered.reply, answered.case
    if reply is None or answered.error is not None:
        error = answered.error.message if answered.error is not None else "There is no answer."
        return NewResult(case_id=case.pk, error=error, cost=answered.cost, output=reply.text if reply else "")
    answer = Answer(text=reply.text, latency_ms=reply.latency_ms, cost=float(reply.cost))
    scores: list[dict[str, Any]] = []
    error = ""
    for setting in job.scorers:
        if not applies(setting, case.tags):
            continue
        try:
            scored = _score(setting, answer, answered)
        except ValueError as failure:
            scores, error = [], str(failure)
            break
        scores.append(
            {
                "scorer": setting["name"],
                "value": scored.value,
                "passed": scored.is_passed,
                "comment": scored.comment[:500],
            }
        )
    return NewResult(
        case_id=case.pk,
        output=reply.text,
        scores=scores,
        latency_ms=round(reply.latency_ms),
        input_tokens=reply.input_tokens + (answered.judged.input_tokens if answered.judged else 0),
        output_tokens=reply.output_tokens + (answered.judged.output_tokens if answered.judged else 0),
        cost=answered.cost,
        attempts=reply.attempts,
        error=error,
    )


def _score(setting: Setting, answer: Answer, answered: Answered) -> Scored:
    if setting["kind"] == "judge":
        return read_reply(answered.judged.text if answered.judged else "", setting["options"])
    return score_case(setting, answer, answered.case.expected)
