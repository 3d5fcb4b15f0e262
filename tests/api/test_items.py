"""Reading items: every word of the vocabulary, every mistake with what to mend, and nothing that breaks the reader."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.api.nouns import NOUNS
from apps.connectors.providers.push import readers
from apps.connectors.providers.push.normalize import read_items
from apps.connectors.records import DeploymentState, RunState, Trigger

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
RUN = {"external_id": "r1", "pipeline": "nightly", "state": "running"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
READERS = [noun.reader for noun in NOUNS]


def read(reader, item: Any, **known: Any):
    (found,) = read_items(reader, [item], at=AT, **known)
    return found


def reason(reader, item: Any) -> str:
    found = read(reader, item)
    assert found.records == ()
    assert found.rejected is not None
    return found.rejected.reason


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.path)
def test_the_example_of_every_noun_can_be_read(noun):
    found = read(noun.reader, noun.example)
    assert found.rejected is None
    assert found.records[-1].kind == noun.reader.kind
    assert found.records[-1].raw == noun.example


@pytest.mark.parametrize("state", RunState)
def test_every_state_of_a_run_is_taken(state):
    (record,) = read(readers.RUNS, RUN | {"state": str(state)}).records
    assert (record.state, record.raw_state) == (state, str(state))
    assert (record.finished_at is not None) == (state in RunState and str(state) in readers.OVER)
    assert (record.started_at == AT) == (state is RunState.RUNNING)


@pytest.mark.parametrize("state", DeploymentState)
def test_every_state_of_a_deployment_is_taken(state):
    item = {"external_id": "d", "component": "c", "environment": "e", "revision": "r", "state": str(state)}
    (record,) = read(readers.DEPLOYMENTS, item).records
    assert (record.state, record.started_at, record.updated_at) == (state, AT, AT)


@pytest.mark.parametrize("trigger", Trigger)
def test_every_trigger_is_taken(trigger):
    assert read(readers.RUNS, RUN | {"trigger": str(trigger)}).records[0].trigger == trigger


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"external_id": None}, "external_id: input should be a valid string."),
        ({"external_id": " "}, "external_id: string should have at least 1 character."),
        ({"external_id": "x" * 513}, "external_id: string should have at most 512 characters."),
        ({"pipelin": "x"}, "pipelin: there is no such field; did you mean pipeline?"),
        ({"zzz": 1}, "zzz: there is no such field."),
        ({"started_at": "yesterday"}, "started_at: “yesterday” is not a time."),
        ({"started_at": "2026-11-24T10:00:00"}, "started_at: the time “2026-11-24T10:00:00” has no time zone."),
        ({"started_at": "1970-01-01T00:00:00Z"}, "started_at: a time is out of range."),
        ({"started_at": 1_700_000_000}, "started_at: a time is missing."),
        ({"url": "javascript:alert(1)"}, "url: it must begin with https:// or http://."),
        ({"attempts": -1}, "attempts: input should be greater than or equal to 0."),
        ({"labels": {"a": [1]}}, "labels.a: input should be a valid string."),
        ({"state": "exploded", "rows_in": "many"}, "; rows_in: input should be a valid integer"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_is_named_with_its_field(change, sentence):
    assert sentence in reason(readers.RUNS, RUN | change)


@pytest.mark.parametrize("item", [None, 1, "text", [], [RUN]])
def test_what_is_no_object_is_refused(item):
    assert reason(readers.RUNS, item) == "it is not an object."


def test_numbers_are_taken_as_ids_and_label_values():
    (record,) = read(readers.RUNS, RUN | {"external_id": 4711, "labels": {"shard": 3}, "cost": 0.125}).records
    assert (record.external_id, record.labels, record.cost) == ("4711", {"shard": "3"}, Decimal("0.125"))


def test_a_version_says_a_text_or_messages():
    version = {"prompt": "greeting", "number": 1}
    for wrong in ({}, {"template": "Hi", "messages": [{"role": "user", "content": "Hi"}]}):
        assert "give either template or messages" in reason(readers.PROMPT_VERSIONS, version | wrong)
    prompt, label, record = read(
        readers.PROMPT_VERSIONS, version | {"messages": [{"role": "user", "content": "Hi"}], "aliases": ["live"]}
    ).records
    assert (prompt.external_id, label.external_id, record.external_id) == ("greeting", "greeting@live", "greeting:1")
    assert record.messages == ({"role": "user", "content": "Hi"},)


def test_a_sample_has_a_value_or_samples():
    assert "give either value or samples" in reason(readers.SAMPLES, {"name": "load"})
    (record,) = read(readers.SAMPLES, {"name": "load", "value": 2}).records
    assert record.samples == ((AT, 2.0),)
    many = [["2026-11-24T09:02:00Z", 2], ["2026-11-24T09:01:00Z", 1]]
    (record,) = read(readers.SAMPLES, {"name": "load", "samples": many}).records
    assert [value for _, value in record.samples] == [1.0, 2.0]


def test_a_series_without_an_id_is_known_by_name_and_labels():
    one, two, other = (
        read(readers.SAMPLES, {"name": "load", "value": 1, "labels": labels}).external_id
        for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "1"})
    )
    assert one == two != other


def test_scores_of_an_evaluation_are_read():
    item = {"external_id": "e", "suite": "s", "scores": [{"scorer": "x", "value": 1}, {"scorer": "x", "value": "?"}]}
    assert "scores[1].value: input should be a valid number" in reason(readers.EVALUATIONS, item)
    item["scores"].pop()
    (record,) = read(readers.EVALUATIONS, item).records
    assert (record.scores[0].scorer, record.state, record.finished_at) == ("x", RunState.SUCCEEDED, AT)


def test_what_is_known_fills_what_is_left_out_and_nothing_else():
    known = {("", "r1"): {"triggered_by": "ann", "name": "first", "started_at": "2026-11-24T09:00:00+00:00"}}
    (record,) = read(readers.RUNS, RUN | {"name": "second"}, known=known).records
    assert (record.triggered_by, record.name, record.started_at.hour) == ("ann", "second", 9)
    assert record.raw == RUN | {"name": "second"}


@given(item=JSON)
def test_no_json_breaks_a_reader(item):
    for reader in READERS:
        found = read(reader, item)
        assert bool(found.records) != (found.rejected is not None)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(reader=st.sampled_from(READERS), data=st.data())
def test_no_value_of_a_known_field_breaks_a_reader(reader, data):
    fields = sorted(reader.item.model_fields)
    item = data.draw(st.dictionaries(st.sampled_from(fields), JSON, max_size=8))
    found = read(reader, item)
    assert bool(found.records) != (found.rejected is not None)
