"""Every rule by table: what it scores, what it refuses, and that a bad pattern cannot hold anything up."""

from __future__ import annotations

import json
import time

import pytest

from apps.evaluations.scorers.base import Answer
from apps.evaluations.scorers.judge import QUESTION, pinned_name, question_of, read_reply
from apps.evaluations.scorers.patience import is_found
from apps.evaluations.scorers.registry import (
    SCORERS,
    check_case,
    clean_scorers,
    expected_by,
    judge_of,
    score_case,
)

SCHEMA = {"type": "object", "required": ["reply"], "properties": {"reply": {"type": "string", "pattern": "^Dear"}}}


def scored(kind, text, expected=None, *, latency_ms=0.0, cost=0.0, **options):
    (setting,) = clean_scorers([{"kind": kind, "options": options}])
    return score_case(setting, Answer(text=text, latency_ms=latency_ms, cost=cost), {kind: expected})


@pytest.mark.parametrize(
    ("kind", "text", "expected", "options", "value"),
    [
        ("exact", " 30 days\n", "30 days", {}, 1.0),
        ("exact", "30 Days", "30 days", {}, 0.0),
        ("exact", "30 Days", "30 days", {"ignore_case": True}, 1.0),
        ("exact", "b", ["a", "b"], {}, 1.0),
        ("contains", "You have 30 DAYS to return it", "30 days", {}, 1.0),
        ("contains", "You have 30 DAYS to return it", "30 days", {"ignore_case": False}, 0.0),
        ("contains", "a b", ["a", "b", "c", "d"], {}, 0.5),
        ("contains", "all good", {"none": ["voucher"]}, {}, 1.0),
        ("contains", "a Voucher for you", {"all": ["you"], "none": ["voucher"]}, {}, 0.0),
        ("regex", "Order 4711 is late", r"\b\d{4}\b", {}, 1.0),
        ("regex", "no number", r"\d", {}, 0.0),
        ("json_schema", '{"reply": "Dear Ada"}', SCHEMA, {}, 1.0),
        ("json_schema", '```json\n{"reply": "Dear Ada"}\n```', SCHEMA, {}, 1.0),
        ("json_schema", '{"reply": "Hi"}', SCHEMA, {}, 0.0),
        ("json_schema", '{"other": 1}', SCHEMA, {}, 0.0),
        ("json_schema", "Dear Ada", SCHEMA, {}, 0.0),
        ("json_schema", "{}", {"$ref": "http://127.0.0.1:1/schema"}, {}, 0.0),
        ("numeric", "It costs 1,299.50 euro", 1299.5, {}, 1.0),
        ("numeric", "about 98", 100, {"absolute": 2}, 1.0),
        ("numeric", "about 97", 100, {"absolute": 2}, 0.0),
        ("numeric", "104", "100", {"relative": 0.05}, 1.0),
        ("numeric", "-5", 5, {}, 0.0),
        ("numeric", "none at all", 5, {}, 0.0),
        ("length", "x" * 100, None, {"most": 100}, 1.0),
        ("length", "x" * 200, None, {"most": 100}, 0.5),
        ("length", "xx", None, {"least": 4, "most": 100}, 0.5),
        ("similarity", "the refund takes five days", "The refund takes five days.", {}, 1.0),
        ("similarity", "days five takes refund the", "the refund takes five days", {"method": "words"}, 1.0),
        ("similarity", "zzz", "the refund takes five days", {}, 0.0),
    ],
)
def test_a_rule_scores(kind, text, expected, options, value):
    found = scored(kind, text, expected, **options)
    assert found.value == pytest.approx(value, abs=0.06 if kind == "similarity" and not value else 1e-9)
    assert found.is_passed is (value == 1.0)


def test_limits_fall_off_with_what_they_measure():
    assert scored("latency", "", latency_ms=3_000, most_ms=3_000).value == 1.0
    assert scored("latency", "", latency_ms=6_000, most_ms=3_000).value == pytest.approx(0.5)
    assert scored("cost", "", cost=0.04, most_usd=0.01).value == pytest.approx(0.25)
    assert not scored("cost", "", cost=0.04, most_usd=0.01).is_passed


def test_similarity_passes_from_the_wanted_share_on():
    found = scored("similarity", "the refund takes six days", "the refund takes five days", least=0.8)
    assert found.is_passed
    assert 0.8 < found.value < 1.0


def test_a_pattern_that_would_run_for_years_is_ended():
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"took more than 0\.3 seconds"):
        is_found(r"^(a+)+$", "a" * 60 + "!", seconds=0.3)
    assert time.monotonic() - began < 20


