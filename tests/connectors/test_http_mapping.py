"""The mapping of a generic source: every mistake is named with what to write, and a bad item is rejected alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.providers.http.connector import HttpConnector
from apps.connectors.providers.http.mapping import read_mappings
from apps.connectors.providers.http.normalize import Read, read_answer, read_items, time_of
from apps.connectors.providers.http.targets import record_class, targets_of
from apps.connectors.records import (
    AlertRecord,
    AlertState,
    ChangeRecord,
    EvaluationRecord,
    Kind,
    PromptVersionRecord,
    RunRecord,
    RunState,
    Score,
    SeriesRecord,
    Trigger,
)
from tests.connectors.conftest import patient
from tests.connectors.http_world import EVERY_KIND, RUN
from tests.connectors.test_prometheus import JSON

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
CHANGE: dict[str, Any] = {
    "kind": "change",
    "fields": {"external_id": "id", "title": "text", "at": "when"},
    "constants": {"what": "flag"},
}


def changed(entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**entry, **changes}


def mapped(item: Any, entry: dict[str, Any]) -> Read:
    return read_items([item], read_mappings([entry])[0], at=AT)


def record(item: Any, entry: dict[str, Any]) -> Any:
    read = mapped(item, entry)
    assert read.rejected == []
    return read.records[0]


def reason(item: Any, entry: dict[str, Any]) -> str:
    read = mapped(item, entry)
    assert read.records == []
    return read.rejected[0].reason


def complaint(mapping: Any, **settings: Any) -> tuple[str, str]:
    """(field, sentence) of the refusal."""
    with pytest.raises(ConfigError) as caught:
        HttpConnector.clean({"url": "https://x.example/", "mapping": mapping, **settings})
    return caught.value.field, caught.value.message


def test_a_run_is_read_with_its_own_word_kept() -> None:
    item = {"id": 7, "job": "nightly", "status": "ERROR", "at": "2026-01-31T09:00:00+01:00"}
    run = record(item, RUN)
    assert isinstance(run, RunRecord)
    assert (run.external_id, run.name, run.state, run.raw_state) == ("7", "nightly #7", RunState.FAILED, "ERROR")
    assert run.updated_at == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert run.raw == item


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("OK", RunState.SUCCEEDED),
        ("ok", RunState.SUCCEEDED),  # the case of a word is no difference
        (None, RunState.RUNNING),
        ("Failed", RunState.FAILED),  # one of ours needs no translation
        ("MELTED", RunState.UNKNOWN),
        (True, RunState.UNKNOWN),
    ],
)
def test_a_word_is_translated_and_a_strange_one_is_unknown(word: Any, state: RunState) -> None:
    run = record({"id": 7, "job": "nightly", "status": word, "at": "2026-01-31T09:00:00Z"}, RUN)
    assert run.state is state
    assert run.raw_state == {None: "null", True: "true"}.get(word, word)


def test_every_state_of_ours_can_be_meant() -> None:
    entry = changed(RUN, states={f"their-{state.value}": state.value for state in RunState})
    for state in RunState:
        item = {"id": 1, "job": "j", "status": f"Their-{state.value}", "at": "2026-01-31T09:00:00Z"}
        assert record(item, entry).state is state


def test_an_alert_of_a_strange_state_is_rejected_because_nothing_stands_for_it() -> None:
    entry = next(one for one in EVERY_KIND if one["kind"] == "alert")
    alert = record({"id": "disk", "is": "raised", "at": "2026-01-31T09:00:00Z"}, entry)
    assert isinstance(alert, AlertRecord)
    assert alert.state is AlertState.FIRING
    assert "“odd” is not among the words" in reason({"id": "d", "is": "odd", "at": "2026-01-31T09:00:00Z"}, entry)


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ({}, "2026-01-31T09:00:00Z"),
        ({}, "2026-01-31T10:00:00.000000001+01:00"),
        ({"times": "seconds"}, 1769850000),
        ({"times": "seconds"}, "1769850000.0"),
        ({"times": "millis"}, 1769850000000),
        ({"zone": "Europe/Berlin"}, "2026-01-31 10:00"),
        ({"times": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, "31.01.2026 10:00"),
        ({"times": "%d.%m.%Y %H:%M %z"}, "31.01.2026 10:00 +0100"),
    ],
)
def test_a_time_is_read_as_declared_and_is_utc(declared: dict[str, str], value: Any) -> None:
    change = record({"id": 1, "text": "x", "when": value}, changed(CHANGE, **declared))
    assert isinstance(change, ChangeRecord)
    assert (change.at, change.at.tzinfo) == (AT, UTC)


@pytest.mark.parametrize(
    ("declared", "value", "words"),
    [
        ({}, "2026-01-31 10:00", "has no offset"),
        ({}, 1769850000, "times: seconds"),
        ({}, "soon", "“soon” is not a time"),
        ({}, None, "at: nothing at `when`"),
        ({}, "", "at: nothing at `when`"),
        ({"times": "seconds"}, "soon", "not readable"),
        ({"times": "seconds"}, 1e300, "out of range"),
        ({"times": "%d.%m.%Y"}, "2026-01-31", "not a time as declared"),
        ({"zone": "Europe/Berlin"}, "0001-01-01 00:00", "out of range"),
        ({"zone": "Europe/Berlin"}, "9999-12-31 23:59", "out of range"),
    ],
)
def test_a_time_that_cannot_be_read_is_never_guessed(declared: dict[str, str], value: Any, words: str) -> None:
    assert words in reason({"id": 1, "text": "x", "when": value}, changed(CHANGE, **declared))


def test_one_bad_item_leaves_its_neighbours_and_keeps_its_identity() -> None:
    items = [{"id": n, "job": "j", "status": "OK", "at": at} for n, at in ((1, "2026-01-31T09:00:00Z"), (2, "soon"))]
    read = read_answer({"jobs": [*items, "text", None]}, read_mappings([RUN]), at=AT)
    assert [one.external_id for one in read.records] == ["1"]
    assert [one.external_id for one in read.rejected] == ["2", "", ""]
    assert read.rejected[1].raw == {"value": "text"}
    assert read.items == 4


def test_children_know_their_parent_without_its_lists() -> None:
    entry = {
        "kind": "run",
        "items": "jobs",
        "children": "builds",
        "fields": {
            "external_id": "join('#', [parent.name, to_string(number)])",
            "pipeline_external_id": "parent.name",
            "name": "parent.name",
            "state": "building && 'RUNNING' || result",
            "updated_at": "timestamp",
        },
        "states": {"SUCCESS": "succeeded"},
        "times": "millis",
    }
    build = {"number": 3, "result": "SUCCESS", "building": False, "timestamp": 1769850000000}
    read = read_answer({"jobs": [{"name": "a", "builds": [build]}, {"name": "b"}]}, read_mappings([entry]), at=AT)
    assert [(one.external_id, one.state) for one in read.records] == [("a#3", RunState.SUCCEEDED)]
    assert read.records[0].raw["parent"] == {"name": "a"}
    odd = read_answer({"jobs": [{"name": "a", "builds": "none"}]}, read_mappings([entry]), at=AT)
    assert odd.rejected[0].reason == "children: “none” is no list"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"builds": [], "count": 0}, "there is nothing at `jobs`; the answer is an object with builds, count"),
        ([], "the answer is a list of 0"),
        ([{"id": 1}], "a list of 1; the first is an object with id"),
        ({"jobs": "none"}, "no list and no object at `jobs`, but “none”"),
        (None, "the answer is null"),
    ],
)
def test_a_path_that_finds_nothing_is_an_error_that_describes_the_answer(answer: Any, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_answer(answer, read_mappings([RUN]), at=AT)
    assert caught.value.error_class is ErrorClass.SCHEMA
    assert words in caught.value.message


def test_a_list_that_may_be_missing_can_be_said_in_the_expression() -> None:
    assert read_answer({}, read_mappings([changed(RUN, items="jobs || `[]`")]), at=AT).records == []


def test_a_status_document_becomes_series_of_the_moment() -> None:
    entry = {"kind": "series", "items": "queue", "fields": {"external_id": "name", "name": "name", "value": "depth"}}
    series = record({"name": "in", "depth": "7"}, entry)
    assert isinstance(series, SeriesRecord)
    assert series.samples == ((AT, 7.0),)
    assert time_of(series) == AT


def test_samples_come_as_pairs_or_as_objects_and_are_put_in_order() -> None:
    entry = {
        "kind": "series",
        "times": "seconds",
        "fields": {"external_id": "id", "name": "id", "samples": "points"},
        "constants": {"measure": "throughput", "series_kind": "counter"},
    }
    series = record({"id": "a", "points": [{"at": 1769850060, "value": 2}, [1769850000, True]]}, entry)
    assert [value for _, value in series.samples] == [1.0, 2.0]
    assert "neither [time, value]" in reason({"id": "a", "points": [1]}, entry)
    assert "there is no number" in reason({"id": "a", "points": []}, entry)


def test_scores_messages_and_amounts_have_their_own_readers() -> None:
    evaluation = next(one for one in EVERY_KIND if one["kind"] == "evaluation")
    scores = [{"scorer": "exact", "value": "0.5", "passed": "no", "case": "c1", "count": 3}]
    told = record({"id": "e", "suite": "faq", "at": "2026-01-31T09:00:00Z", "scores": scores}, evaluation)
    assert isinstance(told, EvaluationRecord)
    assert told.scores == (Score(scorer="exact", value=0.5, case="c1", passed=False, count=3),)
    prompt = {
        "kind": "prompt_version",
        "fields": {"external_id": "id", "prompt_external_id": "p", "number": "n", "created_at": "at", "messages": "m"},
    }
    item = {"id": "p/1", "p": "p", "n": "1", "at": "2026-01-31T09:00:00Z", "m": [{"role": "user", "content": "Hi"}]}
    version = record(item, prompt)
    assert isinstance(version, PromptVersionRecord)
    assert version.messages == ({"role": "user", "content": "Hi"},)
    costs = changed(RUN, fields={**RUN["fields"], "cost": "cost", "rows_out": "rows", "trigger": "by"})
    costs["triggers"] = {"timer": "schedule"}
    item = {"id": 1, "job": "j", "status": "OK", "at": "2026-01-31T09:00:00Z", "rows": "", "by": "timer"}
    run = record({**item, "cost": "0.10"}, costs)
    assert (run.cost, run.rows_out, run.trigger) == (Decimal("0.10"), None, Trigger.SCHEDULE)
    assert "rows_out: “many” is no whole number" in reason({**item, "rows": "many"}, costs)
    assert "cost: “NaN” is no amount" in reason({**item, "cost": "NaN"}, costs)


def test_labels_leave_out_what_is_not_there() -> None:
    entry = changed(CHANGE, labels={"component": "service", "environment": "'prod'", "team": "owner.name"})
    change = record({"id": 1, "text": "x", "when": "2026-01-31T09:00:00Z", "service": 5}, entry)
    assert change.labels == {"component": "5", "environment": "prod"}


def test_an_expression_that_fails_on_an_item_rejects_it_with_the_reason() -> None:
    entry = changed(CHANGE, fields={**CHANGE["fields"], "url": "join('/', [base, path])"})
    said = reason({"id": 1, "text": "x", "when": "2026-01-31T09:00:00Z", "base": "https://x"}, entry)
    assert said.startswith("url: `join('/', [base, path])` fails here")


def test_an_address_that_no_page_may_link_to_is_left_out() -> None:
    entry = changed(CHANGE, fields={**CHANGE["fields"], "url": "link"})
    assert record({"id": 1, "text": "x", "when": "2026-01-31T09:00:00Z", "link": "javascript:x"}, entry).url == ""


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("runs", "must be a list"),
        (["run"], "Mapping 1 is no object"),
        ([{"items": "a"}], "it has no kind. The kinds are alert, change"),
        ([{"kind": "runn"}], "“runn” is no kind; did you mean “run”"),
        ([changed(RUN, itemz="x")], "Mapping 1 (run): “itemz” means nothing here; did you mean “items”"),
        (
            [changed(CHANGE, fields={**CHANGE["fields"], "titel": "x"})],
            "“titel” is no field of it; did you mean “title”",
        ),
        (
            [{"kind": "change", "fields": {"external_id": "id"}}],
            "needs “what” and “title” and “at”; write `fields: {what:",
        ),
        ([changed(CHANGE, fields={**CHANGE["fields"], "title": "a["})], "`fields.title` is no JMESPath expression"),
        ([changed(CHANGE, fields={**CHANGE["fields"], "title": "joined('', a)"})], "did you mean “join”"),
        ([changed(CHANGE, fields={**CHANGE["fields"], "title": 5})], "put a fixed value under `constants`"),
        ([changed(CHANGE, fields={**CHANGE["fields"], "title": "x" * 501})], "longer than 500"),
        ([changed(CHANGE, fields=["id"])], "`fields` must be an object"),
        ([changed(CHANGE, fields={**CHANGE["fields"], "what": "x"})], "under `fields` and under `constants`; keep one"),
        ([changed(CHANGE, constants={"what": ""})], "the constant “what” is empty"),
        ([changed(CHANGE, states={"a": "failed"})], "have no state; remove `states`"),
        ([changed(RUN, triggers={"a": "cron"})], "`triggers.a` is “cron”, which is none of ours"),
        ([changed(RUN, states={"OK": "success"})], "`states.OK` is “success”, which is none of ours"),
        ([changed(RUN, fields={**RUN["fields"], "labels": "tags"})], "labels have their own key"),
        ([changed(RUN, fields={**RUN["fields"], "raw_state": "s"})], "raw_state is kept by itself"),
        ([changed(RUN, constants={"attempts": "many"})], "the constant “attempts” cannot be used"),
        ([changed(RUN, times="unix")], "`times` is iso, seconds, millis"),
        ([changed(RUN, zone="Middle-earth")], "“Middle-earth” is no time zone"),
        ([changed(RUN, complete="yes")], "`complete` is true or false"),
        ([changed(CHANGE, complete=True)], "`complete` means nothing for it"),
        ([{"kind": "series", "fields": {"external_id": "a", "name": "a"}}], "needs “value”"),
        ([{"kind": "task_run", "fields": {}, "labels": {"a": "b"}}], "needs “external_id”"),
        ([changed(CHANGE)] * 31, "At most 30"),
    ],
)
def test_a_mistake_in_the_mapping_is_named_with_what_to_write(mapping: Any, words: str) -> None:
    field, sentence = complaint(mapping)
    assert field == "mapping"
    assert words in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_field_of_every_record_can_be_mapped(kind: Kind) -> None:
    """A field of a new type must get its reader; the identity and what news are ordered by are among them."""
    names = set(targets_of(kind))
    assert "external_id" in names
    assert "raw" not in names
    assert getattr(record_class(kind), "kind") is kind  # noqa: B009 - class variables without annotations


@patient
@given(JSON)
def test_nothing_that_a_source_sends_breaks_the_reading(value: Any) -> None:
    for entry in EVERY_KIND:
        mapping = read_mappings([changed(entry, items="@")])[0]
        read = read_items(value if isinstance(value, list) else [value], mapping, at=AT)
        assert all(one.reason for one in read.rejected)


@patient
@given(st.sampled_from(sorted(RUN["fields"])), JSON)
def test_any_value_in_any_field_is_read_or_rejected_with_a_reason(name: str, value: Any) -> None:
    good = {"id": 7, "job": "j", "status": "OK", "at": "2026-01-31T09:00:00Z"}
    entry = changed(RUN, fields={key: key if key == name else text for key, text in RUN["fields"].items()})
    read = mapped({**good, name: value}, entry)
    assert len(read.records) + len(read.rejected) == 1


@patient
@given(JSON)
def test_any_mapping_is_taken_or_refused_in_words(value: Any) -> None:
    try:
        cleaned = HttpConnector.clean({"url": "https://x.example/", "mapping": value})
    except ConfigError as error:
        said = error.message
    else:
        said = "" if cleaned["mapping"] == value else "it was changed"
    assert not said or said.endswith(".")
