"""Leap day, month ends, business days, time zones and both changes of the clock.

Name -> (judgement, the state people would say).
"""

from __future__ import annotations

from apps.pipelines.punctuality.days import DayRule, Days
from apps.pipelines.punctuality.expectation import Clock, CronLine, Expectation
from tests.pipelines.punctuality.sayings import (
    BERLIN,
    NEW_YORK,
    cron,
    every,
    judged,
    nightly,
    on,
    ran,
    ready,
    t,
)

BEFORE = nightly("21", "22", "23")  # three good nights before Tuesday 24 November 2026
TWO = t("2026-11-24 02:00")
FRIDAYS = Days(DayRule.NTH_WEEKDAY, (4,), -1)
THIRD_MONDAY = Days(DayRule.NTH_WEEKDAY, (0,), 3)
GERMAN = Days(DayRule.BUSINESS, country="DE")
BAVARIAN = Days(DayRule.BUSINESS, country="DE-BY")
UPSTREAM = [t("2026-11-24 04:00")]
TWICE = Expectation(Clock((CronLine("0 2 * * *"), CronLine("0 14 * * *"))))


def months(*days: str):
    return nightly(*days, clock="06:00")


CASES = {
    # leap day, month ends, calendars
    "29 February comes in a leap year": (
        judged(cron("0 6 29 2 *"), t("2028-02-29 07:00"), since=t("2027-06-01 00:00")),
        "late",
    ),
    "29 February is not expected in another": (
        judged(cron("0 6 29 2 *"), t("2027-03-01 07:00"), since=t("2026-06-01 00:00")),
        "waiting",
    ),
    "the 31st is not expected in November": (
        judged(cron("0 6 31 * *"), t("2026-12-01 07:00"), *months("2026-10-31")),
        "on_time",
    ),
    "month end on 28 February": (judged(on(DayRule.MONTH_END), t("2027-02-28 06:20"), *months("2027-01-31")), "late"),
    "month end is not 28 February in a leap year": (
        judged(on(DayRule.MONTH_END), t("2028-02-28 06:20"), *months("2028-01-31")),
        "on_time",
    ),
    "month end on the leap day": (judged(on(DayRule.MONTH_END), t("2028-02-29 06:20"), *months("2028-01-31")), "late"),
    "month end came": (judged(on(DayRule.MONTH_END), t("2026-11-30 06:20"), *months("2026-11-30")), "on_time"),
    "cron L is the month's last day": (judged(cron("0 6 L * *"), t("2026-11-30 06:20"), *months("2026-10-31")), "late"),
    "last business day, not the Saturday after": (
        judged(on(DayRule.LAST_BUSINESS), t("2026-10-31 06:20"), *months("2026-10-30")),
        "on_time",
    ),
    "last business day without a run": (
        judged(on(DayRule.LAST_BUSINESS), t("2026-10-30 06:20"), *months("2026-09-30")),
        "late",
    ),
    "no run on a Saturday": (judged(on(DayRule.BUSINESS), t("2026-11-21 12:00"), *months("2026-11-20")), "on_time"),
    "no run on Monday": (judged(on(DayRule.BUSINESS), t("2026-11-23 12:00"), *months("2026-11-20")), "late"),
    "no run on Christmas Day": (judged(on(GERMAN), t("2026-12-25 12:00"), *months("2026-12-24")), "on_time"),
    "a work day where another region rests": (judged(on(GERMAN), t("2027-01-06 12:00"), *months("2027-01-05")), "late"),
    "Epiphany in Bavaria": (judged(on(BAVARIAN), t("2027-01-06 12:00"), *months("2027-01-05")), "on_time"),
    "the last Friday": (judged(on(FRIDAYS), t("2026-11-27 06:30"), *months("2026-10-30")), "late"),
    "a Friday that is not the last": (judged(on(FRIDAYS), t("2026-11-20 06:30"), *months("2026-10-30")), "on_time"),
    "the third Monday": (judged(on(THIRD_MONDAY), t("2026-11-16 06:30"), *months("2026-10-19")), "late"),
    "the second Monday is not the third": (
        judged(on(THIRD_MONDAY), t("2026-11-09 06:30"), *months("2026-10-19")),
        "on_time",
    ),
    # time zones and daylight saving
    "two in the morning in Berlin, in winter": (
        judged(cron(zone=BERLIN), t("2026-11-24 01:10"), *nightly("23", "24", zone=BERLIN)),
        "on_time",
    ),
    "two in the morning in Berlin is late by its own clock": (
        judged(cron(zone=BERLIN), t("2026-11-24 01:20"), *nightly("23", zone=BERLIN)),
        "late",
    ),
    "the day before in New York": (
        judged(cron("0 22 * * *", NEW_YORK), t("2026-11-24 02:50"), *nightly("22", clock="22:00", zone=NEW_YORK)),
        "on_time",
    ),
    "22:00 in New York has passed": (
        judged(cron("0 22 * * *", NEW_YORK), t("2026-11-24 03:20"), *nightly("22", clock="22:00", zone=NEW_YORK)),
        "late",
    ),
    "spring forward: a time that the clock skips": (
        judged(cron("30 2 * * *", BERLIN), t("2026-03-29 09:00"), *nightly("2026-03-28", clock="02:30", zone=BERLIN)),
        "on_time",
    ),
    "spring forward: the scheduler ran it at three": (
        judged(
            cron("30 2 * * *", BERLIN),
            t("2026-03-29 09:00"),
            *nightly("2026-03-28", clock="02:30", zone=BERLIN),
            ran(t("2026-03-29 01:00")),
        ),
        "on_time",
    ),
    "spring forward: the day after": (
        judged(cron("30 2 * * *", BERLIN), t("2026-03-30 00:46"), *nightly("2026-03-28", clock="02:30", zone=BERLIN)),
        "late",
    ),
    "spring forward: later the same morning": (
        judged(
            cron("0 7 * * *", BERLIN),
            t("2026-03-29 05:05"),
            *nightly("2026-03-28", clock="07:00", zone=BERLIN),
            *nightly("2026-03-29", clock="07:00", zone=BERLIN),
        ),
        "on_time",
    ),
    "spring forward: nothing that morning": (
        judged(cron("0 7 * * *", BERLIN), t("2026-03-29 05:20"), *nightly("2026-03-28", clock="07:00", zone=BERLIN)),
        "late",
    ),
    "autumn: the first 02:30 came": (
        judged(cron("30 2 * * *", BERLIN), t("2026-10-25 09:00"), ran(t("2026-10-25 00:30"))),
        "on_time",
    ),
    "autumn: the second 02:30 came": (
        judged(cron("30 2 * * *", BERLIN), t("2026-10-25 09:00"), ran(t("2026-10-25 01:30"))),
        "on_time",
    ),
    "autumn: both came": (
        judged(
            cron("30 2 * * *", BERLIN), t("2026-10-25 09:00"), ran(t("2026-10-25 00:30")), ran(t("2026-10-25 01:30"))
        ),
        "on_time",
    ),
    "autumn: neither came": (
        judged(cron("30 2 * * *", BERLIN), t("2026-10-25 09:00"), *nightly("2026-10-24", clock="02:30", zone=BERLIN)),
        "late",
    ),
    "autumn: hourly runs in the doubled hour": (
        judged(cron("0 * * * *", BERLIN), t("2026-10-25 02:20"), *(ran(t(f"2026-10-25 0{h}:00")) for h in range(3))),
        "on_time",
    ),
    "spring: hourly runs over the hole": (
        judged(cron("0 * * * *", BERLIN), t("2026-03-29 02:20"), *(ran(t(f"2026-03-29 0{h}:00")) for h in range(3))),
        "on_time",
    ),
    "New York springs on another day": (
        judged(
            cron("30 2 * * *", NEW_YORK), t("2026-03-08 12:00"), *nightly("2026-03-07", clock="02:30", zone=NEW_YORK)
        ),
        "on_time",
    ),
    "an interval does not know of daylight saving": (
        judged(every(60), t("2026-10-25 02:10"), *(ran(t(f"2026-10-25 0{h}:00")) for h in range(3))),
        "on_time",
    ),
    "ready by a time on the short day": (
        judged(
            ready("13:00", zone=BERLIN),
            t("2026-03-29 11:10"),
            *nightly("2026-03-28", "2026-03-29", clock="05:00", zone=BERLIN),
        ),
        "on_time",
    ),
}
