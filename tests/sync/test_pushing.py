"""What a system reports by itself: stored like a poll, answered record by record, all of it or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.connectors.records import (
    AlertRecord,
    AlertState,
    ChangeRecord,
    DeploymentRecord,
    DeploymentState,
    EvaluationRecord,
    Kind,
    PipelineRecord,
    PromptLabelRecord,
    PromptRecord,
    PromptVersionRecord,
    Rejected,
    RunRecord,
    RunState,
    SeriesRecord,
    TaskRunRecord,
)
from apps.events.models import Event
from apps.health.models import FeatureHealth
from apps.pipelines.models import Run
from apps.sources import queries, services
from apps.sources.models import DeadLetter, Poll, RawRecord, SourceState
from apps.sync import pushing
from apps.sync.claims import claim_due_sources
from apps.sync.pushing import Fate, PushRefusedError, store_push
from tests.factories import make_component, make_feature, make_source

NOW = datetime.now(UTC)


def push_source(**fields):
    return make_source(**{"connector": "push", "is_polled": False} | fields)


def run(number=1, state=RunState.SUCCEEDED, **fields) -> RunRecord:
    defaults = {"pipeline_external_id": "nightly", "name": f"run {number}", "raw_state": "ok", "updated_at": NOW}
    return RunRecord(external_id=f"run-{number}", state=state, raw={"n": number}, **defaults | fields)


def fates(told) -> list[str]:
    return [one.fate.value for one in told]


EVERY_KIND = [
    PipelineRecord(external_id="nightly", name="Nightly"),
    run(),
    TaskRunRecord(
        external_id="t1", run_external_id="run-1", name="load", state=RunState.SUCCEEDED, raw_state="", updated_at=NOW
    ),
    DeploymentRecord(
        external_id="d1", component="ranker", environment="production", revision="abc", raw_state="",
        state=DeploymentState.SUCCEEDED, started_at=NOW, updated_at=NOW,
    ),
    PromptRecord(external_id="greeting", name="greeting"),
    PromptVersionRecord(
        external_id="greeting:1", prompt_external_id="greeting", number=1, created_at=NOW, template="Hi"
    ),
    PromptLabelRecord(external_id="greeting@live", prompt_external_id="greeting", name="live", number=1),
    SeriesRecord(external_id="s1", name="latency", samples=((NOW - timedelta(minutes=1), 1.5),)),
    AlertRecord(external_id="a1", name="Slow", state=AlertState.FIRING, severity="page", started_at=NOW),
    ChangeRecord(external_id="c1", what="flag", title="Reranker on", at=NOW),
]  # fmt: skip


def test_every_kind_is_stored_once_and_then_unchanged(db):
    source = push_source()
    assert fates(store_push(source=source, records=EVERY_KIND)) == ["stored"] * len(EVERY_KIND)
    assert fates(store_push(source=source, records=EVERY_KIND)) == ["unchanged"] * len(EVERY_KIND)


def test_the_answer_says_which_of_them_was_new(db):
    source = push_source()
    store_push(source=source, records=[run(1)])
    assert fates(store_push(source=source, records=[run(1), run(2)])) == ["unchanged", "stored"]


def test_older_news_of_a_run_is_unchanged(db):
    source = push_source()
    store_push(source=source, records=[run(1)])
    older = run(1, RunState.RUNNING, updated_at=NOW - timedelta(minutes=5))
    assert fates(store_push(source=source, records=[older])) == ["unchanged"]
    assert Run.objects.get().state == RunState.SUCCEEDED


def test_one_bad_record_is_refused_alone_and_kept_as_a_letter(db):
    source = push_source()
    odd = TaskRunRecord(
        external_id="t9", run_external_id="never", name="x", state=RunState.RUNNING, raw_state="", updated_at=NOW
    )
    told = store_push(source=source, records=[run(1), odd])
    assert fates(told) == ["stored", "refused"]
    assert "not known" in told[1].reason
    assert DeadLetter.objects.get().external_id == "t9"


def test_an_evaluation_is_answered_whether_it_has_a_home_or_not(db):
    record = EvaluationRecord(
        external_id="e1", suite="golden", state=RunState.SUCCEEDED, raw_state="passed", updated_at=NOW
    )
    assert len(store_push(source=push_source(), records=[record, run(1)])) == 2
    assert Run.objects.count() == 1


def test_what_could_not_be_read_is_kept_and_answers_no_record(db):
    bad = Rejected(kind=Kind.RUN, external_id="run-1", reason="state is missing", raw={"n": 1})
    source = push_source()
    assert fates(store_push(source=source, records=[run(2)], rejected=[bad])) == ["stored"]
    assert DeadLetter.objects.get().reason == "state is missing"
    assert Poll.objects.get().rejected == 1
    store_push(source=source, records=[run(1)])
    assert not DeadLetter.objects.exists()


def test_the_source_is_heard_and_its_page_has_a_row(db):
    source = push_source()
    SourceState.objects.filter(source=source).update(failures=3, error="x", error_class="timeout", failing_since=NOW)
    store_push(source=source, records=[run(1)], bytes_read=120)
    state = SourceState.objects.get(source=source)
    assert state.last_success_at == state.last_change_at == state.last_attempt_at
    assert (state.failures, state.error, state.failing_since) == (0, "", None)
    row = Poll.objects.get()
    assert (row.outcome, row.fetched, row.requests, row.bytes_read) == ("succeeded", 1, 1, 120)
    assert RawRecord.objects.get().payload == {"n": 1}


def test_a_heartbeat_is_heard_and_changes_nothing(db):
    source = push_source()
    assert store_push(source=source) == []
    state = SourceState.objects.get(source=source)
    assert state.last_success_at is not None
    assert state.last_change_at is None


def test_the_reports_of_a_minute_share_a_row(db):
    source = push_source()
    store_push(source=source, records=[run(1)], bytes_read=10)
    store_push(source=source, records=[run(2), run(3)], bytes_read=20)
    row = Poll.objects.get()
    assert (row.requests, row.fetched, row.bytes_read) == (2, 3, 30)
    Poll.objects.update(started_at=row.started_at - timedelta(minutes=2))
    store_push(source=source, records=[run(4)])
    assert Poll.objects.count() == 2


def test_a_pushed_failure_is_told_and_judged(db, django_capture_on_commit_callbacks):
    feature = make_feature()
    make_component(slug="ranker", feature=feature)
    record = PipelineRecord(external_id="nightly", name="Nightly", labels={"component": "ranker"})
    with django_capture_on_commit_callbacks(execute=True):
        store_push(source=push_source(), records=[record, run(1, RunState.FAILED)])
    assert Event.objects.get(kind="pipelines:run:failed").feature == feature
    assert FeatureHealth.objects.filter(feature=feature).exists()


def test_a_paused_source_takes_nothing(db):
    with pytest.raises(PushRefusedError, match="paused"):
        store_push(source=push_source(is_enabled=False), records=[run(1)])
    assert not Run.objects.exists()


def test_a_polled_source_takes_nothing(db):
    with pytest.raises(PushRefusedError, match="is polled"):
        store_push(source=make_source(), records=[run(1)])


def test_nothing_is_half_written_when_storing_breaks_off(db, monkeypatch):
    def broken(**_):
        raise RuntimeError

    monkeypatch.setattr(pushing, "_note_heard", lambda *_, **__: broken())
    with pytest.raises(RuntimeError):
        store_push(source=push_source(), records=EVERY_KIND)
    assert not Run.objects.exists()
    assert not Event.objects.exists()
    assert not RawRecord.objects.exists()


def test_a_source_that_reports_is_never_claimed_nor_polled_on_request(db, author):
    source = push_source()
    at = queries.database_time()
    assert claim_due_sources(at=at) == []
    assert not services.request_poll(source=source, at=at, actor=author)
    assert queries.telemetry(at=at + timedelta(hours=1))["portal_poll_lag_seconds"] == 0.0


def test_fates_are_the_three_words_of_the_api():
    assert [fate.value for fate in Fate] == ["stored", "unchanged", "refused"]
