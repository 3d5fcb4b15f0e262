"""Asking for executions of our own suites. Only rows are written: whoever carries them out finds them by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from django.db import transaction

from apps.accounts.models import User
from apps.evaluations.gating import GateRequirement, State, picks
from apps.evaluations.models import EvaluationRun, EvaluationSuite, Order, SuiteVersion
from apps.evaluations.queries.gates import suite_facts
from apps.evaluations.services.house import ensure_own_source
from apps.evaluations.status import OPEN_STATES, EvaluationState, OrderReason
from apps.evaluations.targets import Target
from apps.events import services as events


class OrderError(Exception):
    """It cannot be run; the text says why and what to do."""


def request_gate_runs(
    *,
    requirements: Sequence[GateRequirement],
    subject: str,
    candidate: Target,
    baseline: Target | None,
    actor: User | None,
    at: datetime,
) -> list[EvaluationRun]:
    """The executions that were started because the gate lacks them; none for what counts already or is under way.

    Suites that a source tells of are run by that source and are left out here.
    """
    targets = [candidate, baseline] if baseline and baseline.version != candidate.version else [candidate]
    ids = {one.suite_id for one in requirements}
    with transaction.atomic():
        suites = EvaluationSuite.objects.filter(pk__in=ids, setup__isnull=False).order_by("pk")
        locked = list(suites.select_related("setup__endpoint").select_for_update(of=("self",)))
        ours = {suite.pk: suite for suite in locked}
        wanted = [one for one in requirements if one.suite_id in ours]
        return [
            start_run(suite=suite, subject=subject, target=target, reason=OrderReason.GATE, actor=actor, at=at)
            for target in targets
            for suite in _lacking(wanted, ours, subject, target, at)
        ]


def _lacking(
    requirements: Sequence[GateRequirement],
    suites: Mapping[int, EvaluationSuite],
    subject: str,
    target: Target,
    at: datetime,
) -> list[EvaluationSuite]:
    """The suites without an execution that counts for the target, and without one under way."""
    facts = suite_facts(suite_ids=suites.keys(), subject=subject, candidate=target.version, baseline=None)
    lacking = {
        one.suite_id
        for one in requirements
        if picks(one, facts[one.suite_id], candidate=target.version, baseline=None, at=at)[0].state is not State.PASSED
        and not any(fact.state in OPEN_STATES for fact in facts[one.suite_id].candidate)
    }
    return [suites[suite_id] for suite_id in sorted(lacking)]


def start_run(
    *,
    suite: EvaluationSuite,
    subject: str,
    target: Target,
    reason: OrderReason,
    actor: User | None,
    at: datetime,
) -> EvaluationRun:
    """The execution of the suite as it is now against the target, due at once; OrderError where it cannot be run."""
    setup = getattr(suite, "setup", None)
    if setup is None:
        raise OrderError(f"{suite} is run by its source, not by the portal.")
    if setup.endpoint is None or not setup.endpoint.is_enabled:
        raise OrderError(f"{suite} has no endpoint to run against; choose one on its page.")
    if not target.messages:
        raise OrderError("There is no text to evaluate.")
    version = SuiteVersion.objects.filter(suite=suite, number=setup.version).first()
    if version is None or not version.cases:
        raise OrderError(f"{suite} has no cases yet; add some or import a file.")
    with transaction.atomic():
        run = _run(suite, version, subject, target, at)
        Order.objects.create(
            run=run,
            suite_version=version,
            endpoint=setup.endpoint,
            messages=[dict(message) for message in target.messages],
            parameters=dict(target.parameters),
            model=str(target.parameters.get("model") or setup.endpoint.model),
            reason=reason,
            total=version.cases,
            cost_limit=setup.endpoint.cost_limit,
            asked_at=at,
            asked_by=actor.get_username() if actor else "",
            user=actor,
        )
        events.ring(topics={"evaluations", run.topic, f"suite-{suite.pk}"})
    return run


def _run(suite: EvaluationSuite, version: SuiteVersion, subject: str, target: Target, at: datetime) -> EvaluationRun:
    return EvaluationRun.objects.create(
        source=ensure_own_source(),
        external_id=f"own-{uuid4()}",
        suite=suite,
        component_id=suite.component_id,
        feature_id=suite.feature_id,
        subject=subject[:300],
        version=target.version[:120],
        judge=version.judge,
        state=EvaluationState.QUEUED,
        raw_state="queued",
        at=at,
        upstream_at=at,
        first_seen_at=at,
    )
