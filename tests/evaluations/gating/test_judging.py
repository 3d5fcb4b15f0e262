"""The verdict of a gate by table: what passes, and every way in which something must not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.evaluations.gating import CaseScore, GateRequirement, RunFact, State, SuiteFact, judge_gate, level, picks
from apps.evaluations.status import GateStanding, GateState

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CASES = {f"case-{n}": 1.0 for n in range(40)}
NEED = GateRequirement(suite_id=1)


def a_run(number: int = 1, **fields) -> RunFact:
    return RunFact(**{"id": number, "state": "succeeded", "finished_at": NOW - timedelta(hours=1)} | fields)


def scores(good: int, *, of: int = 40, low: float = 0.0, **others: CaseScore) -> dict[str, dict[str, CaseScore]]:
    """The first `good` of `of` cases are right."""
    found = {f"case-{n}": CaseScore(1.0 if n < good else low, n < good) for n in range(of)}
    return {"exact": found | {name.replace("_", "-"): score for name, score in others.items()}}


def judge(ours, theirs=None, *, need=NEED, candidate=None, baseline=None, at=NOW, **suite):
    runs = {
        "candidate": (a_run(1),) if candidate is None else candidate,
        "baseline": (a_run(2),) if baseline is None else baseline,
    }
    fact = SuiteFact(**{"id": 1, "name": "golden", "cases": CASES} | suite, **runs)
    pair = picks(need, fact, candidate="13", baseline="12" if theirs is not None else None, at=at)
    return judge_gate(requirements=[(need, fact, pair)], scores={pair[0].run_ids: ours, (2,): theirs or {}})


def test_nothing_required_asks_nothing():
    verdict = judge_gate(requirements=[], scores={})
    assert (verdict.state, verdict.is_open) == (State.NOT_REQUIRED, True)


@pytest.mark.parametrize(
    ("good", "live", "state", "standing"),
    [
        (38, 38, "passed", "no_worse"),
        (40, 30, "passed", "better"),
        (20, 38, "failed", "worse"),
        (35, 38, "failed", "uncertain"),
    ],
)
def test_the_candidate_is_compared_case_by_case_with_what_is_live(good, live, state, standing):
    verdict = judge(scores(good), scores(live))
    assert (verdict.state.value, verdict.rows[0].standing.value) == (state, standing)
    assert verdict.is_open is (state == "passed")
    assert (verdict.rows[0].candidate, verdict.rows[0].baseline) == (pytest.approx(good / 40), pytest.approx(live / 40))


def test_reasons_are_sentences():
    assert judge(scores(38), scores(38)).reasons[0].sentence == "golden is no worse on 40 cases."
    assert judge(scores(20), scores(38)).reasons[0].sentence == ("golden: exact fell from 0.950 to 0.500 on 40 cases.")
    assert "add cases or allow a wider margin" in judge(scores(35), scores(38)).reasons[0].sentence


def test_without_a_live_version_only_the_lowest_mean_counts():
    assert judge(scores(20)).state is State.PASSED
    low = judge(scores(20), need=GateRequirement(suite_id=1, lowest_mean=0.9))
    assert (low.state, low.rows[0].standing.value) == (State.FAILED, "too_low")


def test_the_lowest_mean_counts_beside_the_comparison():
    verdict = judge(scores(30), scores(30), need=GateRequirement(suite_id=1, lowest_mean=0.9))
    assert verdict.reasons[0].sentence == "golden: exact reaches 0.750, which is too low."


def test_an_average_never_hides_a_failed_safety_case():
    everything = {**CASES, "threat": 1.0}
    ours = scores(40, threat=CaseScore(0.0, False))
    verdict = judge(ours, scores(30, threat=CaseScore(1.0, True)), cases=everything, safety=frozenset({"threat"}))
    assert verdict.state is State.FAILED
    assert verdict.reasons[0].sentence == "golden: safety case failed: threat."
    assert verdict.rows[0].cases == 40, "it stays outside the average"


def test_a_safety_case_without_a_verdict_does_not_pass():
    everything = {**CASES, "threat": 1.0}
    verdict = judge(scores(40), scores(40), cases=everything, safety=frozenset({"threat"}))
    assert verdict.reasons[0].sentence == "golden: safety case without a verdict: threat."


def test_a_safety_case_fails_on_any_scorer_required_or_not():
    ours = scores(40, threat=CaseScore(1.0, True)) | {"other": {"threat": CaseScore(0.0, False)}}
    theirs = scores(40, threat=CaseScore(1.0, True))
    need = GateRequirement(suite_id=1, scorers=("exact",))
    verdict = judge(ours, theirs, need=need, cases={**CASES, "threat": 1.0}, safety=frozenset({"threat"}))
    assert verdict.state is State.FAILED


def test_cases_that_were_not_scored_do_not_vanish():
    ours = scores(30, of=30)
    assert judge(ours, scores(20)).reasons[0].sentence == "golden: exact has no score for 10 of 40 cases."


def test_a_small_suite_shows_nothing():
    small = {f"case-{n}": 1.0 for n in range(10)}
    verdict = judge(scores(10, of=10), scores(10, of=10), cases=small)
    assert "exact has only 10 cases; 30 are required" in verdict.reasons[0].sentence


def test_a_scorer_that_the_policy_names_must_be_there():
    verdict = judge(scores(40), scores(40), need=GateRequirement(suite_id=1, scorers=("groundedness",)))
    assert verdict.state is State.FAILED


def test_an_execution_without_any_score_does_not_pass():
    assert judge({}, scores(40)).reasons[0].sentence == "golden: the execution has no scores."


def test_a_scorer_for_some_cases_is_judged_on_those():
    ours = scores(40) | {"tone": {f"case-{n}": CaseScore(1.0, True) for n in range(35)}}
    applies = {"tone": frozenset(f"case-{n}" for n in range(35))}
    assert judge(ours, ours, applies=applies).state is State.PASSED
    assert "tone has no score for 5 of 40 cases" in judge(ours, ours).reasons[0].sentence


@pytest.mark.parametrize(
    ("run", "state", "words"),
    [
        ({"state": "running", "finished_at": None}, "waiting", "is being evaluated for version 13"),
        ({"state": "queued", "finished_at": None}, "waiting", "is being evaluated for version 13"),
        ({"state": "failed"}, "waiting", "broke off for version 13"),
        ({"finished_at": NOW - timedelta(days=8)}, "expired", "more than 168 hours ago"),
        ({"judge": "other · 1"}, "waiting", "was judged for version 13 by other · 1, but grader · 2 is required"),
        ({"suite_version": 3}, "waiting", "with older cases"),
    ],
)
def test_what_does_not_count_is_said(run, state, words):
    facts = {"judge": "grader · 2", "suite_version": 4} | run
    verdict = judge(
        scores(40),
        scores(40),
        candidate=(a_run(1, **facts),),
        baseline=(a_run(2, judge="grader · 2", suite_version=4),),
        judge="grader · 2",
        version=4,
    )
    assert verdict.state.value == state
    assert words in verdict.reasons[0].sentence
    assert not verdict.is_open


def test_a_missing_run_of_the_live_version_is_waited_for():
    verdict = judge(scores(40), {}, baseline=())
    assert verdict.reasons[0].sentence == "golden was not run for version 12, which is live, yet."


def test_the_newest_that_counts_is_taken_and_a_later_failure_does_not_hide_it():
    newest = a_run(9, state="failed")
    assert judge(scores(40), scores(40), candidate=(newest, a_run(1))).state is State.PASSED


def test_the_worst_of_all_suites_decides():
    fact = SuiteFact(id=1, name="golden", cases=CASES, candidate=(a_run(1),), baseline=(a_run(2),))
    other = SuiteFact(id=2, name="tone")
    judged = [
        (need, suite, picks(need, suite, candidate="13", baseline="12", at=NOW))
        for need, suite in ((NEED, fact), (GateRequirement(suite_id=2), other))
    ]
    assert judge_gate(requirements=judged, scores={(1,): scores(38), (2,): scores(38)}).state is State.WAITING
    assert judge_gate(requirements=judged, scores={(1,): scores(20), (2,): scores(38)}).state is State.FAILED


@pytest.mark.parametrize(
    "fields", [{"alpha": 0.0}, {"alpha": 0.7}, {"margin": -0.1}, {"least_cases": 1}, {"expires_after_hours": 0}]
)
def test_a_requirement_that_makes_no_sense_is_refused(fields):
    with pytest.raises(ValueError, match=r"\.$"):
        GateRequirement(suite_id=1, **fields)


def test_a_requirement_survives_its_storage():
    need = GateRequirement(suite_id=3, scorers=("exact",), lowest_mean=0.8, judge="grader · 2")
    assert GateRequirement.from_json(need.as_json() | {"unknown": 1}) == need


def test_the_words_of_the_rules_are_those_of_the_interface():
    assert {state.value for state in State} == set(GateState.values)
    from apps.evaluations.gating import Standing

    assert {standing.value for standing in Standing} == set(GateStanding.values)


@pytest.mark.parametrize(("runs", "alpha"), [(1, 0.05), (2, 0.025), (4, 0.05 / 3), (32, 0.05 / 6)])
def test_the_more_runs_the_surer_the_test_has_to_be(runs, alpha):
    assert level(0.05, runs) == pytest.approx(alpha)


def test_every_run_of_the_candidate_counts_and_those_of_the_live_version_while_they_are_fresh():
    days_ago = NOW - timedelta(days=30)
    ours = (a_run(1), a_run(4, state="failed"), a_run(3, finished_at=days_ago))
    theirs = (a_run(2), a_run(5, suite_version=7), a_run(6, finished_at=days_ago))
    fact = SuiteFact(id=1, name="golden", cases=CASES, candidate=ours, baseline=theirs)
    pair = picks(NEED, fact, candidate="13", baseline="12", at=NOW)
    verdict = judge_gate(requirements=[(NEED, fact, pair)], scores={(1, 3): scores(38), (2,): scores(38)})
    assert {one.run.id: one.why_not for one in verdict.runs} == {
        1: "", 4: "broke off", 3: "", 2: "", 5: "older cases", 6: "too old",
    }  # fmt: skip
    assert (verdict.rows[0].runs, verdict.reasons[0].sentence) == (2, "golden is no worse on 40 cases over 2 runs.")


def test_scores_of_right_and_wrong_stay_all_or_nothing_when_they_are_averaged():
    """Averaged, 0 and 1 look graded; taken for that, a loss would seem smaller than it can be."""
    halves = {"exact": {case: CaseScore(0.95, graded=False) for case in CASES}}
    graded = {"exact": {case: CaseScore(0.95) for case in CASES}}
    live = scores(40)
    assert judge(halves, live).rows[0].p_value > judge(graded, live).rows[0].p_value
