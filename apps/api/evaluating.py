"""Evaluations for pipelines: start a run of a suite of ours, look at one, and ask the gate."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import ApiToken
from apps.api.document import Api, described
from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.api.reading import read_body
from apps.api.repeating import Answer, answer_once
from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError
from apps.evaluations import queries
from apps.evaluations import services as evaluations
from apps.evaluations.asking import question_of
from apps.evaluations.gating import GateVerdict
from apps.evaluations.models import EvaluationRun, EvaluationSuite
from apps.evaluations.services import OrderError
from apps.evaluations.status import OrderReason
from apps.sources import queries as sources
from apps.sync.evaluating.registry import labelled_target, numbered_target

START, READ = "run:evaluations", "read"
BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["subject"],
                "properties": {name: {"type": "string"} for name in ("subject", "version", "label")},
            },
            "example": {"subject": "support-reply", "version": "13"},
        }
    },
}


def add_to(api: Api) -> None:
    """Give the API its addresses."""
    start = described(START)
    start["responses"][201] = {"description": "It was started", "content": {"application/json": {}}}
    api.post(
        "/evaluations/suites/{suite}/runs",
        auth=_enter(START),
        url_name="evaluation-start",
        operation_id="evaluation-start",
        summary="Run a suite",
        description="Against a version of a prompt in the registry, by its number or by a label that points at it.",
        openapi_extra=start | {"requestBody": BODY},
    )(start_run)
    api.get(
        "/evaluations/runs/{run}",
        auth=_enter(READ),
        url_name="evaluation-run",
        operation_id="evaluation-run",
        summary="How a run went",
        openapi_extra=described(READ, answer="run"),
    )(read_run)
    api.get(
        "/evaluations/gate",
        auth=_enter(READ),
        url_name="evaluation-gate",
        operation_id="evaluation-gate",
        summary="May this version go live, as far as evaluations say?",
        description="With subject, candidate, baseline and one or more suite; margin, alpha, least_cases, hours, "
        "lowest_mean and judge if other than usual.",
        openapi_extra=described(READ, answer="gate"),
    )(read_gate)


def start_run(request: HttpRequest, suite: int) -> Any:
    """The run as `evaluation-run` shows it."""
    found = EvaluationSuite.objects.filter(pk=suite).first()
    if found is None:
        raise ApiError(404, "not_found", "No suite has this number.")
    body, token = read_body(request), _token(request)

    def work() -> Answer:
        wanted = _wanted(body)
        try:
            run = evaluations.start_run(
                suite=found,
                subject=wanted["subject"],
                target=numbered_target(subject=wanted["subject"], version=wanted["version"])
                if wanted["version"]
                else labelled_target(subject=wanted["subject"], label=wanted["label"]),
                reason=OrderReason.API,
                actor=token.user,
                at=sources.database_time(),
            )
        except OrderError as error:
            raise ApiError(422, "invalid", str(error)) from None
        return Answer.of(201, _shown(request, run))

    return answer_once(request=request, token=token, body=body, work=work)


def read_run(request: HttpRequest, run: int) -> dict[str, Any]:
    """State, progress, means and verdicts of one run, imported or our own."""
    found = queries.runs().filter(pk=run).first()
    if found is None:
        raise ApiError(404, "not_found", "No run has this number.")
    return _shown(request, found)


def read_gate(request: HttpRequest) -> dict[str, Any]:
    """The verdict with its reasons and its table."""
    try:
        question = question_of(request.GET)
    except ValueError as error:
        raise ApiError(422, "invalid", str(error)) from None
    verdict = queries.gate_verdict(
        requirements=question.requirements,
        candidate=question.candidate,
        baseline=question.baseline,
        subject=question.subject,
        at=timezone.now(),
    )
    return verdict_json(verdict)


def verdict_json(verdict: GateVerdict) -> dict[str, Any]:
    """A verdict in JSON types."""
    return {
        "state": verdict.state.value,
        "may": verdict.is_open,
        "reasons": [
            {"suite": one.suite, "text": one.sentence, "is_ok": one.is_ok, "runs": list(one.run_ids)}
            for one in verdict.reasons
        ],
        "scorers": [
            {
                "suite": row.suite,
                "scorer": row.scorer,
                "cases": row.cases,
                "baseline": row.baseline,
                "candidate": row.candidate,
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "p_value": row.p_value,
                "p_different": row.p_different,
                "verdict": row.standing.value,
                "is_ok": row.is_ok,
            }
            for row in verdict.rows
        ],
        "runs": [
            {"suite": one.suite, "run": one.run.id, "version": one.run.version, "means": dict(one.run.means)}
            | {"counts": not one.why_not, "why_not": one.why_not}
            for one in verdict.runs
        ],
    }


def _shown(request: HttpRequest, run: EvaluationRun) -> dict[str, Any]:
    shown = {
        "id": run.pk,
        "suite": run.suite.name,
        "suite_version": run.suite_version,
        "subject": run.subject,
        "version": run.version,
        "judge": run.judge,
        "state": run.state,
        "passed": run.passed,
        "failed": run.failed,
        "scores": run.summary,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "url": request.build_absolute_uri(run.get_absolute_url()),
    }
    if not run.is_ours:
        return shown
    progress = queries.progress_of(order=run.order, at=timezone.now())
    told = {"done": progress.done, "total": progress.total, "cost_usd": float(progress.cost)}
    return shown | {"progress": told, "error": run.order.error}


def _wanted(body: bytes) -> dict[str, str]:
    try:
        value = parse_json(body)
    except SourceError as error:
        raise ApiError(400, "malformed", error.message.replace("The answer", "The body", 1)) from None
    names = ("subject", "version", "label")
    if not isinstance(value, dict) or not all(isinstance(value.get(name, ""), str) for name in names):
        raise ApiError(422, "invalid", "Send texts: a subject, and a version or a label.")
    wanted = {name: value.get(name, "") for name in names}
    if not wanted["subject"] or not (wanted["version"] or wanted["label"]):
        raise ApiError(422, "invalid", "Send a subject, and a version or a label.", field="subject")
    return wanted


def _token(request: HttpRequest) -> ApiToken:
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what the entrance returned
    return token


def _enter(scope: str) -> Any:
    def enter(request: HttpRequest) -> ApiToken:
        """The token of whoever asks; raises ApiError."""
        return let_in(request, scopes=[scope])

    return enter
