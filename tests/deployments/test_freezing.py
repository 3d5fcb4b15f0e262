from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.deployments.freezing import Weekly, Window, freezes_at, is_frozen, stretches

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
WEEKEND = Weekly(4, time(16), 0, time(8), BERLIN)  # Friday 16:00 to Monday 08:00


def a_window(**fields) -> Window:
    defaults = {"id": 1, "starts_at": START, "ends_at": START + timedelta(days=7)}
    return Window(**defaults | fields)


def berlin(*when: int) -> datetime:
    return datetime(*when, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (START - timedelta(seconds=1), False),
        (START, True),
        (START + timedelta(days=7) - timedelta(seconds=1), True),
        (START + timedelta(days=7), False),
    ],
)
def test_a_freeze_that_comes_once_holds_from_its_start_to_before_its_end(at, expected):
    assert is_frozen([a_window()], 1, 1, at) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (berlin(2026, 11, 6, 15, 59), False),
        (berlin(2026, 11, 6, 16, 0), True),
        (berlin(2026, 11, 8, 12, 0), True),
        (berlin(2026, 11, 9, 7, 59), True),
        (berlin(2026, 11, 9, 8, 0), False),
        (berlin(2026, 11, 11, 12, 0), False),
        (berlin(2027, 3, 26, 15, 59), False),  # the weekend on which summer time begins
        (berlin(2027, 3, 26, 16, 0), True),
        (berlin(2027, 3, 29, 7, 59), True),
        (berlin(2027, 3, 29, 8, 0), False),
    ],
)
def test_a_weekly_freeze_follows_the_clock_of_its_zone(at, expected):
    window = a_window(ends_at=None, weekly=WEEKEND)
    assert is_frozen([window], None, None, at) is expected


def test_a_weekly_freeze_stays_between_its_first_and_last_day():
    window = a_window(starts_at=berlin(2026, 11, 7), ends_at=berlin(2026, 11, 14), weekly=WEEKEND)
    found = list(stretches(window, berlin(2026, 10, 1), berlin(2026, 12, 1)))
    assert found == [
        (berlin(2026, 11, 7), berlin(2026, 11, 9, 8)),
        (berlin(2026, 11, 13, 16), berlin(2026, 11, 14)),
    ]


def test_the_same_day_and_time_at_both_ends_is_the_whole_week():
    window = a_window(ends_at=None, weekly=Weekly(2, time(9), 2, time(9), BERLIN))
    assert all(is_frozen([window], None, None, START + timedelta(days=7, hours=n)) for n in range(0, 336, 5))


def test_a_lifted_freeze_ends_at_once():
    window = a_window(lifted_at=START + timedelta(days=1))
    assert is_frozen([window], 1, 1, START)
    assert not is_frozen([window], 1, 1, START + timedelta(days=1))


@pytest.mark.parametrize(
    ("features", "environments", "feature", "environment", "expected"),
    [
        ((), (), None, None, True),
        ((), (), 1, 2, True),
        ((1,), (), 1, 2, True),
        ((1,), (), 3, 2, False),
        ((1,), (), None, 2, False),
        ((), (2,), 1, 2, True),
        ((), (2,), 1, 9, False),
        ((1,), (2,), 1, 2, True),
        ((1,), (2,), 1, 9, False),
    ],
)
def test_a_freeze_is_for_what_it_names(features, environments, feature, environment, expected):
    window = a_window(features=frozenset(features), environments=frozenset(environments))
    assert is_frozen([window], feature, environment, START) is expected


def test_every_freeze_that_holds_is_named():
    windows = [a_window(id=1), a_window(id=2, ends_at=START + timedelta(hours=1)), a_window(id=3)]
    assert [window.id for window in freezes_at(windows, 1, 1, START + timedelta(hours=2))] == [1, 3]


_TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
_MOMENTS = st.integers(0, 1095 * 1440).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
_ZONES = st.sampled_from(
    [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 6), _TIMES, st.integers(0, 6), _TIMES, _ZONES, _MOMENTS)
def test_a_moment_is_frozen_exactly_when_a_stretch_of_the_calendar_holds_it(day, first, last_day, last, zone, at):
    window = a_window(
        starts_at=datetime(2024, 1, 1, tzinfo=UTC), ends_at=None, weekly=Weekly(day, first, last_day, last, zone)
    )
    shown = list(stretches(window, at - timedelta(days=10), at + timedelta(days=10)))
    assert is_frozen([window], None, None, at) is any(start <= at < end for start, end in shown)
    assert shown == sorted(shown)
