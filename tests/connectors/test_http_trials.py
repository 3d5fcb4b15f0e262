"""The tests that are kept beside a mapping: one that fails says the difference in words, and nothing is saved."""

from __future__ import annotations

from typing import Any

import pytest

from apps.connectors.errors import ConfigError
from apps.connectors.providers.http.connector import HttpConnector
from tests.connectors.http_world import EVERY_KIND, RUN

GOOD = {"id": 7, "job": "nightly", "status": "ERROR", "at": "2026-01-31T10:00:00+01:00"}


def clean(*tests: Any, mapping: Any = None, **config: Any) -> dict[str, Any]:
    return HttpConnector.clean(
        {"url": "https://x.example/", "mapping": mapping or [RUN], "tests": list(tests), **config}
    )


def complaint(*tests: Any, **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        clean(*tests, **more)
    assert caught.value.field == "tests"
    assert caught.value.message.endswith(".")
    return caught.value.message


@pytest.mark.parametrize(
    "expected",
    [
        {"external_id": "7", "state": "failed", "raw_state": "ERROR"},
        {"external_id": 7, "updated_at": "2026-01-31T09:00:00Z", "finished_at": None},
        {"kind": "run", "name": "nightly #7", "attempts": 1, "labels": {}},
        {},
    ],
)
def test_a_record_agrees_when_the_named_fields_do(expected: dict[str, Any]) -> None:
    assert clean({"name": "a failure", "given": GOOD, "expect": [expected]})["tests"]


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (
            {"given": GOOD, "expect": [{"state": "succeeded"}]},
            "Test 1, record 1: state is “failed”, expected is “succeeded”",
        ),
        (
            {"name": "noon", "given": GOOD, "expect": [{"updated_at": "2026-01-31T12:00:00Z"}]},
            "Test 1 (noon), record 1: updated_at is 2026-01-31T09:00:00Z, expected is “2026-01-31T12:00:00Z”",
        ),
        ({"given": GOOD, "expect": [{"updated_at": "noon"}]}, "expected is “noon”"),
        ({"given": GOOD, "expect": [{"attempts": True}]}, "attempts is 1, expected is true"),
        ({"given": GOOD, "expect": [{"finished_at": "2026-01-31T09:00:00Z"}]}, "finished_at is nothing"),
        ({"given": GOOD, "expect": []}, "expects 0 records, and the mapping makes 1 (run 7)"),
        ({"given": [], "expect": [{}]}, "expects 1 records, and the mapping makes none"),
        ({"given": GOOD, "expect": [{"stat": "x"}]}, "“stat” is no field of it; did you mean “state”"),
        (
            {"given": {"id": 7}, "expect": [{"external_id": "7"}]},
            "record 1 is rejected: pipeline_external_id: nothing at",
        ),
        ({"given": {"id": 7}, "expect": [{"rejected": "moon"}]}, "is rejected for another reason"),
        ({"given": GOOD, "expect": [{"rejected": "x"}]}, "is read as run 7; expected is that it is rejected"),
        ({"given": GOOD, "expect": [{"kind": "change"}]}, "expects a change, and no mapping makes one"),
        ({"answer": {"builds": []}, "expect": []}, "there is nothing at `jobs`; the answer is an object with builds"),
        ({"given": GOOD, "answer": {}, "expect": []}, "needs `given` (an item or a list of items) or `answer`"),
        ({"given": GOOD, "expect": {"state": "failed"}}, "needs `expect`: a list"),
        ({"given": GOOD, "expects": []}, "“expects” means nothing here; did you mean “expect”"),
        ("x", "Test 1 is no object"),
    ],
)
def test_a_difference_is_said_in_words(test: Any, words: str) -> None:
    assert words in complaint(test)


def test_a_rejection_can_be_expected() -> None:
    clean({"given": [GOOD, {**GOOD, "at": "soon"}], "expect": [{"state": "failed"}, {"rejected": "is not a time"}]})


def test_a_whole_answer_goes_through_every_mapping() -> None:
    answer = {"jobs": [{**GOOD, "steps": [{"name": "load"}]}]}
    steps = next(entry for entry in EVERY_KIND if entry["kind"] == "task_run")
    clean(
        {"answer": answer, "expect": [{"kind": "run"}, {"kind": "task_run", "external_id": "7/load"}]},
        mapping=[RUN, steps],
    )
    words = complaint({"answer": answer, "expect": [{"kind": "task_run"}, {"kind": "run"}]}, mapping=[RUN, steps])
    assert "record 1 is a run; expected is a task_run" in words


def test_items_go_through_the_mappings_of_the_expected_kinds_only() -> None:
    prompts = [entry for entry in EVERY_KIND if entry["kind"].startswith("prompt")]
    clean({"given": {"name": "greeting"}, "expect": [{"kind": "prompt", "external_id": "greeting"}]}, mapping=prompts)


def test_samples_scores_and_labels_are_compared_by_value() -> None:
    series = next(entry for entry in EVERY_KIND if entry["kind"] == "series")
    item = {"name": "depth", "value": 4, "queue": "in", "at": "2026-01-31T09:00:00Z"}
    expected = {"samples": [["2026-01-31T10:00:00+01:00", 4.0]], "labels": {"queue": "in"}}
    clean({"given": item, "expect": [expected]}, mapping=[series])
    assert "labels is" in complaint({"given": item, "expect": [{"labels": {"queue": "out"}}]}, mapping=[series])
    evaluation = next(entry for entry in EVERY_KIND if entry["kind"] == "evaluation")
    item = {"id": 1, "suite": "faq", "at": "2026-01-31T09:00:00Z", "scores": {"exact": 0.5}}
    clean({"given": item, "expect": [{"scores": [{"scorer": "exact", "value": 0.5}]}]}, mapping=[evaluation])


def test_a_csv_can_be_given_as_its_text() -> None:
    fields = {"external_id": "id", "title": "text", "at": "at"}
    mapping = [{"kind": "change", "fields": fields, "constants": {"what": "flag"}}]
    text = "id,text,at\n1,on,2026-01-31T09:00:00Z\n"
    clean({"answer": text, "expect": [{"title": "on"}]}, mapping=mapping, format="csv")
    assert "is no CSV" in complaint({"answer": 'a\n"b', "expect": []}, mapping=mapping, format="csv")


def test_the_tests_are_a_list_of_some_length() -> None:
    with pytest.raises(ConfigError, match="must be a list"):
        HttpConnector.clean({"url": "https://x.example/", "mapping": [RUN], "tests": {"given": GOOD}})
    assert "At most 100" in complaint(*[{"given": GOOD, "expect": [{}]}] * 101)
