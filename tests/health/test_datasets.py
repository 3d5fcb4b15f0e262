"""How old data may be: the rule in a table, and due times against a slow walk minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.health.datasets import Build, DataState, Feed, Limits, deadlines, judge, refreshed_at, too_old
from apps.pipelines.punctuality.expectation import Clock, CronLine

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMITS = Limits(warn=6 * HOUR, fail=24 * HOUR)
BY_SIX = Clock((CronLine("0 6 * * *"),))


def fed(hours_ago: float | None, **fields: object) -> Feed:
    as_of = None if hours_ago is None else NOON - hours_ago * HOUR
    return Feed(**{"id": 3, "name": "Nightly index", "as_of": as_of} | fields)


@pytest.mark.parametrize(
    ("feeds", "state", "text"),
    [
        ([], "unknown", "no pipeline that feeds it is known"),
        ([fed(None)], "unknown", "the pipeline “Nightly index” has not refreshed it yet"),
        ([fed(None, silence="Prefect does not answer.")], "unknown", "Prefect does not answer"),
        ([fed(5.9)], "fresh", "refreshed in time"),
        ([fed(6)], "warn", "not refreshed for more than 6 h"),
        ([fed(23.9)], "warn", "not refreshed for more than 6 h"),
        ([fed(24)], "fail", "not refreshed for more than 1 d"),
        ([fed(30), fed(2)], "fresh", "refreshed in time"),
        ([fed(2, trouble="failed")], "fresh", "refreshed in time, but the pipeline “Nightly index” failed"),
        (
            [fed(7, trouble="is late")],
            "warn",
            "not refreshed for more than 6 h, because the pipeline “Nightly index” is late",
        ),
        ([fed(30, silence="Prefect does not answer.")], "unknown", "Prefect does not answer"),
        ([fed(3, silence="Prefect does not answer.")], "fresh", "refreshed in time"),
        ([fed(30, silence="Prefect does not answer."), fed(29)], "fail", "not refreshed for more than 1 d"),
        ([fed(30), fed(None)], "fail", "not refreshed for more than 1 d"),
    ],
)
def test_data_are_judged_by_their_age(feeds: list[Feed], state: str, text: str) -> None:
    found = judge(LIMITS, feeds=feeds, at=NOON)
    assert (found.state, found.text) == (state, text)


def test_trouble_began_when_the_window_ended_and_time_alone_changes_it_next_at_the_next_limit() -> None:
    found = judge(LIMITS, feeds=[fed(7)], at=NOON)
    assert found.since == NOON - HOUR
    assert found.judge_at == NOON + 17 * HOUR
    assert judge(LIMITS, feeds=[fed(30)], at=NOON).judge_at is None


def test_a_window_that_only_warns_never_fails() -> None:
    assert judge(Limits(warn=HOUR), feeds=[fed(9000)], at=NOON).state is DataState.WARN
    assert judge(Limits(fail=HOUR), feeds=[fed(0.5)], at=NOON).state is DataState.FRESH


@pytest.mark.parametrize(
    ("build", "feeds", "hours_ago"),
    [
        (Build(as_of=NOON - 3 * HOUR, live_since=NOON - 2 * HOUR), [], 3),
        (Build(as_of=NOON - 3 * HOUR, live_since=NOON - 2 * HOUR), [fed(1)], 1),
        (Build(as_of=NOON - 50 * HOUR, live_since=NOON - 2 * HOUR, is_rollback=True), [fed(3)], 50),
        (Build(as_of=NOON - 50 * HOUR, live_since=NOON - 2 * HOUR, is_rollback=True), [fed(1)], 1),
        (None, [fed(None)], None),
    ],
)
def test_an_older_build_that_came_back_takes_what_was_refreshed_before_with_it(
    build: Build | None, feeds: list[Feed], hours_ago: float | None
) -> None:
    assert refreshed_at(feeds, build) == (None if hours_ago is None else NOON - hours_ago * HOUR)


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        (datetime(2026, 11, 24, 5, 0, tzinfo=UTC), "fresh"),
        (datetime(2026, 11, 23, 6, 1, tzinfo=UTC), "fresh"),
        (datetime(2026, 11, 23, 6, 0, tzinfo=UTC), "warn"),
        (datetime(2026, 11, 23, 5, 59, tzinfo=UTC), "warn"),
        (datetime(2026, 11, 22, 5, 59, tzinfo=UTC), "fail"),
    ],
)
def test_a_due_time_is_met_by_what_came_since_the_one_before(as_of: datetime, state: str) -> None:
    limits = Limits(warn=timedelta(0), fail=12 * HOUR, due=BY_SIX)
    found = judge(limits, feeds=[Feed(id=3, name="Nightly index", as_of=as_of)], at=NOON)
    assert found.state == state


def test_a_due_time_follows_the_clocks_of_its_zone() -> None:
    limits = Limits(warn=timedelta(0), due=Clock((CronLine("0 6 * * *", "Europe/Berlin"),)))
    before_summer_ends = datetime(2026, 10, 23, 5, 0, tzinfo=UTC)
    assert deadlines(limits, before_summer_ends)[0] == datetime(2026, 10, 25, 6, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def test_a_due_time_that_never_comes_again_is_no_limit() -> None:
    limits = Limits(warn=timedelta(0), due=Clock((CronLine("0 0 29 2 *"),)))
    assert deadlines(limits, NOON) == (None, None)


def is_overdue_slowly(hours: set[int], as_of: datetime, at: datetime) -> bool:
    """Walk back from `at` minute by minute: the last due time, and whether anything came since the one before."""
    ticks: list[datetime] = []
    minute = at.replace(second=0, microsecond=0)
    while len(ticks) < 2:
        if minute.minute == 0 and minute.hour in hours:
            ticks.append(minute)
        minute -= timedelta(minutes=1)
    return not as_of > ticks[1]


@settings(max_examples=60, deadline=None)
@given(
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=4),
    came=st.integers(0, 72 * 60),
    later=st.integers(0, 72 * 60),
)
def test_due_times_agree_with_a_walk_minute_by_minute(hours: set[int], came: int, later: int) -> None:
    as_of = NOON + timedelta(minutes=came)
    at = as_of + timedelta(minutes=later)
    cron = f"0 {','.join(map(str, sorted(hours)))} * * *"
    limits = Limits(warn=timedelta(0), due=Clock((CronLine(cron),)))
    found = judge(limits, feeds=[Feed(id=1, name="x", as_of=as_of)], at=at)
    assert (found.state is DataState.WARN) == is_overdue_slowly(hours, as_of, at)


@given(
    ages=st.lists(st.floats(0, 100), max_size=5),
    older=st.floats(0, 100),
)
def test_nothing_that_is_older_makes_data_fresher(ages: list[float], older: float) -> None:
    feeds = [fed(age) for age in ages]
    newest = min(ages, default=None)
    added = refreshed_at([*feeds, fed(older)])
    if newest is not None and older >= newest:
        assert added == refreshed_at(feeds)


@pytest.mark.parametrize(
    ("came", "old"),
    [
        ([], []),
        ([(0, 0)], []),
        ([(100, 100)], [(76, 0)]),
        ([(100, 100), (50, 50)], [(76, 50), (26, 0)]),
        ([(100, 100), (80, 80), (60, 60)], [(36, 0)]),
        ([(100, 100), (60, 90)], [(76, 60), (60, 0)]),
        ([(100, 150)], [(100, 0)]),
        ([(100, 100), (60, 200), (50, 50)], [(76, 50), (26, 0)]),
    ],
    ids=[
        "nothing came",
        "just now",
        "once",
        "late",
        "in time",
        "with older data",
        "old on arrival",
        "a backfill between",
    ],
)
def test_the_past_is_told_by_what_came_when(came: list, old: list) -> None:
    def times(pairs: list) -> list:
        return [tuple(NOON - hours * HOUR for hours in pair) for pair in pairs]

    assert too_old(LIMITS, times(came), end=NOON) == times(old)


@given(came=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 100)), max_size=8))
def test_the_past_agrees_with_the_judgement_of_each_hour(came: list[tuple[int, int]]) -> None:
    arrivals = [(NOON - hours * HOUR, NOON - (hours + older) * HOUR) for hours, older in came]
    old = too_old(LIMITS, arrivals, end=NOON)
    for hour in range(1, 201):
        at = NOON - hour * HOUR + timedelta(minutes=30)
        feeds = [Feed(id=1, name="x", as_of=mark) for arrived, mark in arrivals if arrived <= at]
        was_too_old = judge(LIMITS, feeds=feeds, at=at).state is DataState.FAIL
        assert was_too_old == any(start <= at < end for start, end in old)
