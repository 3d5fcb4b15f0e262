"""Whether answers may be old: the oldest of what is late, in words, and never because of what is not known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.health.behind import Behind, behind_of
from apps.health.facts import DataFact, PipelineFact
from apps.health.reasons import Rule, from_json
from apps.health.rollup import roll_up
from tests.health.facts import AN_HOUR_AGO, NOON, answered, facts, pipeline, promise, silent

HOUR = timedelta(hours=1)


def feeding(has_failed: bool | None = True, *, hours: float = 14, **fields: Any) -> PipelineFact:
    return pipeline(has_failed, feeds_data=True, data_as_of=NOON - hours * HOUR, **fields)


def data(state: str = "fail", **fields: Any) -> DataFact:
    defaults: dict[str, Any] = {
        "id": 5,
        "slug": "help-index",
        "name": "Help index",
        "text": "not refreshed",
        "at": NOON,
    }
    return DataFact(**defaults | {"state": state, "as_of": NOON - 30 * HOUR, "since": AN_HOUR_AGO} | fields)


@pytest.mark.parametrize(
    ("fact", "because"),
    [
        (feeding(), "the pipeline “Nightly index” failed"),
        (feeding(False, late="late", late_since=AN_HOUR_AGO), "the pipeline “Nightly index” is late"),
        (feeding(False, late="missed", late_since=AN_HOUR_AGO), "the pipeline “Nightly index” missed a run"),
        (feeding(False), None),
        (feeding(None), None),
        (feeding(is_paused=True), None),
        (feeding(source=silent()), None),
        (pipeline(True), None),
    ],
    ids=["failed", "late", "missed", "passed", "never ran", "paused", "not heard of", "makes no data"],
)
def test_a_pipeline_makes_answers_old_only_by_what_is_known(fact: PipelineFact, because: str | None) -> None:
    found = behind_of(facts(promise(), fact))
    assert found == (Behind(because, NOON - 14 * HOUR, AN_HOUR_AGO) if because else None)


@pytest.mark.parametrize(("state", "is_behind"), [("fresh", False), ("warn", True), ("fail", True), ("unknown", False)])
def test_data_make_answers_old_once_they_are_older_than_they_should_be(state: str, is_behind: bool) -> None:
    found = behind_of(facts(promise(), datasets=(data(state),)))
    assert found == (
        Behind("“Help index” was not refreshed in time", NOON - 30 * HOUR, AN_HOUR_AGO) if is_behind else None
    )


def test_the_oldest_of_several_counts_and_an_unknown_age_only_alone() -> None:
    young, old = feeding(hours=2, id=1, name="Young"), feeding(hours=40, id=2, name="Old")
    nobody_knows = pipeline(True, feeds_data=True, id=3, name="New")
    found = behind_of(facts(promise(), young, nobody_knows, old))
    assert found is not None
    assert (found.because, found.as_of) == ("the pipeline “Old” failed", NOON - 40 * HOUR)
    alone = behind_of(facts(promise(), nobody_knows))
    assert alone is not None
    assert alone.as_of is None


def test_what_is_too_old_degrades_and_says_what_still_works() -> None:
    judged = roll_up(facts(promise(), answered(), datasets=(data(),)), NOON)
    assert judged.status == "degraded"
    assert (
        judged.sentence == "Answers are good, but answers may be old, because “Help index” was not refreshed in time."
    )
    (reason,) = [one for one in judged.reasons if one.rule is Rule.DATA_OLD]
    assert (reason.key, reason.subject, reason.since) == ("data:5", ("data", "help-index"), AN_HOUR_AGO)
    assert from_json(reason.to_json()) == reason


@pytest.mark.parametrize(
    ("state", "rule"), [("fresh", Rule.DATA_FRESH), ("warn", Rule.DATA_AGING), ("unknown", Rule.DATA_UNKNOWN)]
)
def test_everything_short_of_too_old_is_shown_and_changes_nothing(state: str, rule: Rule) -> None:
    judged = roll_up(facts(promise(), datasets=(data(state),)), NOON)
    assert judged.status == "healthy"
    assert rule in {one.rule for one in judged.reasons}


def test_a_pipeline_that_failed_says_what_it_means_for_answers() -> None:
    judged = roll_up(facts(promise(), feeding(is_direct=False, component="Help index")), NOON)
    assert (
        "answers may be old, because the pipeline “Nightly index” failed, on which it depends through Help index"
        in (judged.sentence)
    )
    (reason,) = [one for one in judged.reasons if one.rule is Rule.PIPELINE_FAILED]
    assert [(one.name, one.at) for one in reason.inputs][-1] == ("Its data go up to", NOON - 14 * HOUR)
