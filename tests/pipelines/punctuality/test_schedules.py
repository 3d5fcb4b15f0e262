"""Vendors' schedule texts, as connectors store them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pipelines.punctuality.expectation import Clock, Interval
from apps.pipelines.punctuality.schedules import read_schedule
from apps.pipelines.punctuality.slots import next_slots
from tests.pipelines.punctuality.sayings import BERLIN, t

NOW = t("2026-11-24 09:00")  # a Tuesday
CLOCKS = {
    "0 2 * * *": [t("2026-11-25 02:00"), t("2026-11-26 02:00")],
    "0 2 * * * (Europe/Berlin)": [t("2026-11-25 02:00", BERLIN), t("2026-11-26 02:00", BERLIN)],
    "0 2 * * * (UTC+01:00)": [t("2026-11-25 01:00"), t("2026-11-26 01:00")],
    "30 6 * * mon-fri (UTC-05:30)": [t("2026-11-24 12:00"), t("2026-11-25 12:00")],
    "0 2 * * * (UTC); 0 14 * * * (UTC)": [t("2026-11-24 14:00"), t("2026-11-25 02:00")],
    "0 2 * * *; 0 2 * * *": [t("2026-11-25 02:00"), t("2026-11-26 02:00")],
    "0 6 ? * 2": [t("2026-12-01 06:00"), t("2026-12-08 06:00")],
    "0 0 L * *": [t("2026-11-30 00:00"), t("2026-12-31 00:00")],
    "@daily": [t("2026-11-25 00:00"), t("2026-11-26 00:00")],
    "@hourly": [t("2026-11-24 10:00"), t("2026-11-24 11:00")],
    "@quarterly": [t("2027-01-01 00:00"), t("2027-04-01 00:00")],
    "FREQ=DAILY;BYHOUR=3;BYMINUTE=15;BYSECOND=0 (Europe/Berlin)": [
        t("2026-11-25 03:15", BERLIN),
        t("2026-11-26 03:15", BERLIN),
    ],
    "RRULE:FREQ=WEEKLY;BYDAY=MO,WE": [t("2026-11-25 00:00"), t("2026-11-30 00:00")],
    "DTSTART:20240105T083000 RRULE:FREQ=WEEKLY;INTERVAL=2": [t("2026-12-04 08:30"), t("2026-12-18 08:30")],
}
INTERVALS = {
    "every 900 s (UTC)": 900,
    "every 3600 s": 3600,
    "every 900 s; every 60 s": 60,
    "every 86400 s; 0 2 * * *": 86_400,
    "every 1 days": 86_400,
    "every 2 hours, 30 minutes": 9000,
    "every 1 months": 2_678_400,
}
NONE = {
    "": "has no schedule",
    "Asset": "follows no clock",
    "Never, external triggers only": "follows no clock",
    "@once": "follows no clock",
    "@continuous": "follows no clock",
    "0 25 * * *": "is no cron expression",
    "0 2 * * * (Mars/Olympus)": "is no time zone",
    "FREQ=SECONDLY": "finer than a day",
    "FREQ=NONSENSE": "no recurrence rule",
    "every blue moon": "a number and a unit",
    "every 1 s": "10 seconds or longer",
}


@pytest.mark.parametrize("text", CLOCKS)
def test_a_schedule_by_the_clock_says_when_it_is_due(text):
    expectation = read_schedule(text).expectation
    assert expectation is not None
    assert isinstance(expectation.timing, Clock)
    assert [slot.due_at for slot in next_slots(expectation.timing, NOW, 2)] == CLOCKS[text]


@pytest.mark.parametrize("text", INTERVALS)
def test_an_interval_says_how_often(text):
    expectation = read_schedule(text).expectation
    assert expectation is not None
    assert expectation.timing == Interval(timedelta(seconds=INTERVALS[text]))


@pytest.mark.parametrize("text", NONE)
def test_a_text_that_says_no_time_says_why(text):
    reading = read_schedule(text)
    assert reading.expectation is None
    assert NONE[text] in reading.reason


@given(st.text(max_size=60) | st.text(alphabet="0123456789*/-,LW# ()every smhFREQ=;@UTC+:", max_size=40))
def test_any_text_is_read_or_refused_in_words(text):
    reading = read_schedule(text)
    assert (reading.expectation is None) == bool(reading.reason)
