"""From the scores of a candidate and of the live baseline to a verdict, suite by suite and scorer by scorer.

Every execution of the candidate that counts is in its scores: the mean of each case, and failed where one failed it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from apps.evaluations.gating.facts import (
    CaseScore,
    GateReason,
    GateRequirement,
    GateRow,
    GateRun,
    GateVerdict,
    Pick,
    Pool,
    Scores,
    Standing,
    State,
    SuiteFact,
)
from apps.evaluations.gating.picking import pick, why_not
from apps.evaluations.gating.significance import compare, largest_loss

_WORST_FIRST: Final = (State.FAILED, State.EXPIRED, State.WAITING, State.PASSED)
_GOOD: Final = frozenset({Standing.BETTER, Standing.NO_WORSE, Standing.ALONE})
_NAMED: Final = 5  # cases that a sentence names

Pair = tuple[Pick, Pick | None]  # of the candidate, and of the baseline if there is one


def picks(
    requirement: GateRequirement, suite: SuiteFact, *, candidate: str, baseline: str | None, at: datetime
) -> Pair:
    """The executions that count for both versions; only their scores are needed to judge."""
    ours = pick(requirement, suite, suite.candidate, who=f"version {candidate}", at=at)
    if baseline is None:
        return ours, None
    live = f"version {baseline}, which is live,"
    return ours, pick(requirement, suite, suite.baseline, who=live, at=at, forgets=True)


def level(alpha: float, runs: int) -> float:
    """How sure the test has to be after so many executions: each look at growing scores is one more chance to be wrong.

    Looks at pooled scores are much alike, so the chance grows with the logarithm; decision 0024 has the figures.
    """
    return alpha / (1.0 + math.log2(max(1, runs)))


def judge_gate(
    *, requirements: Sequence[tuple[GateRequirement, SuiteFact, Pair]], scores: Mapping[Pool, Scores]
) -> GateVerdict:
    """The verdict of all suites together: the worst of them. `scores` are the pooled ones of what was picked."""
    reasons: list[GateReason] = []
    rows: list[GateRow] = []
    for requirement, suite, pair in requirements:
        told, table = _judge_suite(requirement, suite, pair, scores)
        reasons += told
        rows += table
    told_states = {reason.state for reason in reasons}
    state = next((one for one in _WORST_FIRST if one in told_states), State.NOT_REQUIRED)
    runs = [run for requirement, suite, pair in requirements for run in _every_run(requirement, suite, pair)]
    return GateVerdict(state=state, reasons=tuple(reasons), rows=tuple(rows), runs=tuple(runs))


def _every_run(requirement: GateRequirement, suite: SuiteFact, pair: Pair) -> list[GateRun]:
    sides = [(suite.candidate, pair[0], False), *([(suite.baseline, pair[1], True)] if pair[1] is not None else [])]
    return [
        GateRun(suite=suite.name, run=run, is_live=is_live, why_not=why_not(run, requirement, suite, chosen))
        for runs, chosen, is_live in sides
        for run in runs
    ]


def _judge_suite(
    requirement: GateRequirement, suite: SuiteFact, pair: Pair, scores: Mapping[Pool, Scores]
) -> tuple[list[GateReason], list[GateRow]]:
    missing = [one for one in pair if one is not None and one.state is not State.PASSED]
    if missing:
        return [_reason(suite, one.state, f"{suite.name} {one.sentence}", [one]) for one in missing], []
    ours, theirs = scores[pair[0].run_ids], scores[pair[1].run_ids] if pair[1] is not None else None
    picked = [one for one in pair if one is not None]
    names = requirement.scorers or tuple(sorted(ours))
    failures = [*_safety_failures(suite, ours), *_gaps(requirement, suite, ours, theirs, names)]
    runs = len(pair[0].pool)
    rows = [row for name in names if (row := _row(requirement, suite, name, ours.get(name, {}), theirs, runs))]
    failures += [_sentence(row) for row in rows if not row.is_ok]
    if failures:
        return [_reason(suite, State.FAILED, f"{suite.name}: {text}", picked) for text in failures], rows
    return [_reason(suite, State.PASSED, _praise(suite, rows, theirs), picked)], rows


def _safety_failures(suite: SuiteFact, ours: Scores) -> list[str]:
    """Safety cases that failed on any scorer, required or not, or that have no verdict at all."""
    failed = {case for by_case in ours.values() for case, score in by_case.items() if score.is_passed is False}
    judged = {case for by_case in ours.values() for case, score in by_case.items() if score.is_passed is not None}
    broken, silent = sorted(suite.safety & failed), sorted(suite.safety - judged)
    told = [f"safety case{_s(broken)} failed: {_names(broken)}"] if broken else []
    return told + ([f"safety case{_s(silent)} without a verdict: {_names(silent)}"] if silent else [])


def _gaps(
    requirement: GateRequirement, suite: SuiteFact, ours: Scores, theirs: Scores | None, names: Sequence[str]
) -> list[str]:
    """Too few cases, or cases that one side lacks: what was not scored must not vanish from the average."""
    told = []
    for name in names:
        mine = ours.get(name, {}).keys()
        known = set(suite.cases) or set(theirs.get(name, {}) if theirs else mine)
        expected = (known & suite.applies.get(name, known)) - suite.safety
        absent = expected - mine
        if absent:
            told.append(f"{name} has no score for {len(absent):,} of {len(expected):,} cases")
        elif len(expected) < requirement.least_cases:
            told.append(f"{name} has only {len(expected):,} cases; {requirement.least_cases:,} are required")
        elif theirs is not None and expected - theirs.get(name, {}).keys():
            told.append(f"{name} was not scored for every case of the live version; run the live version again")
    return told or ([] if names else ["the execution has no scores"])


def _row(
    requirement: GateRequirement,
    suite: SuiteFact,
    name: str,
    ours: Mapping[str, CaseScore],
    theirs: Scores | None,
    runs: int,
) -> GateRow | None:
    """The line of one scorer over the cases that both have, safety cases left out; None without two of them."""
    others = theirs.get(name, {}) if theirs is not None else None
    known = ours if others is None else ours.keys() & others.keys()
    cases = sorted(case for case in known if case not in suite.safety and (not suite.cases or case in suite.cases))
    if len(cases) < 2:
        return None
    weights = np.array([suite.cases.get(case, 1.0) for case in cases])
    values = np.array([ours[case].value for case in cases])
    mean = float(values @ weights / weights.sum())
    is_low = requirement.lowest_mean is not None and mean < requirement.lowest_mean
    if others is None:
        standing = Standing.TOO_LOW if is_low else Standing.ALONE
        return _line(suite, name, len(cases), mean, standing, runs)
    before = np.array([others[case].value for case in cases])
    is_graded = any(side[case].is_graded for side in (ours, others) for case in cases)
    scale, alpha = largest_loss(values, before) if is_graded else 1.0, level(requirement.alpha, runs)
    found = compare(values - before, weights, margin=requirement.margin, alpha=alpha, scale=scale)
    is_different = found.p_different < alpha
    if is_low:
        standing = Standing.TOO_LOW
    elif found.p_worse < alpha:
        standing = Standing.BETTER if is_different and found.mean > 0 else Standing.NO_WORSE
    else:
        standing = Standing.WORSE if is_different and found.mean < 0 else Standing.UNCERTAIN
    return GateRow(
        suite_id=suite.id,
        suite=suite.name,
        scorer=name,
        cases=len(cases),
        baseline=float(before @ weights / weights.sum()),
        candidate=mean,
        difference=found.mean,
        low=found.low,
        high=found.high,
        p_value=found.p_worse,
        p_different=found.p_different,
        method=found.method,
        standing=standing,
        is_ok=standing in _GOOD,
        runs=runs,
    )


def _line(suite: SuiteFact, name: str, cases: int, mean: float, standing: Standing, runs: int) -> GateRow:
    return GateRow(
        suite_id=suite.id,
        suite=suite.name,
        scorer=name,
        cases=cases,
        baseline=None,
        candidate=mean,
        difference=None,
        low=None,
        high=None,
        p_value=None,
        p_different=None,
        method="",
        standing=standing,
        is_ok=standing in _GOOD,
        runs=runs,
    )


def _sentence(row: GateRow) -> str:
    """Why one line is not good enough."""
    if row.standing is Standing.TOO_LOW:
        return f"{row.scorer} reaches {row.candidate:.3f}, which is too low"
    moved = f"from {row.baseline:.3f} to {row.candidate:.3f} on {row.cases:,} cases{_over(row)}"
    if row.standing is Standing.WORSE:
        return f"{row.scorer} fell {moved}"
    return f"{row.scorer} went {moved}: too little to say that it is no worse; add cases or allow a wider margin"


def _praise(suite: SuiteFact, rows: Sequence[GateRow], theirs: Scores | None) -> str:
    cases = f"{min((row.cases for row in rows), default=0):,} cases{_over(rows[0]) if rows else ''}"
    if theirs is None:
        return f"{suite.name} is good enough on {cases}; there is no live version to compare with."
    better = [row.scorer for row in rows if row.standing is Standing.BETTER]
    if better:
        return f"{suite.name} is no worse on {cases}, and better in {_names(better)}."
    return f"{suite.name} is no worse on {cases}."


def _over(row: GateRow) -> str:
    return f" over {row.runs:,} runs" if row.runs > 1 else ""


def _reason(suite: SuiteFact, state: State, sentence: str, picked: Sequence[Pick]) -> GateReason:
    ids = tuple(one.run.id for one in picked if one.run is not None)
    text = sentence if sentence.endswith(".") else f"{sentence}."
    return GateReason(suite_id=suite.id, suite=suite.name, sentence=text, state=state, run_ids=ids)


def _names(cases: Sequence[str]) -> str:
    more = f" and {len(cases) - _NAMED:,} more" if len(cases) > _NAMED else ""
    return ", ".join(cases[:_NAMED]) + more


def _s(cases: Sequence[str]) -> str:
    return "" if len(cases) == 1 else "s"
