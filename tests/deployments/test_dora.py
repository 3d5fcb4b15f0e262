from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.deployments.dora import CONFIRMED, CUT, Change, Trouble, infer, measure, recovered_in

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLACE = ("api", "production")


def a_change(number: int, hours_ago: float, **fields) -> Change:
    defaults = {"kind": "code", "feature_id": 1, "place": PLACE}
    return Change(id=number, at=NOW - hours_ago * HOUR, **defaults | fields)


def trouble(key: str, hours_ago: float, lasted: float | None = 0.5, **fields) -> Trouble:
    began = NOW - hours_ago * HOUR
    ended = None if lasted is None else began + lasted * HOUR
    return Trouble(key, **{"kind": "alert", "feature_id": 1, "began_at": began, "ended_at": ended} | fields)


def rollback(number: int, hours_ago: float, place=PLACE) -> tuple[Change, Trouble]:
    at = NOW - hours_ago * HOUR
    change = a_change(number, hours_ago, is_rollback=True, place=place)
    return change, Trouble(f"event-{number}", "rollback", 1, at, at, place)


def linked(changes, troubles, minutes=60, verdicts=None) -> list[tuple[int, str, str]]:
    links = infer(changes, troubles, within=timedelta(minutes=minutes), verdicts=verdicts or {})
    return [(one.change_id, one.trouble.key, one.state) for one in links]


def test_trouble_belongs_to_the_last_change_of_its_feature():
    changes = [a_change(1, 3), a_change(2, 2.5), a_change(3, 2.2, feature_id=9)]
    assert linked(changes, [trouble("a", 2)]) == [(2, "a", "inferred")]


@pytest.mark.parametrize(("minutes", "found"), [(60, 0), (120, 1)])
def test_trouble_after_the_bound_belongs_to_nothing(minutes, found):
    assert len(linked([a_change(1, 4)], [trouble("a", 2.5)], minutes)) == found


def test_trouble_before_a_change_is_not_its_fault():
    assert linked([a_change(1, 2)], [trouble("a", 2.1)]) == []


def test_a_rollback_belongs_to_the_last_change_of_its_place():
    changes = [a_change(1, 3), a_change(2, 2.7, place=("worker", "production"))]
    back, why = rollback(3, 2.5)
    assert linked([*changes, back], [why]) == [(1, "event-3", "inferred")]


def test_trouble_of_no_feature_belongs_to_nothing():
    assert linked([a_change(1, 2.2, feature_id=None)], [trouble("a", 2, feature_id=None)]) == []


def test_what_a_person_says_stands():
    changes, troubles = [a_change(1, 9), a_change(2, 2.2)], [trouble("a", 2)]
    verdicts = {(2, "a"): CUT, (1, "a"): CONFIRMED}
    links = infer(changes, troubles, within=HOUR, verdicts=verdicts)
    assert {(one.change_id, one.state) for one in links} == {(1, CONFIRMED), (2, CUT)}
    assert measure(changes, links, days=7).failed == 1


def test_the_measures_of_a_bad_day():
    changes = [
        a_change(1, 6, begun_at=NOW - 8 * HOUR),
        a_change(2, 5, begun_at=NOW - 9 * HOUR),
        a_change(3, 4.4),  # while trouble of the second lasts
    ]
    back, why = rollback(4, 4)
    troubles = [trouble("a", 4.5, lasted=1), why]
    links = infer([*changes, back], troubles, within=HOUR, verdicts={})
    found = measure([*changes, back], links, days=7)
    assert (found.changes, found.rollbacks, found.failed, found.rework) == (3, 1, 2, 2)
    assert found.a_week == 3
    assert found.failure_rate == 2 / 3
    assert found.rework_rate == 0.5
    assert (found.lead.median, found.lead.mean, found.lead.number, found.lead.unknown) == (3 * 3600, 3 * 3600, 2, 1)
    # the second: from its alert to its end; the third: from going live to being rolled back
    assert found.recovery.seconds == (0.4 * 3600, 3600.0)


def test_what_lasts_has_not_recovered():
    changes, troubles = [a_change(1, 2.2)], [trouble("a", 2, lasted=None)]
    links = infer(changes, troubles, within=HOUR, verdicts={})
    found = measure(changes, links, days=30)
    assert (found.recovery.number, found.recovery.unknown, found.recovery.median) == (0, 1, None)


def test_a_rollback_alone_is_counted_from_the_change():
    change = a_change(1, 3)
    _, why = rollback(2, 2.5)
    assert recovered_in(change, [why]) == 0.5 * HOUR
    assert recovered_in(change, []) is None


def test_nothing_changed_has_no_rates():
    found = measure([], [], days=30)
    assert (found.failure_rate, found.rework_rate, found.lead.median, found.a_week) == (None, None, None, 0)


CHANGES = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 3), st.booleans()), max_size=20, unique_by=lambda one: one[0]
)
TROUBLES = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 3)), max_size=15)


@given(changes=CHANGES, troubles=TROUBLES, minutes=st.sampled_from([15, 60, 240]), cut=st.sets(st.integers(0, 14)))
def test_links_are_what_one_finds_by_looking_at_every_pair(changes, troubles, minutes, cut):
    made = [
        Change(n, NOW + timedelta(minutes=at), "code", feature, (feature,), is_rollback)
        for n, (at, feature, is_rollback) in enumerate(changes)
    ]
    told = [Trouble(f"t{n}", "alert", feature, NOW + timedelta(minutes=at)) for n, (at, feature) in enumerate(troubles)]
    expected = set()
    for one in told:
        before = [
            change for change in made
            if not change.is_rollback and change.feature_id == one.feature_id
            and timedelta() <= one.began_at - change.at <= timedelta(minutes=minutes)
        ]  # fmt: skip
        if before:
            expected.add((max(before, key=lambda change: change.at).id, one.key))
    plain = infer(made, told, within=timedelta(minutes=minutes), verdicts={})
    assert {(one.change_id, one.trouble.key) for one in plain} == expected
    verdicts = {pair: CUT for pair in expected if int(pair[1][1:]) in cut}
    links = infer(made, told, within=timedelta(minutes=minutes), verdicts=verdicts)
    assert {(one.change_id, one.trouble.key) for one in links if one.counts} == expected - verdicts.keys()
    found = measure(made, links, days=7)
    assert found.failed == len({change for change, _ in expected - verdicts.keys()})
    assert found.changes + found.rollbacks == len(made)
