"""What a gate rests on, read from the database, and its verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import BoolAnd, BoolOr
from django.db.models import Avg, Case, Count, F, Max, Min, Q, QuerySet, When

from apps.evaluations.gating import (
    CaseScore,
    GateRequirement,
    GateVerdict,
    Pair,
    Pool,
    RunFact,
    Scores,
    SuiteFact,
    judge_gate,
    picks,
)
from apps.evaluations.models import Case as SuiteCase
from apps.evaluations.models import EvaluationRun, EvaluationSuite, Score, SuiteVersion
from apps.evaluations.scorers.registry import applies
from apps.evaluations.status import OrderReason

NEWEST = 50  # executions a suite and version that are looked at


def gate_verdict(
    *,
    requirements: Sequence[GateRequirement],
    candidate: str,
    baseline: str | None,
    subject: str,
    at: datetime,
    alike: Collection[str] = (),
) -> GateVerdict:
    """Whether evaluations let version `candidate` of `subject` (a prompt's name) go live instead of `baseline`.

    `baseline` is the version that is live now, None if there is none. A suite that is gone counts as not run. What
    was run against a version `alike`, one that says exactly the same, was run against the candidate.
    """
    ids = {one.suite_id for one in requirements}
    suites = suite_facts(suite_ids=ids, subject=subject, candidate=candidate, baseline=baseline, alike=alike)
    judged: list[tuple[GateRequirement, SuiteFact, Pair]] = []
    for one in requirements:
        suite = suites.get(one.suite_id) or SuiteFact(id=one.suite_id, name="A suite that was removed")
        judged.append((one, suite, picks(one, suite, candidate=candidate, baseline=baseline, at=at)))
    ours, live = ({pick.run_ids for _, _, pair in judged if (pick := pair[n]) and pick.pool} for n in (0, 1))
    return judge_gate(requirements=judged, scores=pooled_scores(pools=ours | live, live=live - ours))


def suite_facts(
    *, suite_ids: Collection[int], subject: str, candidate: str, baseline: str | None, alike: Collection[str] = ()
) -> dict[int, SuiteFact]:
    """What is known of each suite and its executions against both versions; five questions, however many suites."""
    ours = {candidate, *alike}
    versions = [*ours] if baseline is None else [*ours, baseline]
    suites = EvaluationSuite.objects.order_by().filter(pk__in=suite_ids).select_related("setup")
    runs = _runs(suite_ids, subject, versions)
    cases = _cases(suite_ids)
    versions_now = _versions(suite_ids)
    return {
        suite.pk: SuiteFact(
            id=suite.pk,
            name=suite.name,
            version=suite.version,
            judge=now.judge if (now := versions_now.get((suite.pk, suite.version))) else "",
            cases={case.key: case.weight for case in cases.get(suite.pk, ())},
            safety=frozenset(case.key for case in cases.get(suite.pk, ()) if case.is_safety),
            applies=_applies(now, cases.get(suite.pk, ())),
            candidate=[run for run in runs.get(suite.pk, ()) if run.version in ours],
            baseline=[run for run in runs.get(suite.pk, ()) if run.version == baseline],
        )
        for suite in suites
    }


def pooled_scores(*, pools: Collection[Pool], live: Collection[Pool] = ()) -> dict[Pool, Scores]:
    """The scores of single cases, pool by pool: the mean of each, passed only where it passed every time.

    Where an execution left cases out, every case has the worst it got, and of a `live` version the best: asking again
    for some cases alone never helps. One question, and one more where an execution belongs to several pools.
    """
    found: dict[Pool, Scores] = {pool: {} for pool in pools}
    rest = sorted(found)
    while rest:
        batch = [pool for n, pool in enumerate(rest) if not {*pool} & {pk for one in rest[:n] for pk in one}]
        rest = [pool for pool in rest if pool not in batch]
        told: dict[int, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for row in _pooled(batch):
            told[row.pool][row.scorer].append(row)
        for number, pool in enumerate(batch):
            found[pool] = {
                scorer: _together(rows, runs=len(pool), is_live=pool in live) for scorer, rows in told[number].items()
            }
    return found


def _together(rows: Sequence[Any], *, runs: int, is_live: bool) -> dict[str, CaseScore]:
    which = "mean" if all(row.count == runs for row in rows) else "best" if is_live else "worst"
    return {row.case: CaseScore(getattr(row, which), row.all_passed, row.graded) for row in rows}


def _pooled(pools: Sequence[Pool]) -> QuerySet[Score, Any]:
    """A row for each pool (its number), scorer and case."""
    rows = Score.objects.order_by().filter(run_id__in=[pk for pool in pools for pk in pool]).exclude(case="")
    grouped = rows.annotate(
        pool=Case(*[When(run_id__in=pool, then=number) for number, pool in enumerate(pools)])
    ).values("pool", "scorer", "case")
    told = {
        "mean": Avg("value"),
        "worst": Min("value"),
        "best": Max("value"),
        "count": Count("pk"),
        "all_passed": BoolAnd("is_passed"),
        "graded": BoolOr(~Q(value__in=(0.0, 1.0))),
    }
    return grouped.annotate(**told).values_list("pool", "scorer", "case", *told, named=True)


def _runs(suite_ids: Collection[int], subject: str, versions: Sequence[str]) -> Mapping[int, list[RunFact]]:
    """By suite, newest first; what ran against a text that somebody typed speaks for no version."""
    rows = EvaluationRun.objects.filter(suite_id__in=suite_ids, subject=subject, version__in=versions)
    rows = rows.exclude(order__reason=OrderReason.MANUAL)
    rows = rows.select_related("order__suite_version").defer("labels").order_by("-at", "-id")
    found: dict[int, list[RunFact]] = defaultdict(list)
    for run in rows[: NEWEST * max(1, len(suite_ids)) * len(versions)]:
        found[run.suite_id].append(
            RunFact(
                id=run.pk,
                state=run.state,
                finished_at=run.finished_at,
                judge=run.judge,
                suite_version=run.suite_version,
                version=run.version,
                means={name: told["mean"] for name, told in run.summary.items() if "mean" in told},
            )
        )
    return found


def _cases(suite_ids: Collection[int]) -> dict[int, list[SuiteCase]]:
    found: dict[int, list[SuiteCase]] = defaultdict(list)
    for case in (
        SuiteCase.objects.order_by().filter(suite_id__in=suite_ids, until__isnull=True).defer("inputs", "expected")
    ):
        found[case.suite_id].append(case)
    return found


def _versions(suite_ids: Collection[int]) -> dict[tuple[int, int], SuiteVersion]:
    """The newest version of each suite, by suite and number."""
    rows = SuiteVersion.objects.filter(suite_id__in=suite_ids, number=F("suite__setup__version"))
    return {(row.suite_id, row.number): row for row in rows}


def _applies(version: SuiteVersion | None, cases: Sequence[SuiteCase]) -> dict[str, frozenset[str]]:
    """The cases of each scorer that is for some tags only."""
    settings = [one for one in version.scorers if one["only"]] if version else []
    return {one["name"]: frozenset(case.key for case in cases if applies(one, case.tags)) for one in settings}
