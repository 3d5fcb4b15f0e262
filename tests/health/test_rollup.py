"""The roll-up by table: facts in, a status and a sentence out."""

from __future__ import annotations

from datetime import timedelta
from math import inf, nan

import pytest

from apps.health.facts import FeatureFacts, Status
from apps.health.reasons import Rule, from_json
from apps.health.rollup import roll_up
from apps.health.status import HealthStatus
from tests.health.facts import AN_HOUR_AGO, NOON, alert, answered, facts, pipeline, promise, silent, source

MINUTES = timedelta(minutes=1)
OLD = {"last_at": NOON - 10 * MINUTES}

CASES = {
    # nothing known is never healthy
    "nothing at all": (facts(), "unknown", "Nothing is promised yet, so there is nothing to judge it by."),
    "a promise without data": (facts(promise(None)), "unknown", "Nothing is known yet: no source has sent a number"),
    "a promise without a series": (facts(promise(None, source=None)), "unknown", "no source has sent a number"),
    "two promises without data": (facts(promise(None), answered(None)), "unknown", ""),
    "no data beside a passed pipeline": (facts(promise(None), pipeline()), "unknown", ""),
    "only an answering source": (facts(sources=(source(),)), "unknown", ""),
    "a pipeline that never ran": (facts(pipeline(None)), "unknown", ""),
    "a quiet alert without promises": (facts(alert("info")), "unknown", ""),
    "the past is still being read": (
        facts(promise(2.0, last_at=NOON - timedelta(days=9), source=source(is_catching_up=True))),
        "unknown",
        "Not known yet: the past of Prometheus is still being read.",
    ),
    # healthy
    "kept": (facts(promise(2.0)), "healthy", "Nobody waits longer than promised."),
    "two kept": (facts(promise(2.0), answered()), "healthy", "Answers are good and nobody waits longer than promised."),
    "quality kept": (facts(answered()), "healthy", "Answers are as good as promised."),
    "cost kept": (facts(promise(2.0, measure="cost_rate", unit="eur")), "healthy", "Every promise is kept."),
    "exactly the limit": (facts(promise(3.0)), "healthy", ""),
    "exactly the lower limit": (facts(answered(0.96)), "healthy", ""),
    "the limit up to a rounding error": (facts(promise(3.0000000000001)), "healthy", ""),
    "one kept, one never measured": (facts(promise(2.0), answered(None)), "healthy", ""),
    "pipelines alone": (facts(pipeline()), "healthy", "Every pipeline passed its last run; no promise says yet"),
    "an alert that only informs": (facts(promise(2.0), alert("info")), "healthy", ""),
    "an alert of a silent source": (facts(promise(2.0), alert(source=silent(slug="am"))), "healthy", ""),
    "a failed pipeline that is paused": (facts(promise(2.0), pipeline(True, is_paused=True)), "healthy", ""),
    "rare numbers within their rhythm": (
        facts(promise(2.0, count=0, interval=3600.0, last_at=AN_HOUR_AGO)), "healthy", ""
    ),
    "a clock a little ahead": (facts(promise(2.0, last_at=NOON + 2 * MINUTES)), "healthy", ""),
    # degraded
    "broken": (facts(promise(4.1)), "degraded", "People wait 4.1 s, more than the promised 3 s."),
    "broken below": (facts(answered(0.9)), "degraded", "Only 90% of questions get an answer, 96% is promised."),
    "broken, answers good": (
        facts(promise(4.1), answered()),
        "degraded",
        "Answers are good, but people wait 4.1 s, more than the promised 3 s.",
    ),
    "twice as long as usual": (
        facts(promise(4.1, usual=2.0), answered()),
        "degraded",
        "Answers are good, but people wait about twice as long as usual.",
    ),
    "three times as long as usual": (facts(promise(5.9, usual=1.9)), "degraded", "People wait about 3 times as long"),
    "answers bad, wait fine": (
        facts(promise(2.0), answered(0.9)), "degraded", "Answers come fast, but only 90% of questions get an answer"
    ),
    "two broken": (facts(promise(4.1), answered(0.9)), "degraded", "96% is promised, and 1 more thing is wrong."),
    "a failed pipeline": (facts(promise(2.0), pipeline(True)), "degraded", "but the pipeline “Nightly index” failed."),
    "a late pipeline": (
        facts(promise(2.0), pipeline(late="late", late_because="No run since Mon 02:00.")),
        "degraded",
        "but the pipeline “Nightly index” is late.",
    ),
    "a pipeline that missed a run, behind a dependency": (
        facts(promise(2.0), pipeline(late="missed", is_direct=False, component="Help center index")),
        "degraded",
        "“Nightly index” missed a run, on which it depends through Help center index.",
    ),
    "a pipeline that failed and is late": (
        facts(promise(2.0), pipeline(True, late="late")),
        "degraded",
        "but the pipeline “Nightly index” failed.",
    ),
    "a late pipeline of a silent source": (facts(promise(2.0), pipeline(late="late", source=silent())), "healthy", ""),
    "a late pipeline that is paused": (facts(promise(2.0), pipeline(late="late", is_paused=True)), "healthy", ""),
    "a failed pipeline behind a dependency": (
        facts(answered(), pipeline(True, is_direct=False, component="Help center index")),
        "degraded",
        "Answers are good, but the pipeline “Nightly index” failed, on which it depends through Help center index.",
    ),
    "an alert that calls people": (facts(promise(2.0), alert()), "degraded", "the alert “SearchErrors” fires."),
    "an alert without promises": (facts(alert("critical")), "degraded", "The alert “SearchErrors” fires."),
    "broken without a failing point": (facts(promise(99.0, fails_at=None)), "degraded", ""),
    "broken before and only the mean is back": (facts(promise(2.5, last=3.5, was_broken=True)), "degraded", ""),
    "a failing point on the wrong side": (facts(promise(4.0, fails_at=1.0)), "down", ""),
    # down
    "failed": (facts(promise(7.0)), "down", "People wait 7 s, more than the promised 3 s."),
    "failed below": (facts(answered(0.5)), "down", "Only 50% of questions get an answer"),
    "failed beside broken": (facts(promise(4.1), answered(0.5)), "down", "Only 50% of questions get an answer, 96%"),
    "failed beside an alert": (facts(promise(7.0), alert()), "down", "People wait 7 s, more than the promised 3 s."),
    "infinitely slow is no number": (facts(promise(inf)), "unknown", ""),
    # stale
    "the source refuses us": (
        facts(promise(2.0, source=silent())), "stale", "Prometheus does not answer: Credentials refused."
    ),
    "the source never answered": (
        facts(promise(2.0, source=silent(last_success_at=None, error=""))), "stale", "Prometheus has never answered."
    ),
    "numbers stopped, the source answers": (
        facts(promise(2.0, **OLD)), "stale", "The sources answer, but the numbers of this feature have stopped"
    ),
    "broken when last heard": (facts(promise(9.0, source=silent())), "stale", ""),
    "old promises beside a passed pipeline": (facts(promise(2.0, source=silent()), pipeline()), "stale", ""),
    "old promises beside a failed pipeline": (facts(promise(2.0, source=silent()), pipeline(True)), "degraded", ""),
    "pipelines of a silent source": (facts(pipeline(True, source=silent())), "stale", ""),
    "samples from the future": (facts(promise(2.0, last_at=NOON + timedelta(hours=2))), "stale", ""),
    "the only source is paused among others": (
        facts(promise(2.0, source=source(is_enabled=False)), pipeline()), "stale", "Nothing new is heard"
    ),
    # partly stale keeps the judgement and says so
    "one of two is old": (
        facts(promise(2.0), answered(0.99, **OLD)), "healthy", "longer than promised, as far as is known: some"
    ),
    "one of two sources is silent": (
        facts(promise(2.0), pipeline(source=silent(name="Prefect", slug="prefect"))), "healthy", "Prefect does not"
    ),
    "one broken, one old": (facts(promise(4.1), answered(0.5, **OLD)), "degraded", "People wait 4.1 s"),
    # paused
    "every source switched off": (facts(promise(9.0, source=source(is_enabled=False))), "paused", "Watching is paused"),
    "retired": (facts(promise(9.0), is_retired=True), "paused", "This feature is retired"),
    # hostile
    "not a number": (facts(promise(nan)), "unknown", ""),
    "a limit that is no number": (facts(promise(2.0, limit=nan)), "unknown", ""),
    "one not a number beside a kept one": (facts(promise(nan), answered()), "healthy", ""),
    "a measure nobody described": (
        facts(promise(9.0, measure="frobs", unit="")), "down", "“Frobs” is 9, more than the promised 3."
    ),
    "a mean without samples": (facts(promise(99.0, count=0, last=2.0)), "healthy", ""),
    "usual was zero": (facts(promise(4.1, usual=0.0)), "degraded", "People wait 4.1 s"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_roll_up(case: str) -> None:
    given, status, words = CASES[case]
    judged = roll_up(given, NOON)
    assert (str(judged.status), words) == (status, words if words in judged.sentence else judged.sentence)
    assert not judged.sentence[0].islower()
    assert judged.sentence.endswith(".")
    assert judged.reasons


def test_the_roll_up_speaks_the_vocabulary_of_the_pages() -> None:
    assert {str(status) for status in Status} == set(HealthStatus.values)


def test_a_status_began_when_its_samples_did() -> None:
    judged = roll_up(facts(promise(4.1, broken_since=AN_HOUR_AGO), answered(0.9, broken_since=NOON)), NOON)
    assert judged.since_hint == AN_HOUR_AGO


def test_stale_began_when_something_was_last_heard() -> None:
    judged = roll_up(facts(promise(2.0, source=silent(), last_at=AN_HOUR_AGO - 5 * MINUTES)), NOON)
    assert judged.since_hint == AN_HOUR_AGO


def test_the_age_of_a_judgement_is_that_of_its_oldest_input() -> None:
    judged = roll_up(facts(promise(2.0), answered(0.99, last_at=NOON - 2 * MINUTES)), NOON)
    assert judged.oldest_input_at == NOON - 2 * MINUTES


def test_a_judgement_knows_when_it_will_age_by_itself() -> None:
    soon = NOON + timedelta(seconds=40)
    judged = roll_up(facts(promise(2.0, source=source(stale_at=soon))), NOON)
    assert judged.stale_at == soon
    assert roll_up(facts(promise(2.0)), NOON).stale_at == NOON + 3 * MINUTES


def test_one_spike_inside_a_kept_window_does_not_break_the_promise() -> None:
    assert roll_up(facts(promise(2.2, last=30.0)), NOON).status is Status.HEALTHY


def test_every_reason_carries_its_rule_its_inputs_and_its_source() -> None:
    judged = roll_up(facts(promise(4.1, usual=2.0), pipeline(True), alert()), NOON)
    by_rule = {reason.rule: reason for reason in judged.reasons}
    broken = by_rule[Rule.PROMISE_BROKEN]
    assert broken.source == "Prometheus"
    assert broken.rule_text.startswith(
        "Broken when the average of the last 15 minutes is above 3 s; down when it is above 6 s"
    )
    assert [(one.name, one.text) for one in broken.inputs] == [
        ("Average of the last 15 minutes, 15 samples", "4.1 s"),
        ("Newest value", "4.1 s"),
        ("Promise", "3 s"),
        ("Down beyond", "6 s"),
        ("Same time last week", "2 s"),
    ]
    assert by_rule[Rule.PIPELINE_FAILED].since == AN_HOUR_AGO
    assert by_rule[Rule.ALERT_FIRING].subject == ("alert", 9)


@pytest.mark.parametrize("case", CASES)
def test_reasons_survive_being_stored(case: str) -> None:
    given: FeatureFacts = CASES[case][0]
    reasons = roll_up(given, NOON).reasons
    assert tuple(from_json(reason.to_json()) for reason in reasons) == reasons
