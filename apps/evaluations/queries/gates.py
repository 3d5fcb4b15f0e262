"""What a gate rests on, read from the database, and its verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from apps.evaluations.gating import (
    CaseScore,
    GateRequirement,
    GateVerdict,
    Pair,
    RunFact,
    Scores,
    SuiteFact,
    judge_gate,
    picks,
)
from apps.evaluations.models import Case, EvaluationRun, EvaluationSuite, Score, SuiteVersion

NEWEST = 50  # executions a suite and version that are looked at


def gate_verdict(
    *, requirements: Sequence[GateRequirement], candidate: str, baseline: str | None, subject: str, at: datetime
) -> GateVerdict:
    """Whether evaluations let version `candidate` of `subject` (a prompt's name) go live instead of `baseline`.

    `baseline` is the version that is live now, None if there is none. A suite that is gone counts as not run.
    """
    suites = suite_facts(
        suite_ids={one.suite_id for one in requirements}, subject=subject, candidate=candidate, baseline=baseline
    )
    judged: list[tuple[GateRequirement, SuiteFact, Pair]] = []
    for one in requirements:
        suite = suites.get(one.suite_id) or SuiteFact(id=one.suite_id, name="A suite that was removed")
        judged.append((one, suite, picks(one, suite, candidate=candidate, baseline=baseline, at=at)))
    ids = {pick.run.id for _, _, pair in judged for pick in pair if pick is not None and pick.run is not None}
    return judge_gate(requirements=judged, scores=scores_by_run(run_ids=ids))


def suite_facts(
    *, suite_ids: Collection[int], subject: str, candidate: str, baseline: str | None
) -> dict[int, SuiteFact]:
    """What is known of each suite and its executions against both versions; four questions, however many suites."""
    versions = [candidate] if baseline is None else [candidate, baseline]
    suites = EvaluationSuite.objects.order_by().filter(pk__in=suite_ids).select_related("setup")
    runs = _runs(suite_ids, subject, versions)
    weights, safety = _cases(suite_ids)
    judges = _judges(suite_ids)
    return {
        suite.pk: SuiteFact(
            id=suite.pk,
            name=suite.name,
            version=suite.version,
            judge=judges.get((suite.pk, suite.version), ""),
            cases=weights.get(suite.pk, {}),
            safety=frozenset(safety.get(suite.pk, ())),
            candidate=runs.get((suite.pk, candidate), ()),
            baseline=runs.get((suite.pk, baseline), ()) if baseline is not None else (),
        )
        for suite in suites
    }


def scores_by_run(*, run_ids: Collection[int]) -> dict[int, Scores]:
    """The scores of single cases: run -> scorer -> case -> score."""
    found: dict[int, dict[str, dict[str, CaseScore]]] = {run_id: defaultdict(dict) for run_id in run_ids}
    rows = Score.objects.order_by().filter(run_id__in=run_ids).exclude(case="")
    for run_id, scorer, case, value, is_passed in rows.values_list("run_id", "scorer", "case", "value", "is_passed"):
        found[run_id][scorer][case] = CaseScore(value, is_passed)
    return dict(found)


def _runs(
    suite_ids: Collection[int], subject: str, versions: Sequence[str]
) -> Mapping[tuple[int, str | None], list[RunFact]]:
    rows = EvaluationRun.objects.filter(suite_id__in=suite_ids, subject=subject, version__in=versions)
    rows = rows.select_related("order__suite_version").defer("labels", "summary").order_by("-at", "-id")
    found: dict[tuple[int, str | None], list[RunFact]] = defaultdict(list)
    for run in rows[: NEWEST * max(1, len(suite_ids)) * len(versions)]:
        found[run.suite_id, run.version].append(
            RunFact(
                id=run.pk,
                state=run.state,
                finished_at=run.finished_at,
                judge=run.judge,
                suite_version=run.suite_version,
            )
        )
    return found


def _cases(suite_ids: Collection[int]) -> tuple[dict[int, dict[str, float]], dict[int, set[str]]]:
    weights: dict[int, dict[str, float]] = defaultdict(dict)
    safety: dict[int, set[str]] = defaultdict(set)
    for case in Case.objects.order_by().filter(suite_id__in=suite_ids, until__isnull=True).defer("inputs", "expected"):
        weights[case.suite_id][case.key] = case.weight
        if case.is_safety:
            safety[case.suite_id].add(case.key)
    return weights, safety


def _judges(suite_ids: Collection[int]) -> dict[tuple[int, int], str]:
    rows = SuiteVersion.objects.order_by().filter(suite_id__in=suite_ids).exclude(judge="")
    return {(suite, number): judge for suite, number, judge in rows.values_list("suite_id", "number", "judge")}
