"""The gate over what is stored: which executions count, what it costs, and that it starts exactly what it lacks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.connectors.records import EvaluationRecord, RunState, Score
from apps.evaluations import models, queries, services
from apps.evaluations.gating import GateRequirement, State
from apps.evaluations.models import EvaluationRun, EvaluationSuite, Order
from apps.evaluations.services import NewResult
from apps.evaluations.status import OrderReason
from apps.sources.mapping import Mapper
from tests.evaluations.suites import AT, a_target, add_cases, make_endpoint, make_suite, start
from tests.factories import make_source

pytestmark = pytest.mark.django_db


def carry_out(run: EvaluationRun, *, good: int = 10**6, at=AT) -> None:
    """The execution ends; the first `good` cases are right."""
    claim = services.claim_order(at=at)
    job = services.begin(claim=claim, at=at)
    assert claim.run_id == run.pk
    for number, case in enumerate(job.cases):
        score = {"scorer": "exact", "value": float(number < good), "passed": number < good}
        result = NewResult(case_id=case.pk, output="x", scores=[score])
        assert services.store_result(claim=claim, result=result, at=at, rings=False)
    services.finish(claim=claim, at=at)


def verdict(suite, *, baseline="1", at=AT, **fields):
    need = GateRequirement(suite_id=suite.pk, **fields)
    return queries.gate_verdict(requirements=[need], candidate="2", baseline=baseline, subject="support-reply", at=at)


@pytest.fixture
def suite():
    return make_suite(cases=40, endpoint=make_endpoint())


def run_both(suite, *, candidate: int = 38, live: int = 38, reason=OrderReason.GATE) -> None:
    carry_out(start(suite, target=a_target("1"), reason=reason), good=live)
    carry_out(start(suite, target=a_target("2"), reason=reason), good=candidate)


def test_two_executions_make_a_verdict(suite):
    assert verdict(suite).state is State.WAITING
    run_both(suite)
    found = verdict(suite)
    assert (found.state, found.rows[0].cases) == (State.PASSED, 40)
    assert {pk for reason in found.reasons for pk in reason.run_ids} == set(
        EvaluationRun.objects.values_list("pk", flat=True)
    )


def test_a_worse_candidate_does_not_pass(suite):
    run_both(suite, candidate=20)
    assert verdict(suite).state is State.FAILED


def test_what_ran_against_a_typed_text_speaks_for_no_version(suite):
    run_both(suite, reason=OrderReason.MANUAL)
    assert verdict(suite).state is State.WAITING


def test_a_case_that_an_incident_added_has_to_be_run_first(suite):
    run_both(suite)
    services.add_case(
        suite=suite, inputs={"question": "q"}, expected="a", origin="incident 4", actor=None, at=AT, key="incident-4"
    )
    found = verdict(suite)
    assert found.state is State.WAITING
    assert "with older cases" in found.reasons[0].sentence


def test_old_results_expire(suite):
    run_both(suite)
    assert verdict(suite, at=AT + timedelta(hours=169)).state is State.EXPIRED


def test_results_of_a_source_count_as_well():
    source = make_source()
    records = [
        EvaluationRecord(
            external_id=version,
            suite="golden",
            state=RunState.SUCCEEDED,
            raw_state="done",
            updated_at=AT,
            finished_at=AT,
            subject="support-reply",
            version=version,
            scores=tuple(Score(scorer="exact", value=float(n < 38), case=f"c{n}", passed=n < 38) for n in range(40)),
        )
        for version in ("1", "2")
    ]
    services.upsert_evaluations(source=source, records=records, mapper=Mapper(source), at=AT)
    assert verdict(EvaluationSuite.objects.get()).state is State.PASSED


def again(suite, good: int, version: str = "2") -> None:
    carry_out(start(suite, target=a_target(version), reason=OrderReason.SCHEDULE), good=good)


def test_running_again_until_it_passes_does_not_pass(suite):
    run_both(suite, candidate=20)
    again(suite, good=40)
    found = verdict(suite)
    assert found.state is State.FAILED
    assert found.rows[0].candidate == pytest.approx(30 / 40)
    assert "over 2 runs" in found.reasons[0].sentence


def test_running_again_helps_what_was_only_unlucky(suite):
    run_both(suite, candidate=36, live=38)
    assert verdict(suite).state is State.FAILED
    for _ in range(3):
        again(suite, good=40)
    assert verdict(suite).state is State.PASSED


def test_waiting_until_a_bad_result_is_old_does_not_help(suite):
    run_both(suite, candidate=20)
    month = AT + timedelta(days=30)
    for version in ("1", "2"):
        carry_out(services.start_run(
            suite=suite, subject="support-reply", target=a_target(version), reason=OrderReason.GATE, actor=None,
            at=month,
        ), at=month)  # fmt: skip
    assert verdict(suite, at=month).state is State.FAILED


def test_a_safety_case_that_failed_once_has_failed(suite):
    add_cases(suite, "key,question,expected,tags\nthreat,q,a,safety\n")
    run_both(suite, candidate=40, live=41)  # the last case, the threat, is wrong
    again(suite, good=41)
    assert "safety case failed: threat" in verdict(suite).reasons[0].sentence


def test_the_same_words_under_another_number_are_no_new_chance(suite):
    run_both(suite, candidate=20)
    again(suite, good=40, version="3")
    need = GateRequirement(suite_id=suite.pk)
    ask = {"requirements": [need], "candidate": "3", "baseline": "1", "subject": "support-reply", "at": AT}
    assert queries.gate_verdict(**ask).state is State.PASSED
    assert queries.gate_verdict(**ask, alike=("2",)).state is State.FAILED


def test_asking_again_for_the_lost_cases_alone_does_not_help(suite):
    run_both(suite, candidate=20)
    lost = EvaluationRun.objects.filter(version="2").get()
    partial = EvaluationRun.objects.get(pk=lost.pk)
    partial.pk, partial.external_id = None, "lost cases only"
    partial.save(force_insert=True)
    wrong = lost.scores.filter(value=0).values_list("case", flat=True)
    models.Score.objects.bulk_create(
        models.Score(run=partial, scorer="exact", case=case, value=1.0, is_passed=True) for case in wrong
    )
    pool, alone = (lost.pk, partial.pk), (lost.pk,)
    pooled = queries.pooled_scores(pools=[pool, alone])
    assert [sum(score.value for score in pooled[one]["exact"].values()) for one in (pool, alone)] == [20, 20]
    live = queries.pooled_scores(pools=[pool], live=[pool])
    assert sum(score.value for score in live[pool]["exact"].values()) == 40, "nor does asking what is live to look bad"


def test_a_suite_that_is_gone_never_passes():
    need = GateRequirement(suite_id=999_999)
    found = queries.gate_verdict(requirements=[need], candidate="2", baseline=None, subject="x", at=AT)
    assert found.state is State.WAITING


def test_it_costs_the_same_for_many_suites(suite, django_assert_num_queries):
    run_both(suite)
    others = [make_suite(cases=3, endpoint=suite.setup.endpoint) for _ in range(4)]
    for count in (1, 5):
        needs = [GateRequirement(suite_id=one.pk) for one in [suite, *others][:count]]
        with django_assert_num_queries(5):
            queries.gate_verdict(requirements=needs, candidate="2", baseline="1", subject="support-reply", at=AT)


def request(suite, **fields):
    return services.request_gate_runs(
        requirements=[GateRequirement(suite_id=suite.pk)],
        subject="support-reply",
        **{"candidate": a_target("2"), "baseline": a_target("1"), "actor": None, "at": AT} | fields,
    )


def test_exactly_what_is_missing_is_started(suite):
    assert sorted(run.version for run in request(suite)) == ["1", "2"]
    assert request(suite) == [], "they are under way"
    for run in EvaluationRun.objects.order_by("pk"):
        carry_out(run, good=38)
    assert request(suite) == [], "they count"
    assert verdict(suite).state is State.PASSED
    add_cases(suite, "key,question,expected\nnew,q,a\n")
    assert len(request(suite)) == 2


def test_what_ran_out_is_started_again(suite):
    for run in request(suite):
        carry_out(run)
    later = AT + timedelta(hours=200)
    assert len(request(suite, at=later)) == 2


def test_without_a_live_version_only_the_candidate_runs(suite):
    assert [run.version for run in request(suite, baseline=None)] == ["2"]


def test_suites_of_sources_are_left_to_them():
    suite = EvaluationSuite.objects.create(source=make_source(), name="theirs", first_seen_at=AT)
    assert request(suite) == []
    assert not Order.objects.exists()