def test_a_pattern_that_takes_too_long_fails_its_case_with_a_word(monkeypatch):
    from apps.evaluations.scorers import regex

    monkeypatch.setattr(regex, "is_found", lambda pattern, text: is_found(pattern, text, seconds=0.2))
    found = scored("regex", "a" * 60 + "!", r"^(a+)+$")
    assert (found.value, found.is_passed) == (0.0, False)
    assert "took more than" in found.comment


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ([], "at least one scorer"),
        ([{"kind": "magic"}], "There is no scorer magic"),
        ([{"kind": "exact", "options": {"x": 1}}], "There is no option x"),
        ([{"kind": "exact"}, {"kind": "exact"}], "Two scorers are called exact"),
        ([{"kind": "length", "options": {"least": 9, "most": 2}}], "least must not be more than most"),
        ([{"kind": "numeric", "options": {"absolute": -1}}], "must be a number from 0"),
        ([{"kind": "judge", "options": {"endpoint": "e"}}], "model must name the judging model"),
        ([{"kind": "judge", "options": {"endpoint": "e", "model": "m", "question": "?"}}], "must contain {{output}}"),
        ([{"kind": "similarity", "options": {"method": "magic"}}], "method must be one of"),
        ([{"kind": "exact", "colour": 1}], "colour is unknown"),
    ],
)
def test_a_bad_setting_is_refused_with_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        clean_scorers(settings)


@pytest.mark.parametrize(
    ("kind", "expected", "sentence"),
    [
        ("exact", None, "needs something expected"),
        ("exact", {"exact": 5}, "expects a text"),
        ("regex", "(", "no valid regular expression"),
        ("json_schema", {"json_schema": {"type": "nothing"}}, "no valid JSON Schema"),
        ("json_schema", {"json_schema": {"patternProperties": {}}}, "patternProperties"),
        ("numeric", "many", "expects a number"),
        ("contains", {"contains": {"some": ["a"]}}, "expects a text"),
    ],
)
def test_a_case_that_a_scorer_cannot_use_is_refused(kind, expected, sentence):
    settings = clean_scorers([{"kind": kind}])
    with pytest.raises(ValueError, match=sentence):
        check_case(settings, expected, [])


def test_a_scorer_for_some_tags_asks_nothing_of_other_cases():
    settings = clean_scorers([{"kind": "exact", "only": ["facts"]}])
    check_case(settings, None, ["other"])
    with pytest.raises(ValueError, match="needs something"):
        check_case(settings, None, ["facts"])


def test_an_expectation_may_name_scorers():
    setting = {"name": "fact", "kind": "contains"}
    assert expected_by(setting, "x") == "x"
    assert expected_by(setting, {"fact": "a", "contains": "b"}) == "a"
    assert expected_by(setting, {"contains": "b"}) == "b"


def test_a_judge_is_pinned_by_its_model_and_its_question():
    judge = {"kind": "judge", "options": {"endpoint": "e", "model": "grader-2"}}
    first, other = clean_scorers([judge]), clean_scorers([judge])
    other[0]["options"]["question"] = "Is {{output}} good?"
    assert judge_of(first).startswith("grader-2 · ")
    assert judge_of(first) == pinned_name(first[0]["options"])
    assert judge_of(other) != judge_of(first)
    assert judge_of(clean_scorers([{"kind": "length"}])) == ""


def test_a_judge_is_asked_with_the_answer_filled_in_once():
    (message,) = question_of(
        inputs={"question": "Why?"}, expected="x", output="{{expected}}", options={"question": QUESTION}
    )
    assert "question: Why?" in message["content"]
    assert "Answer to grade:\n{{expected}}" in message["content"]


@pytest.mark.parametrize(
    ("reply", "value"),
    [('{"score": 0.8, "reason": "good"}', 0.8), ('Sure:\n```json\n{"score": 0}\n```', 0.0), ('{"score": 1}', 1.0)],
)
def test_a_judges_reply_is_read(reply, value):
    assert read_reply(reply, {"least": 0.7}).value == value


@pytest.mark.parametrize("reply", ["", "great", '{"score": "high"}', '{"score": 7}', '{"score": true}', "{"])
def test_a_judge_without_a_score_is_no_pass(reply):
    with pytest.raises(ValueError, match="gave no score"):
        read_reply(reply, {})


def test_the_registry_knows_every_kind_by_its_own_name():
    assert all(kind == scorer.kind for kind, scorer in SCORERS.items())
    assert all(scorer.summary.endswith(".") for scorer in SCORERS.values())
    assert json.dumps(clean_scorers([{"kind": "length"}]))
