"""What is reported is stored, in any order, once, and every item is answered."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache

from apps.api.nouns import NOUNS
from apps.deployments.models import Deployment
from apps.events.models import Event
from apps.metrics.models import Series
from apps.pipelines.models import Pipeline, Run, TaskRun
from apps.prompts.models import PromptLabel, PromptVersion
from apps.sources.models import DeadLetter, Poll, RawRecord
from tests.api.asking import error_of, make_token, push_source, send
from tests.factories import make_component, make_feature

RUN = {"external_id": "r1", "pipeline": "nightly", "state": "running"}


@pytest.fixture(autouse=True)
def _fresh_minute(db):
    cache.clear()


@pytest.fixture
def source():
    return push_source()


@pytest.fixture
def report(source, author):
    """`report("runs", {…}, …)`: the results and the status."""
    token = make_token(author)

    def report(path, *items):
        response = send(f"sources/ci/{path}", {"items": items}, token=token)
        return response.json()["results"], response.status_code

    return report


def report_all(report) -> list[str]:
    return [report(noun.path, noun.example)[0][0]["status"] for noun in NOUNS]


def test_every_kind_of_thing_is_stored_once(report):
    assert report_all(report) == ["stored"] * len(NOUNS)
    again = dict(zip([noun.path for noun in NOUNS], report_all(report), strict=True))
    assert again.pop("samples") == "stored"  # another moment, another sample
    assert set(again.values()) == {"unchanged"}


def test_an_evaluation_is_answered_item_by_item(report):
    noun = next(noun for noun in NOUNS if noun.path == "evaluations")
    results, _ = report("evaluations", noun.example, {"suite": "x"})
    assert [result["index"] for result in results] == [0, 1]
    assert results[1]["status"] == "refused"
    assert "external_id: is missing" in results[1]["error"]


def test_a_bad_item_is_refused_alone_and_says_why(report):
    results, status = report("runs", RUN, RUN | {"external_id": "r2", "state": "exploded"}, RUN | {"external_id": "r3"})
    assert status == 207
    assert [result["status"] for result in results] == ["stored", "refused", "stored"]
    assert results[1]["external_id"] == "r2"
    assert results[1]["error"].startswith("state: choose one of 'queued', 'running'")
    letter = DeadLetter.objects.get()
    assert (letter.external_id, letter.payload["state"]) == ("r2", "exploded")
    results, status = report("runs", RUN | {"external_id": "r2"})
    assert (status, results[0]["status"]) == (200, "stored")
    assert not DeadLetter.objects.exists()


def test_what_is_left_out_later_stays_as_it_was(report):
    report("runs", RUN | {"name": "Nightly 1", "triggered_by": "ann", "labels": {"branch": "main"}, "cost": "1.25"})
    started_at = Run.objects.get().started_at
    report("runs", RUN | {"state": "succeeded"})
    run = Run.objects.get()
    assert (run.state, run.name, run.triggered_by, run.labels) == ("succeeded", "Nightly 1", "ann", {"branch": "main"})
    assert run.started_at == started_at
    assert run.finished_at > started_at
    assert str(run.cost) == "1.2500"
    report("runs", RUN | {"state": "succeeded", "triggered_by": "bob"})
    assert Run.objects.get().triggered_by == "bob"


def test_a_run_that_begins_anew_has_new_times(report):
    report("runs", RUN | {"state": "failed", "started_at": "2026-11-24T10:00:00Z", "error": "no memory"})
    report("runs", RUN | {"attempts": 2})
    run = Run.objects.get()
    assert (run.state, run.attempts, run.finished_at, run.error) == ("running", 2, None, "")
    assert run.started_at == run.upstream_at
    assert report("runs", {"external_id": "r1", "pipeline": "nightly"})[1] == 207  # a state must be said


def test_older_news_never_overwrites_newer(report):
    at = "2026-11-24T10:0{}:00+00:00"
    report("runs", RUN | {"state": "failed", "updated_at": at.format(5)})
    results, _ = report("runs", RUN | {"updated_at": at.format(1)})
    assert results[0]["status"] == "unchanged"
    assert Run.objects.get().state == "failed"


def test_a_run_makes_its_pipeline_which_can_be_described_later(report):
    feature = make_feature()
    make_component(slug="indexer", feature=feature)
    report("runs", RUN)
    report("pipelines", {"external_id": "nightly", "name": "Nightly", "labels": {"component": "indexer"}})
    pipeline = Pipeline.objects.get()
    assert (pipeline.name, pipeline.feature) == ("Nightly", feature)


def test_a_failed_run_is_told_in_the_ledger(report):
    report("runs", RUN | {"state": "failed", "error": "out of memory\nat line 7"})
    assert Event.objects.get(kind="pipelines:run:failed").source_id == Run.objects.get().source_id
    assert Run.objects.get().error == "out of memory"


def test_a_step_of_a_run_nobody_told_of_is_refused(report):
    step = {"external_id": "load", "run": "r1", "state": "running"}
    results, status = report("task-runs", step)
    assert (status, results[0]["error"]) == (207, "Its run r1 is not known.")
    report("runs", RUN)
    report("task-runs", step)
    begun = TaskRun.objects.get().started_at
    report("task-runs", step | {"state": "succeeded"})
    step = TaskRun.objects.get()
    assert (step.state, step.started_at) == ("succeeded", begun)


def test_a_deployment_keeps_when_it_began(report):
    item = {"external_id": "d1", "component": "ranker", "environment": "production", "revision": "abc"}
    report("deployments", item | {"state": "running", "started_at": "2026-11-24T10:00:00Z", "deployed_by": "ann"})
    report("deployments", item)
    deployment = Deployment.objects.get()
    assert deployment.started_at.isoformat() == "2026-11-24T10:00:00+00:00"
    assert (deployment.state, deployment.deployed_by) == ("succeeded", "ann")
    assert deployment.finished_at is not None


def test_a_version_moves_its_aliases_and_never_changes(report):
    item = {"prompt": "greeting", "number": 1, "template": "Hi", "labels": {"feature": "x"}, "aliases": ["production"]}
    assert report("prompt-versions", item)[0][0] == {"index": 0, "external_id": "greeting:1", "status": "stored"}
    report("prompt-versions", {"prompt": "greeting", "number": 2, "template": "Hello", "aliases": ["production"]})
    assert PromptLabel.objects.get().version.number == 2
    assert PromptVersion.objects.first().prompt.labels == {"feature": "x"}
    results, status = report("prompt-versions", item | {"template": "Other"})
    assert status == 207
    assert "never changes" in results[0]["error"]


def test_samples_of_one_series_come_together(report):
    report("samples", {"name": "load", "labels": {"host": "a"}, "value": 1}, {"name": "load", "value": 2.5})
    assert Series.objects.count() == 2
    results, status = report("samples", {"name": "load", "samples": [["2001-01-01T00:00:00Z", 1]]})
    assert status == 207
    assert "older than" in results[0]["error"]


def test_a_change_goes_into_the_ledger_once(report):
    item = {"external_id": "c1", "what": "flag", "title": "Reranker on"}
    assert report("changes", item)[0][0]["status"] == "stored"
    assert report("changes", item)[0][0]["status"] == "unchanged"
    assert Event.objects.filter(kind="source:change:reported").count() == 1


def test_the_item_itself_is_kept(report, source):
    report("runs", RUN | {"parameters": {"a": 1}})
    assert RawRecord.objects.get().payload == RUN | {"parameters": {"a": 1}}
    assert Poll.objects.get().bytes_read == len(json.dumps({"items": [RUN | {"parameters": {"a": 1}}]}))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{nope", 400, "malformed"),
        (b'{"items": [{"a": 1, "a": 2}]}', 400, "malformed"),
        (b'{"items": [NaN]}', 400, "malformed"),
        (b"[" * 100_000, 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b'{"items": {}}', 422, "invalid"),
        (b'{"items": []}', 422, "invalid"),
        (b'{"items": [' + b"1," * 1000 + b"1]}", 422, "invalid"),
        (b'{"items": ["' + b"x" * 2**20 + b'"]}', 413, "too_large"),
    ],
    ids=["empty", "broken", "twice", "nan", "deep", "list", "object", "none", "many", "large"],
)
def test_a_body_of_another_shape_is_refused_as_a_whole(source, author, body, status, code):
    response = send("sources/ci/runs", body, token=make_token(author))
    assert response.status_code == status
    error = error_of(response)
    assert error["code"] == code
    assert "answer" not in error["message"].lower()
    assert not Poll.objects.exists()


def test_a_thousand_items_are_one_request(report):
    results, status = report("runs", *(RUN | {"external_id": f"r{n}"} for n in range(1000)))
    assert status == 200
    assert {result["status"] for result in results} == {"stored"}
    assert Run.objects.count() == 1000


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.path)
def test_every_address_wants_its_own_scope(source, author, outsider, noun):
    others = [one.scope for one in NOUNS if one.scope != noun.scope]
    body = {"items": [noun.example]}
    assert send(f"sources/ci/{noun.path}", body, token=make_token(author, *others)).status_code == 403
    assert send(f"sources/ci/{noun.path}", body, token=make_token(author, noun.scope)).status_code in (200, 207)
    assert send(f"sources/ci/{noun.path}", body, token=make_token(outsider, noun.scope)).status_code == 403
    assert send(f"sources/ci/{noun.path}", body).status_code == 401
