"""Evaluations are stored once, in any order of arrival, with exactly the scores their source tells now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.connectors.records import Batch, RunState, Score
from apps.evaluations import services
from apps.evaluations.models import EvaluationRun, EvaluationSuite
from apps.evaluations.models import Score as StoredScore
from apps.sources.mapping import Mapper
from apps.sync.store import store_batch
from tests.evaluations.records import NOW, an_evaluation
from tests.factories import make_component, make_feature, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    return make_source()


@pytest.fixture
def tell(source):
    def store(*records):
        return services.upsert_evaluations(source=source, records=records, mapper=Mapper(source), at=NOW)

    return store


def test_an_evaluation_is_stored_with_its_suite_scores_and_place(tell):
    feature = make_feature()
    component = make_component(slug="support-golden", kind="evaluation_suite", feature=feature)
    stored = tell(an_evaluation())
    run = EvaluationRun.objects.get()
    assert (run.suite.name, run.suite.feature, run.feature, run.component) == (
        "support-golden",
        feature,
        feature,
        component,
    )
    assert (run.what, run.state, run.passed, run.failed, run.verdict) == (
        "support-reply 12",
        "succeeded",
        2,
        1,
        "failed",
    )
    assert run.summary == {"groundedness": {"mean": pytest.approx(0.8), "count": 3, "passed": 2, "failed": 1}}
    assert list(run.scores.values_list("case", "value", "is_passed")) == [
        ("a", 0.5, False),
        ("b", 0.9, True),
        ("c", 1.0, True),
    ]
    assert stored.feature_ids == {feature.pk}
    assert stored.topics == {"evaluations", f"evaluation-{run.pk}"}


def test_its_end_is_told_at_its_own_time_and_is_no_change(tell):
    (event,) = tell(an_evaluation(number=72)).events
    assert (event.kind, event.title) == (
        "evaluations:run:succeeded",
        "2 of 3 passed in support-golden for support-reply 12",
    )
    assert (event.at, event.tone, event.is_change) == (NOW - timedelta(hours=72), "warn", False)


@pytest.mark.parametrize(
    ("fields", "kind", "tone", "title"),
    [
        ({"state": RunState.CRASHED}, "failed", "bad", "support-golden broke off for support-reply 12"),
        ({"scores": ()}, "succeeded", "info", "support-golden was scored for support-reply 12"),
        (
            {"scores": (Score(scorer="exact", value=1, passed=True, count=50),), "subject": ""},
            "succeeded",
            "ok",
            "50 of 50 passed in support-golden",
        ),
    ],
)
def test_every_end_has_its_words(tell, fields, kind, tone, title):
    (event,) = tell(an_evaluation(**fields)).events
    assert (event.kind, event.tone, event.title) == (f"evaluations:run:{kind}", tone, title)


def test_what_is_still_going_on_is_told_when_it_ends_and_only_then(tell):
    running = an_evaluation(state=RunState.RUNNING, finished_at=None, updated_at=NOW - timedelta(hours=2), scores=())
    assert tell(running).events == []
    assert len(tell(an_evaluation()).events) == 1
    assert EvaluationRun.objects.count() == 1


def test_the_same_news_again_writes_nothing(tell):
    tell(an_evaluation(), an_evaluation(2))
    before = list(StoredScore.objects.order_by("pk").values_list("pk", flat=True))
    stored = tell(an_evaluation(), an_evaluation(2))
    assert (stored.changed, stored.events) == (0, [])
    assert list(StoredScore.objects.order_by("pk").values_list("pk", flat=True)) == before
    assert EvaluationSuite.objects.count() == 1


def test_changed_scores_are_news_and_what_is_no_longer_told_goes(tell):
    tell(an_evaluation())
    scores = (Score(scorer="groundedness", value=0.9, case="a", passed=True),)
    assert tell(an_evaluation(scores=scores)).changed == 1
    run = EvaluationRun.objects.get()
    assert list(run.scores.values_list("case", "value")) == [("a", 0.9)]
    assert run.verdict == "passed"


def test_older_news_never_overwrites_newer(tell):
    tell(an_evaluation())
    older = an_evaluation(state=RunState.RUNNING, updated_at=NOW - timedelta(hours=9), scores=())
    assert tell(older).changed == 0
    run = EvaluationRun.objects.get()
    assert (run.state, run.scores.count()) == ("succeeded", 3)


def test_a_number_for_all_cases_is_the_mean_and_the_cases_are_counted(tell):
    scores = (*an_evaluation().scores, Score(scorer="groundedness", value=0.77, count=3))
    tell(an_evaluation(scores=scores))
    assert EvaluationRun.objects.get().summary["groundedness"] == {"mean": 0.77, "count": 3, "passed": 2, "failed": 1}


def test_one_bad_evaluation_is_refused_alone(tell):
    stored = tell(an_evaluation(suite=""), an_evaluation(2), an_evaluation(3, scores=(Score(scorer="x", value=1e999),)))
    assert [run.external_id for run in EvaluationRun.objects.all()] == ["eval-2"]
    assert [rejected.reason for rejected in stored.rejected] == [
        "The suite is empty.",
        "The score x is no finite number.",
    ]


def test_a_poll_brings_evaluations_home(source):
    assert store_batch(source=source, batch=Batch(records=(an_evaluation(),)), at=NOW).changed == 1
    assert EvaluationRun.objects.get().source == source
