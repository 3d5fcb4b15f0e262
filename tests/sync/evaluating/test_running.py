"""An order is carried out: asked side by side, scored once a case, resumed, cancelled, and stopped at its limits."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.evaluations import services
from apps.evaluations.models import CaseResult, EvaluationRun, Order, Score
from apps.events.models import Event
from apps.sources import queries as sources
from apps.sync.evaluating import running
from tests.evaluations.suites import a_target, make_endpoint, make_suite, start
from tests.sync.evaluating.model import echo, serve_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    with serve_model() as found:
        yield found


@pytest.fixture
def suite(model):
    return make_suite(cases=6, endpoint=make_endpoint(base_url=model.url, api_key="secret-key-1"))


def fresh(run: EvaluationRun) -> EvaluationRun:
    return EvaluationRun.objects.select_related("order").get(pk=run.pk)


def test_every_case_is_asked_and_scored_once(suite, model):
    run = start(suite)
    assert "6 of 6 cases, succeeded" in running.carry_out_next()
    run = fresh(run)
    assert (run.state, run.passed, run.failed, run.order.due_at) == ("succeeded", 6, 0, None)
    assert run.summary == {"exact": {"mean": 1.0, "count": 6, "passed": 6, "failed": 0}}
    assert model.asked == {f"Answer: q{n}": 1 for n in range(1, 7)}
    assert set(model.keys) == {"Bearer secret-key-1"}
    assert model.bodies[0]["model"] == "small"
    assert running.carry_out_next() == "no evaluation is due"


def test_its_beginning_and_its_end_are_told_once(suite):
    run = start(suite)
    running.carry_out_next()
    told = Event.objects.filter(subject_kind="evaluation", subject_id=run.pk).order_by("pk")
    assert list(told.values_list("kind", flat=True)) == ["evaluations:run:started", "evaluations:run:succeeded"]
    assert told.last().title == f"6 of 6 passed in {suite.name} for support-reply 1"


def test_a_wrong_answer_fails_its_case_alone(suite, model):
    model.rule = lambda question: "no" if question.endswith("q3") else echo(question)
    run = start(suite)
    running.carry_out_next()
    run = fresh(run)
    assert (run.state, run.passed, run.failed) == ("succeeded", 5, 1)
    failed = Score.objects.get(run=run, is_passed=False)
    assert (failed.case, failed.value, failed.comment) == ("case-3", 0.0, "Got “no”.")


def test_never_more_questions_at_once_than_the_endpoint_takes(model):
    import time

    def slowly(question):
        time.sleep(0.03)
        return echo(question)

    model.rule = slowly
    start(make_suite(cases=12, endpoint=make_endpoint(base_url=model.url, concurrency=3, requests_per_minute=100_000)))
    running.carry_out_next()
    assert model.most_at_once == 3


def test_its_price_is_counted_and_its_limit_stops_it(model):
    endpoint = make_endpoint(
        base_url=model.url,
        concurrency=1,
        input_price=Decimal(1000),
        output_price=Decimal(2000),
        cost_limit=Decimal(5),
    )
    run = start(make_suite(cases=6, endpoint=endpoint))  # 1,000 · $1,000/M + 500 · $2,000/M = $2 a case
    running.carry_out_next()
    run = fresh(run)
    assert run.state == "failed"
    assert "cost limit of $5.00" in run.order.error
    assert 3 <= CaseResult.objects.filter(order=run.order).count() <= 4
    assert CaseResult.objects.first().cost == Decimal(2)


def test_what_broke_off_goes_on_with_the_cases_that_lack_an_answer(suite, model, author):
    model.rule = lambda question: (400, {}) if question.endswith(("q2", "q5")) else echo(question)
    run = start(suite)
    running.carry_out_next()
    assert fresh(run).state == "failed"
    assert "2 of 6 cases got no answer" in fresh(run).order.error
    model.rule = echo
    assert services.resume_run(run=run, actor=author, at=sources.database_time())
    running.carry_out_next()
    run = fresh(run)
    assert (run.state, run.passed, run.order.error) == ("succeeded", 6, "")
    assert {question: times for question, times in model.asked.items() if times > 1} == {
        "Answer: q2": 2,
        "Answer: q5": 2,
    }


def test_a_refused_key_stops_everything_at_once(suite, model):
    model.rule = lambda _question: (401, {})
    run = start(suite)
    running.carry_out_next()
    run = fresh(run)
    assert run.state == "failed"
    assert "refuses the credentials" in run.order.error
    assert not CaseResult.objects.exists()


def test_who_asks_us_to_slow_down_for_long_is_left_alone_for_that_long(suite, model):
    model.rule = lambda _question: (429, {"Retry-After": "300"})
    run = start(suite)
    assert "goes on at" in running.carry_out_next()
    order = Order.objects.get(run=run)
    assert order.due_at - sources.database_time() > timedelta(seconds=200)
    assert order.claim_id is None
    assert running.carry_out_next() == "no evaluation is due"


def test_a_cancelled_one_stops_and_says_who_stopped_it(suite, model, author):
    run = start(suite)
    assert services.cancel_run(run=run, actor=author, at=sources.database_time())
    assert fresh(run).state == "cancelled"
    assert not services.cancel_run(run=run, actor=author, at=sources.database_time())
    assert running.carry_out_next() == "no evaluation is due"
    assert not model.asked
    event = Event.objects.get(kind="evaluations:run:cancelled")
    assert event.actor == "author"


def test_cancelling_while_a_worker_asks_ends_it_after_what_is_under_way(suite, model, author):
    run = start(suite)
    claim = services.claim_order(at=sources.database_time())
    job = services.begin(claim=claim, at=sources.database_time())
    assert services.cancel_run(run=run, actor=author, at=sources.database_time())
    assert fresh(run).state == "running"
    result = services.NewResult(case_id=job.cases[0].pk, scores=[{"scorer": "exact", "value": 1.0, "passed": True}])
    assert not services.store_result(claim=claim, result=result, at=sources.database_time(), rings=False)
    services.finish(claim=claim, at=sources.database_time())
    run = fresh(run)
    assert (run.state, run.passed) == ("cancelled", 1)


def test_a_prompt_whose_variable_no_case_gives_says_so(suite):
    run = start(suite, target=a_target(template="{{question}} {{context}}"))
    running.carry_out_next()
    run = fresh(run)
    assert run.state == "failed"
    assert "The case gives no context" in run.order.error


def test_what_runs_on_schedule_becomes_series_and_nothing_else_does(suite):
    from apps.metrics.models import Series

    start(suite)
    running.carry_out_next()
    assert not Series.objects.exists()
    start(suite, reason="schedule", label="production")
    running.carry_out_next()
    assert sorted(Series.objects.values_list("name", flat=True)) == [f"{suite.name}: exact", f"{suite.name}: passed"]


JUDGE = {"kind": "judge", "options": {"endpoint": "grader", "model": "grader-2", "question": "Grade {{output}}"}}


def test_a_judge_is_asked_on_its_own_endpoint_with_the_pinned_model(model):
    model.rule = lambda question: '{"score": 0.9, "reason": "fine"}' if question.startswith("Grade") else "hello"
    make_endpoint(name="Grader", base_url=model.url, api_key="judges-key")
    run = start(make_suite(cases=2, scorers=(JUDGE,), endpoint=make_endpoint(base_url=model.url)))
    running.carry_out_next()
    run = fresh(run)
    assert (run.state, run.summary["judge"]["mean"]) == ("succeeded", pytest.approx(0.9))
    assert run.judge.startswith("grader-2 · ")
    assert Score.objects.filter(run=run).exclude(case="").first().comment == "fine"
    asked = [body for body in model.bodies if body["messages"][0]["content"].startswith("Grade")]
    assert {(body["model"], body["temperature"]) for body in asked} == {("grader-2", 0)}
    assert "Bearer judges-key" in model.keys


def test_a_judge_that_gives_no_score_leaves_its_case_without_an_answer(model):
    model.rule = lambda question: "I cannot say" if question.startswith("Grade") else "hello"
    make_endpoint(name="Grader", base_url=model.url)
    run = start(make_suite(cases=2, scorers=(JUDGE,), endpoint=make_endpoint(base_url=model.url)))
    running.carry_out_next()
    assert fresh(run).state == "failed"
    assert "The judge gave no score" in fresh(run).order.error


def test_an_endpoint_that_is_down_breaks_it_off_after_a_few_cases(model):
    model.rule = lambda _question: (503, {})
    endpoint = make_endpoint(base_url=model.url, concurrency=1, requests_per_minute=100_000)
    run = start(make_suite(cases=9, endpoint=endpoint))
    running.carry_out_next()
    assert "5 cases in a row failed" in fresh(run).order.error


def test_what_the_demo_model_knows_depends_on_the_prompt():
    from apps.demo.servers.openai import answer, questions, skill

    good = "Use only the facts. If a fact is missing, say so. At most 100 words. JSON. "
    assert skill(good) > skill("Answer: ") + 0.4
    known = [question for question in questions() if question.facts]
    hits = {
        prompt: sum(
            all(fact in answer(prompt + question.ticket, seed=7) for fact in question.facts) for question in known
        )
        for prompt in (good, "Answer: ")
    }
    assert hits[good] > hits["Answer: "] + 8
