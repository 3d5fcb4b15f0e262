"""The smallest suite of our own that can be run; a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from apps.evaluations import services
from apps.evaluations.models import EvaluationEndpoint, EvaluationRun, EvaluationSuite
from apps.evaluations.services import EndpointDraft, NewResult, SuiteDraft
from apps.evaluations.status import OrderReason
from apps.evaluations.targets import Target, text_target

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EXACT = {"kind": "exact"}
_number = count(1)


def make_endpoint(**fields: Any) -> EvaluationEndpoint:
    defaults = {"name": f"Endpoint {next(_number)}", "base_url": "http://127.0.0.1:1/v1", "model": "small"}
    return services.create_endpoint(draft=EndpointDraft(**defaults | fields), actor=None, at=AT)


def make_suite(*, cases: int = 3, scorers: Any = (EXACT,), actor: Any = None, **fields: Any) -> EvaluationSuite:
    """A suite with `cases` cases: case-1 asks q1 and expects a1."""
    draft = SuiteDraft(**{"name": f"suite-{next(_number)}", "scorers": scorers} | fields)
    suite = services.create_suite(draft=draft, actor=actor, at=AT)
    if cases:
        lines = "\n".join(f"case-{n},q{n},a{n}" for n in range(1, cases + 1))
        add_cases(suite, f"key,question,expected\n{lines}")
    return suite


def add_cases(suite: EvaluationSuite, text: str, *, is_jsonl: bool = False, replaces: bool = False) -> int:
    return services.import_cases(
        suite=suite, text=text, is_jsonl=is_jsonl, replaces=replaces, file="cases.csv", actor=None, at=AT
    )


def a_target(version: str = "1", template: str = "Answer: {{question}}") -> Target:
    return text_target(version=version, template=template)


def start(suite: EvaluationSuite, *, target: Target | None = None, **fields: Any) -> EvaluationRun:
    defaults = {"subject": "support-reply", "reason": OrderReason.MANUAL, "actor": None, "at": AT}
    return services.start_run(suite=suite, target=target or a_target(), **defaults | fields)


def scored(
    suite: EvaluationSuite, *, good: int = 2, version: str = "1", reason: OrderReason = OrderReason.GATE
) -> EvaluationRun:
    """A run that is over, of whose cases the first `good` passed."""
    run = start(suite, target=a_target(version), reason=reason)
    claim = services.claim_order(at=AT)
    for number, case in enumerate(services.begin(claim=claim, at=AT).cases):
        passed = number < good
        score = {"scorer": "exact", "value": float(passed), "passed": passed, "comment": "" if passed else "Got “b”."}
        services.store_result(
            claim=claim, result=NewResult(case_id=case.pk, output=f"said {number}", scores=[score]), at=AT, rings=False
        )
    services.finish(claim=claim, at=AT)
    return EvaluationRun.objects.get(pk=run.pk)
